"""Contacts that the platform creates or changes, as writes to the agency's BenefitPoint besides AMS360 (B7)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID, uuid5

import psycopg

from ams_etl.rules.platform_accounts import BenefitPointDefaults, account_members, new_account
from ams_etl.settings import Agency
from ams_etl.writeback.contacts import keys_of
from ams_etl.writeback.enqueue import NewWrite

_NAMESPACE = UUID("7b1d0c52-8f0e-5f43-9f2e-21f0b3c4a6d8")
_NO_PLACE = "targets: this agency's settings have no benefitpoint.new_accounts"

Asked = tuple[UUID, str, Mapping[str, Any], str | None]
"""Event id, kind, payload, the AMS360 customer that it is about where there is one already."""


def goes_to_ams360(payload: Mapping[str, Any]) -> bool:
    """Whether AMS360 is among an event's targets; without targets it is."""
    return "ams360" in (payload.get("targets") or ("ams360",))


def customers_of_accounts(
    connection: psycopg.Connection[Any], agency: str, references: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Account id, as references name it -> AMS360's customer, for accounts that AMS360 has."""
    wanted = sorted({str(one["account_id"]) for one in references if one.get("account_id")})
    if not wanted:
        return {}
    rows = connection.execute(
        """select id::text, ams360_customer_id from unnest(%s::uuid[]) id
        join mart.accounts on agency = %s and id in (account_id, former_id) where ams360_customer_id is not null""",
        (wanted, agency),
    )
    return dict(rows.fetchall())


def account_writes(
    connection: psycopg.Connection[Any], agency: Agency, asked: Sequence[Asked], customer_writes: Mapping[UUID, UUID]
) -> dict[UUID, NewWrite | str]:
    """What these events ask of BenefitPoint; an event that asks nothing of it is left out.

    Args:
        connection: any; the accounts of all events are read in one query.
        agency: the agency and its choices.
        asked: the events; others than created and changed contacts are passed over.
        customer_writes: event id -> the write that makes its customer in AMS360.

    Returns:
        Event id -> the write, or why the event is refused. The same new contact gives the same write.
    """
    found: dict[UUID, NewWrite | str] = {}
    changed: list[Asked] = []
    for one in asked:
        event_id, kind, payload, _ = one
        targets: Sequence[str] | None = payload.get("targets")
        if kind == "contact_created" and targets and "benefitpoint" in targets:
            found[event_id] = _created(agency, one, customer_writes[event_id] if "ams360" in targets else None)
        elif kind == "contact_updated" and agency.benefitpoint and (targets is None or "benefitpoint" in targets):
            changed.append(one)
    accounts = _accounts(connection, agency.id, changed)
    for event_id, kind, payload, _ in changed:
        known = accounts.get(event_id)
        if known is None:
            continue
        account_id, classification = known
        values = {
            name: value for name, value in _values(payload).items() if name in agency.writeback.properties and value
        }
        members = account_members(values, "Group" if classification == "group" else "Individual")
        if members:
            request = {"account_id": account_id, "Account": members}
            write_id = uuid5(_NAMESPACE, f"{agency.id}\x1f{event_id}")
            found[event_id] = NewWrite(
                write_id, kind, "update_account", f"benefitpoint:{account_id}", request, event_id=event_id
            )
    return found


def _created(agency: Agency, one: Asked, customer_write: UUID | None) -> NewWrite | str:
    event_id, kind, payload, _ = one
    if agency.benefitpoint is None or agency.benefitpoint.new_accounts is None:
        return _NO_PLACE
    values = _values(payload)
    contact = payload.get("contact") or {}
    if contact.get("email"):
        values.setdefault("email", contact["email"])
    if payload.get("account_name"):
        values["company_name"] = payload["account_name"]
    classification: Literal["Group", "Individual"] = (
        "Group" if payload.get("record_type") == "commercial" else "Individual"
    )
    defaults = BenefitPointDefaults(**agency.benefitpoint.new_accounts.model_dump())
    try:
        account = new_account(values, classification, defaults)
    except ValueError as error:
        return f"targets: {error}"
    key = next(iter(keys_of(contact, values.get("email"))), f"event:{event_id}")
    request = {"Account": account, "ams360_writeback": str(customer_write) if customer_write else None}
    write_id = uuid5(_NAMESPACE, f"{agency.id}\x1f{key}")
    return NewWrite(write_id, kind, "account", f"account:{key}", request, event_id=event_id)


def _values(payload: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value).strip() for name, value in (payload.get("properties") or {}).items()}


def _accounts(
    connection: psycopg.Connection[Any], agency: str, changed: Sequence[Asked]
) -> dict[UUID, tuple[int, str | None]]:
    """Event id -> BenefitPoint's account and its classification.

    By the account or the customer; an email names one that BenefitPoint alone knows, if one alone has it.
    """
    if not changed:
        return {}
    contacts = [(payload.get("contact") or {}) for _, _, payload, _ in changed]
    rows = connection.execute(
        """select x.event_id, min(a.benefitpoint_account_id), min(a.classification)
        from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) x (event_id, account_id, customer_id, email)
        join mart.accounts a on a.agency = %s and a.benefitpoint_account_id is not null and case
            when x.account_id is not null then x.account_id in (a.account_id, a.former_id)
            when x.customer_id is not null then a.ams360_customer_id = x.customer_id
            else a.ams360_customer_id is null and lower(a.email) = x.email end
        group by x.event_id having count(*) = 1""",
        (
            [event_id for event_id, _, _, _ in changed],
            [one.get("account_id") for one in contacts],
            [customer for _, _, _, customer in changed],
            [(one.get("email") or "").strip().lower() or None for one in contacts],
            agency,
        ),
    )
    return {event_id: (account, classification) for event_id, account, classification in rows}
