"""The pages that the frame links, in their order."""

from ams_etl.settings import Agency


def navigation(agency: Agency) -> list[tuple[str, str]]:
    """Return (path after the agency, name) of each page that this agency has."""
    return [
        ("", "Overview"),
        ("/contacts", "Contacts"),
        ("/lookup", "Lookup"),
        ("/missing", "Missing"),
        ("/users", "Users"),
        *([("/accounts", "Accounts")] if agency.system == "ams360" else []),
        ("/plan", "Plan"),
        ("/writeback", "Writeback"),
        ("/settings", "Settings"),
        ("/log", "Sync log"),
        ("/activity", "Activity"),
        ("/set-up", "Set up"),
    ]
