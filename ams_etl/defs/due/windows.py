"""When an agency's regular work is due: its own minute of a window that opens every week, every day or every half hour."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ams_etl.defs.spread import start_minute


@dataclass(frozen=True, slots=True)
class Window:
    """A window that opens at an hour of every day, or of one weekday.

    Attributes:
        from_hour: 0 to 23, by the clock on the wall.
        minutes: its length; agencies are spread over it.
        weekday: 0 is Monday; None: every day.
    """

    from_hour: int
    minutes: int
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A window that opens again as soon as it closes, at every multiple of so many minutes of the day in UTC."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Due:
    """The latest moment at which an agency's work was due, its window, and when it is due next; all in UTC."""

    opened_at: datetime
    at: datetime
    closes_at: datetime
    next_at: datetime

    def was_missed(self, now: datetime, last_done_at: datetime | None) -> bool:
        """Whether the window has passed and the work was not done since it was due."""
        return now >= self.closes_at and (last_done_at is None or last_done_at < self.at)


def due(window: Window | Interval, agency: str, now: datetime, zone: ZoneInfo) -> Due:
    """Return when an agency's work was due last and is due next, by the clock on the wall of a time zone."""
    if isinstance(window, Interval):
        return _due_in_interval(window, agency, now)
    days = 1 if window.weekday is None else 7
    offset = timedelta(minutes=start_minute(agency, window.minutes))
    here = now.astimezone(zone)
    back = 0 if window.weekday is None else (here.weekday() - window.weekday) % 7
    # Days are counted on the wall's calendar, so that a change of the clocks moves nothing.
    opened = datetime(here.year, here.month, here.day, window.from_hour, tzinfo=zone) - timedelta(days=back)
    while (opened + offset).astimezone(UTC) > now.astimezone(UTC):
        opened -= timedelta(days=days)
    following = opened + timedelta(days=days)
    moments = (opened, opened + offset, opened + timedelta(minutes=window.minutes), following + offset)
    return Due(*(moment.astimezone(UTC) for moment in moments))


def _due_in_interval(window: Interval, agency: str, now: datetime) -> Due:
    """The window of an agency's last turn may have closed by the clock already: it ends with the agency's next turn."""
    length, offset = timedelta(minutes=window.minutes), timedelta(minutes=start_minute(agency, window.minutes))
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    opened = midnight + (now - offset - midnight) // length * length
    return Due(opened, opened + offset, opened + offset + length, opened + offset + length)
