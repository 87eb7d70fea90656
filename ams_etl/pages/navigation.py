"""The pages that the frame links, in their order."""

from ams_etl.settings import Agency


def navigation(agency: Agency) -> list[tuple[str, str]]:
    """Return (path after the agency, name) of each page that this agency has."""
    return [
        ("/contacts", "Contacts"),
        ("/missing", "Missing"),
        ("/users", "Users"),
        ("/settings", "Settings"),
        ("/set-up", "Set up"),
    ]
