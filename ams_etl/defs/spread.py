"""How agencies are spread over a window, so that they do not all start at once."""

import hashlib


def start_minute(agency: str, window_minutes: int) -> int:
    """The minute of the window in which this agency starts: always the same one, evenly spread by its id."""
    digest = hashlib.blake2b(agency.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % max(1, window_minutes - 10)
