"""What is due follows from what was done: a daemon that was down over a window makes up for it, at every season."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_etl.defs.due.regular_work import agency_work
from ams_etl.defs.due.windows import Window, due
from ams_etl.defs.spread import start_minute
from ams_etl.settings import load_agencies

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


NEW_YORK = ZoneInfo("America/New_York")
SUNDAYS = {
    "an ordinary Sunday": datetime(2026, 6, 14, tzinfo=NEW_YORK),
    "the clocks go back": datetime(2026, 11, 1, tzinfo=NEW_YORK),
    "the clocks go forward": datetime(2027, 3, 14, tzinfo=NEW_YORK),
    "the year's first": datetime(2027, 1, 3, tzinfo=NEW_YORK),
}
_AGENCIES = """
schedule: {timezone: America/New_York}
agencies:
  - id: acme
    name: Acme
    ams360: {wsdl: "https://x/?wsdl", agency_no: 5551234-1, login_id: etl, password_env: A_B}
    benefitpoint: {wsdl: "https://x/?wsdl", login_wsdl: "https://x/?wsdl", username: u, password_env: A_B}
  - id: hawk
    name: Hawk
    hawksoft: {agency_id: 7, client_id: etl, client_secret_env: A_B}
"""


@pytest.mark.parametrize("sunday", SUNDAYS.values(), ids=SUNDAYS)
def test_a_daemon_that_was_stopped_over_a_window_makes_up_for_it(
    tmp_path: Path, connection: psycopg.Connection[Any], sunday: datetime
) -> None:
    """Each kind of work in turn: stopped over its window alone, that one is overdue, with its system's job, until it is done."""
    (tmp_path / "agencies.yaml").write_text(_AGENCIES)
    read = load_agencies(tmp_path / "agencies.yaml")
    now = sunday + timedelta(days=1, hours=12)

    def overdue(moment: datetime) -> set[tuple[str, str, str]]:
        work = agency_work(connection, read, moment)
        return {(row.agency, row.work.kind, row.work.job) for row in work if row.is_overdue(moment)}

    # Never synced: a person begins.
    assert overdue(now) == set()
    due_at = {
        (agency, kind): at for agency, kind, at in connection.execute("select agency, kind, due_at from ops.due_work")
    }
    jobs = {
        ("acme", "weekly_resync"): "sync", ("acme", "daily_sweep"): "sync", ("acme", "benefitpoint"): "benefitpoint_sync",
        ("hawk", "weekly_resync"): "hawksoft_sync",
    }  # fmt: skip
    for stopped, job in jobs.items():
        connection.execute("truncate ops.sync_runs, ops.benefitpoint_cursors cascade")
        _was_done(connection, "hawk", "changes", now)
        for agency, kind in jobs:
            before = timedelta(days=3) if (agency, kind) == stopped else timedelta()
            _was_done(connection, agency, kind, due_at[agency, kind] - before + timedelta(minutes=1))
        assert overdue(now) == {(*stopped, job)}
        row = connection.execute(
            "select last_done_at < due_at and due_at < next_due_at from ops.due_work where (agency, kind) = (%s, %s)",
            stopped,
        ).fetchone()
        assert row == (True,)
        _was_done(connection, *stopped, now)
        assert overdue(now + timedelta(minutes=1)) == set()


def _was_done(connection: psycopg.Connection[Any], agency: str, kind: str, at: datetime) -> None:
    if kind == "benefitpoint":
        connection.execute(
            """insert into ops.benefitpoint_cursors (agency, changes_since, synced_at, full_at) values (%s, %s, %s, %s)
            on conflict (agency) do update set synced_at = excluded.synced_at""",
            (agency, at, at, at),
        )
        return
    connection.execute(
        """insert into ops.sync_runs (agency, sync_id, mode, trigger, state, started_at, extracted_at)
        values (%s, gen_random_uuid(), %s, 'manual', 'published', %s, %s)""",
        (agency, "full" if kind == "weekly_resync" else "sweep", at, at),
    )
