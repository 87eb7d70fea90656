"""Policy shells (W8)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from ams_etl.rules.writeback.model import Happening, moment
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.rules.writeback.texts import texts_for


def policy_shell(happening: Happening, marker: str, settings: WritebackSettings) -> dict[str, Any]:
    """W8: number, term and description, no premium and no line of business; a made-up number is unique by its marker."""
    given = happening.policy
    begins = date.fromisoformat(given["effective_date"]) if given.get("effective_date") else happening.at.date()
    ends = given.get("expiration_date")
    expires = date.fromisoformat(ends) if ends else begins + timedelta(days=settings.shell_days)
    (text,) = texts_for("Policy.Description", replace(happening, text=given.get("description") or ""), settings)
    return {
        "PolicyNumber": given.get("number") or f"SHELL-{marker.strip('[#]')}",
        "PolicyEffectiveDate": moment(begins),
        "PolicyExpirationDate": moment(max(begins, expires)),
        "IsContinuous": False,
        "Description": text,
    }
