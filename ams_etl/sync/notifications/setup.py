"""What to enter in AMS360: Notification Service Setup, and the least rights of the WSAPI login.

Derived from what the settings switch on and from the operations this code calls, not from "check all"; a test holds
`OPERATIONS` to the operations that the code names.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ams_etl.errors import ConfigError
from ams_etl.settings import Agencies, Agency

RIGHTS = ("retrieve", "insert", "update", "delete")
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "read customers, contacts and policies": (
        "CustomerGetListByNamePrefix", "CustomerGetById", "CustomerGetByNumber", "CustomerContactGetList",
        "CustomerDependentGetList", "PolicyGetListByCustomerId", "PolicyGet",
    ),
    "read the lists they refer to": (
        "AgencyInfoGet", "EmployeeGetListAll", "CompanyGetListAll", "LineOfBusinessGetAllList", "GLDivisionGetListAll",
        "GLBranchGetListAll", "GLDepartmentGetListAll", "GLGroupGetListAll",
    ),
    "write notes and conversations": (
        "CustomerNoteInsert", "CustomerActivityInsert", "FileChunkBegin", "FileChunkSend", "FileChunkEnd",
    ),
    "write tickets": (
        "CustomerSuspenseInsert", "CustomerSuspenseUpdate", "CustomerSuspenseGetListByCustomerId",
        "CustomerSuspenseGetBySuspenseId",
    ),
    "write contacts": ("CustomerInsert", "CustomerUpdate", "SearchByPhoneNumber"),
    "write deals": ("PolicyInsert",),
}  # fmt: skip
"""The operations of each feature; `Login` needs no right."""
_OPERATION = re.compile(r"(?P<entity>[A-Z]\w*?)(?P<verb>Get|Insert|Update|Delete)(?=[A-Z]|$)")
_VERBS = {"Get": "retrieve", "Insert": "insert", "Update": "update", "Delete": "delete"}


_NAMED_OTHERWISE = {
    "FileChunkBegin": ("FileChunk", "insert"), "FileChunkSend": ("FileChunk", "insert"),
    "FileChunkEnd": ("FileChunk", "insert"), "SearchByPhoneNumber": ("Customer", "retrieve"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the form: what to enter, and why where it is a choice."""

    field: str
    value: str
    why: str = ""


def setup_form(agencies: Agencies, agency: Agency, code: str | None) -> list[Entry]:
    """The values for Administration > Notification Service Setup.

    Args:
        agencies: the file, for the public address.
        agency: whose AMS360 it is.
        code: the authentication code to show; None shows the name of its variable.

    Raises:
        ConfigError: the agency has no `notifications`, or `inbound.public_url` is missing.
    """
    settings = agency.notifications
    if settings is None:
        raise ConfigError(f"{agencies.path}: agencies.{agency.id}.notifications: not set; docs/settings.md shows how")
    if agencies.inbound.public_url is None:
        raise ConfigError(
            f"{agencies.path}: inbound.public_url: expected the address at which AMS360 reaches the inbound service"
        )
    shown = code or f"<the value of {settings.authentication_code_env}>"
    methods = {
        "single": ("Single Retry", "two tries, then AMS360 drops it; the weekly sync finds what was lost"),
        "blocking": ("Blocking", "nothing is lost in an outage, but after nine tries AMS360 switches the recipient off "
                                 "and deletes all that waits: watch the inbound service"),
    }  # fmt: skip
    return [
        Entry("Notification Client", settings.client),
        Entry("Contact Info", "your first and last name"),
        Entry("Recipient Name", f"{settings.client}NotificationClientService"),
        Entry("Destination Address", f"{agencies.inbound.public_url.rstrip('/')}/notifications/{agency.id}/{shown}"),
        Entry("Authentication Code", shown),
        Entry("Version", settings.version, "as agencies.yaml says: only keys are used, the records are read again"),
        Entry("Delivery Status", "On"),
        Entry("Retry Method", *methods[settings.retry_method]),
        *(Entry("Notification Type", name, why) for name, why in notification_types(agency).items()),
    ]


def notification_types(agency: Agency) -> dict[str, str]:
    """Which types to grant, and why; everything else costs requests and changes nothing."""
    settings = agency.settings
    types = {
        "Customer": "names, addresses, status, birthdays, owners",
        "Policy": "who is a client, renewals, lines of business and carriers",
        "Employee": "owners and connections",
    }
    if settings.commercial_contacts:
        types["Customer Contact"] = "the contacts of commercial customers"
    if settings.second_insured:
        types["Customer Dependent"] = "the second insured"
    if {"branch", "department", "division", "group"} & set(settings.tags):
        types["Business Unit"] = "tags by business unit"
    if "carrier" in settings.tags:
        types["Company"] = "the carriers' names in tags"
    return types


def least_rights(features: Iterable[str] = tuple(OPERATIONS)) -> dict[tuple[str, str], list[str]]:
    """(entity, right) -> the features that need it."""
    rights: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for feature in features:
        for needed in dict.fromkeys(needed_right(operation) for operation in OPERATIONS[feature]):
            rights[needed].append(feature)
    return dict(rights)


def needed_right(operation: str) -> tuple[str, str]:
    """The entity and the right that an operation's name tells.

    Raises:
        ValueError: it tells none.
    """
    if operation in _NAMED_OTHERWISE:
        return _NAMED_OTHERWISE[operation]
    found = _OPERATION.match(operation)
    if found is None:
        raise ValueError(operation)
    return found["entity"], _VERBS[found["verb"]]
