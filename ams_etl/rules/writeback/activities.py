"""Activities (W3), and whose they are in AMS360 (W2)."""

from collections.abc import Collection, Mapping
from typing import Any

from ams_etl.rules.writeback.model import Happening, moment
from ams_etl.rules.writeback.settings import DEFAULT_ACTIONS, WritebackSettings
from ams_etl.rules.writeback.texts import texts_for


def activity_action(kind: str, call_type: str | None, configured: Mapping[str, str]) -> str:
    """W3: by the call's type where the setting `activity_actions` has it, else by the kind; compared case-blind."""
    known = {name.casefold(): action for name, action in configured.items()}
    return known.get((call_type or "").strip().casefold()) or known.get(kind) or DEFAULT_ACTIONS[kind]


def activities(
    happening: Happening, employee: str | None, actions: Mapping[str, str], settings: WritebackSettings
) -> list[dict[str, Any]]:
    """The CustomerActivity records of a conversation, several where the text is long; files hang on the first."""
    base: dict[str, Any] = {
        "ActivityDate": moment(happening.at.date()),
        "ActivityTime": duration_of_day(happening),
        "ActivityAction": activity_action(happening.kind, happening.call_type, actions),
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
    """The employee whom a platform user stands for (W2): one that the customer names, else the lowest code."""
    codes = sorted(codes_of.get(user_id or "", ()))
    return next((code for code in codes if code in of_customer), codes[0] if codes else None)
