"""Translates states between BenefitPoint's spelling and AMS360's two letters."""

from typing import Any

_CODES = {
    "Alabama": "AL", "Alaska": "AK", "Arizona": "AZ", "Arkansas": "AR", "California": "CA", "Colorado": "CO",
    "Connecticut": "CT", "Delaware": "DE", "Florida": "FL", "Georgia": "GA", "Hawaii": "HI", "Idaho": "ID",
    "Illinois": "IL", "Indiana": "IN", "Iowa": "IA", "Kansas": "KS", "Kentucky": "KY", "Louisiana": "LA", "Maine": "ME",
    "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI", "Minnesota": "MN", "Mississippi": "MS", "Missouri": "MO",
    "Montana": "MT", "Nebraska": "NE", "Nevada": "NV", "New_Hampshire": "NH", "New_Jersey": "NJ", "New_Mexico": "NM",
    "New_York": "NY", "North_Carolina": "NC", "North_Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK", "Oregon": "OR",
    "Pennsylvania": "PA", "Rhode_Island": "RI", "South_Carolina": "SC", "South_Dakota": "SD", "Tennessee": "TN",
    "Texas": "TX", "Utah": "UT", "Vermont": "VT", "Virginia": "VA", "Washington": "WA", "District_of_Columbia": "DC",
    "West_Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY", "Puerto_Rico": "PR", "Guam": "GU", "Virgin_Islands": "VI",
}  # fmt: skip


def state_code(value: Any) -> str | None:
    """Return the two letters of a US state, any other province by its name, None where nothing is selected."""
    if not isinstance(value, str) or not value.strip() or value == "None_Selected":
        return None
    return _CODES.get(value, value.replace("_", " "))


def state_name(letters: str | None) -> str | None:
    """Return BenefitPoint's name for two letters, or None where they are not a US state."""
    wanted = (letters or "").strip().upper()
    return next((name for name, code in _CODES.items() if code == wanted), None)
