"""Moments as JSON services read them."""

from datetime import UTC, datetime


def zulu(moment: datetime) -> str:
    """A moment (with an offset) in UTC to the millisecond, with a Z: the one form that every service seen takes."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
