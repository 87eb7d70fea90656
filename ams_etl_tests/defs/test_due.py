"""What is due follows from what was done: a daemon that was down over a window makes up for it, at every season."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ams_etl.defs.due.windows import Window, due
from ams_etl.defs.spread import start_minute

ZONES = ("America/New_York", "America/Los_Angeles", "Europe/Berlin", "UTC")
BEGIN = datetime(2025, 12, 20, tzinfo=UTC)
MINUTES = 400 * 24 * 60
windows = st.builds(
    Window,
    st.integers(0, 23),
    st.integers(1, 24).map(lambda hours: hours * 60),
    st.one_of(st.none(), st.integers(0, 6)),
)


@given(window=windows, zone=st.sampled_from(ZONES), minute=st.integers(0, MINUTES), agency=st.sampled_from("abcdefgh"))
def test_the_latest_and_the_next_moment(window: Window, zone: str, minute: int, agency: str) -> None:
    """Over changes of the clocks and the year's end: at the same minute by the clock on the wall, one after the other."""
    now, place = BEGIN + timedelta(minutes=minute), ZoneInfo(zone)
    found = due(window, agency, now, place)
    assert found.at <= now < found.next_at
    days = 1 if window.weekday is None else 7
    opened = (found.closes_at.astimezone(place) - timedelta(minutes=window.minutes)).replace(tzinfo=None)
    wall = [moment.astimezone(place).replace(tzinfo=None) for moment in (found.at, found.next_at)]
    # An hour that the clocks skip is the only one by which a moment may move.
    assert abs(wall[1] - wall[0] - timedelta(days=days)) <= timedelta(hours=1)
    assert abs(wall[0] - opened - timedelta(minutes=start_minute(agency, window.minutes))) <= timedelta(hours=1)
    assert due(window, agency, found.next_at, place).at == found.next_at


@given(
    window=windows, zone=st.sampled_from(ZONES), agency=st.sampled_from("abcdefgh"),
    stopped=st.integers(0, MINUTES), hours=st.integers(1, 15 * 24),
)  # fmt: skip
def test_a_daemon_that_was_down_makes_up_for_it_once(
    window: Window, zone: str, agency: str, stopped: int, hours: int
) -> None:
    """While it runs, work is done when it is due; when it comes back, what was due meanwhile is missed until it is done."""
    place = ZoneInfo(zone)
    down_from = BEGIN + timedelta(minutes=stopped)
    back_at = down_from + timedelta(hours=hours)
    last_done = due(window, agency, down_from, place).at
    found = due(window, agency, back_at, place)
    was_due_meanwhile = last_done < found.at
    assert found.was_missed(back_at, last_done) == (was_due_meanwhile and back_at >= found.closes_at)
    assert not found.was_missed(back_at, back_at)
    # At the latest when the window of what was due meanwhile has passed, it is seen to be missed.
    if was_due_meanwhile:
        later = max(back_at, found.closes_at)
        if later < found.next_at:
            assert due(window, agency, later, place).was_missed(later, last_done)
