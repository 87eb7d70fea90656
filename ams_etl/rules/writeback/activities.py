"""Activities (W3), and whose they are in AMS360 (W2)."""

from collections.abc import Collection, Mapping
from typing import Any

from ams_etl.rules.writeback.model import Happening, moment
from ams_etl.rules.writeback.settings import DEFAULT_ACTIONS, WritebackSettings
from ams_etl.rules.writeback.texts import texts_for


def activity_action(kind: str, direction: str | None, call_type: str | None, configured: Mapping[str, str]) -> str:
    """W3: Return the action of the most exact key that `activity_actions` has, else the default; compared case-blind.

    Most exact first: `call.inbound.billing`, `call.billing`, `billing`, `call.inbound`, `call`.
    """
    known = {name.strip().casefold(): action for name, action in configured.items()}
    by_direction = f"{kind}.{direction}" if direction else kind
    keys = [by_direction, kind]
    if call_type and call_type.strip():
        of_type = call_type.strip().casefold()
        keys = [f"{by_direction}.{of_type}", f"{kind}.{of_type}", of_type, *keys]
    chosen = next((known[key] for key in keys if known.get(key)), None)
    return chosen or DEFAULT_ACTIONS.get(by_direction) or DEFAULT_ACTIONS[kind]


def actions_that_are_written(configured: Mapping[str, str]) -> dict[str, str]:
    """Return each kind and direction, and each key of the setting, with the action that is written for it (W3)."""
    defaults = {}
    for key in DEFAULT_ACTIONS:
        kind, _, direction = key.partition(".")
        defaults[key] = activity_action(kind, direction or None, None, configured)
    return {**defaults, **{name.strip().casefold(): action for name, action in configured.items() if action}}


def activities(
    happening: Happening, employee: str | None, actions: Mapping[str, str], settings: WritebackSettings
) -> list[dict[str, Any]]:
    """The CustomerActivity records of a conversation, several where the text is long; files belong to the first."""
    base: dict[str, Any] = {
        "ActivityDate": moment(happening.at.date()),
        "ActivityTime": duration_of_day(happening),
        "ActivityAction": activity_action(happening.kind, happening.direction, happening.call_type, actions),
    }
    if employee:
        base["EmployeeCode"] = employee
    return [{**base, "Description": text} for text in texts_for("CustomerActivity.Description", happening, settings)]


def duration_of_day(happening: Happening) -> str:
    """The time of day as AMS360 has it, a duration since midnight."""
    at = happening.at
    return f"PT{at.hour}H{at.minute}M"


def employee_code(
    user_id: str | None, codes_of: Mapping[str, Collection[str]], of_customer: Collection[str] = ()
) -> str | None:
    """The employee that a platform user is mapped to (W2): one that the customer names, else the lowest code."""
    codes = sorted(codes_of.get(user_id or "", ()))
    return next((code for code in codes if code in of_customer), codes[0] if codes else None)
