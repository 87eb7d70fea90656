"""The work that comes again for every agency: which there is, and for which agencies it is due now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from ams_etl.defs.due.windows import Due, Interval, Window, due
from ams_etl.defs.other_systems.records import RECORDS
from ams_etl.rules.settings import SourceSystem
from ams_etl.settings import Agencies, Agency
from ams_etl.settings.schedule import ScheduleSettings
from ams_etl.settings.systems import SYSTEM_NAMES
from ams_etl.sync.scope import Trigger

Kind = Literal["weekly_resync", "daily_sweep", "changes", "benefitpoint"]
BENEFITPOINT = Window(4, 240)
SWEEP_MINUTES = 120
CHANGES = Interval(30)
_LAST_DONE = """
select agency, 'weekly_resync', max(started_at) from ops.sync_runs
    where mode = 'full' and extracted_at is not null group by agency
union all select agency, kind, max(started_at) from ops.sync_runs, (values ('daily_sweep'), ('changes')) k (kind)
    where mode in ('full', 'sweep') and extracted_at is not null group by agency, kind
union all select agency, 'benefitpoint', max(synced_at) from ops.benefitpoint_cursors group by agency"""


@dataclass(frozen=True, slots=True)
class RegularWork:
    """One kind of work of the agencies of one system.

    Attributes:
        schedule: the name of the schedule that opens its window, and by which a person turns it off.
        kind: as `ops.due_work` names it.
        system: whose agencies; None: those with a BenefitPoint.
        job: the job that does it.
        description: of the schedule.
    """

    schedule: str
    kind: Kind
    system: SourceSystem | None
    job: str
    description: str

    def concerns(self, agency: Agency) -> bool:
        """Whether an agency has such work."""
        return agency.benefitpoint is not None if self.system is None else agency.system == self.system

    def window(self, settings: ScheduleSettings) -> Window | Interval:
        """Return when it is due, by the `schedule` block."""
        match self.kind:
            case "weekly_resync":
                return Window(settings.from_hour, settings.window_hours * 60, settings.weekday)
            case "daily_sweep":
                return Window(settings.sweep_from_hour, SWEEP_MINUTES)
            case "changes":
                return CHANGES
            case "benefitpoint":
                return BENEFITPOINT

    @property
    def trigger(self) -> Trigger | None:
        """What `sync_scope.trigger` says of its runs; None: they have no `sync_scope`."""
        match self.kind:
            case "weekly_resync":
                return "weekly_resync"
            case "daily_sweep" | "changes":
                return "daily_sweep"
            case "benefitpoint":
                return None


def _of_other_systems() -> Iterable[RegularWork]:
    for system in RECORDS:
        title = SYSTEM_NAMES[system]
        yield RegularWork(
            f"{system}_changes", "changes", system, f"{system}_sync",
            f"Every half hour what {title} says has changed, each agency at its own minute.",
        )  # fmt: skip
        yield RegularWork(
            f"{system}_weekly_full_resync", "weekly_resync", system, f"{system}_sync",
            f"Everything of every agency with {title} once a week, each at its own minute of the window of agencies.yaml.",
        )  # fmt: skip


WORK: tuple[RegularWork, ...] = (
    RegularWork(
        "weekly_full_resync", "weekly_resync", "ams360", "sync",
        "A full resync of every agency once a week, each at its own minute of the window of agencies.yaml.",
    ),
    RegularWork(
        "daily_sweep", "daily_sweep", "ams360", "sync",
        "Once a day the customer list of every agency with AMS360, and whoever is new, changed or gone in it: finds most "
        "unannounced changes, for a few calls.",
    ),
    RegularWork(
        "daily_benefitpoint_sync", "benefitpoint", None, "benefitpoint_sync",
        "Once a day, within four hours of four in the morning: what changed in BenefitPoint (B7).",
    ),
    *_of_other_systems(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AgencyWork:
    """One kind of work of one agency, with when it was due and when it was done last."""

    work: RegularWork
    agency: str
    due: Due
    last_done_at: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether it is due and not done since: inside its window, or later as long as it was ever done before.

        An agency that was never synced waits for its first window, or for somebody who starts its first sync.
        """
        if now < self.due.closes_at:
            return self.last_done_at is None or self.last_done_at < self.due.at
        return self.is_overdue(now)

    def is_overdue(self, now: datetime) -> bool:
        """Whether its window has passed without it."""
        return self.last_done_at is not None and self.due.was_missed(now, self.last_done_at)

    @property
    def window_key(self) -> str:
        """The beginning of the run keys of everybody's runs in this window."""
        return f"{self.work.schedule}:{self.due.opened_at:%Y-%m-%dT%H:%M}:"


def agency_work(connection: psycopg.Connection[Any], read: Agencies, now: datetime) -> list[AgencyWork]:
    """Return the regular work of all agencies, the longest overdue first, and store in `ops.due_work` when it is due."""
    done: Mapping[tuple[str, str], datetime] = {
        (agency, kind): at for agency, kind, at in connection.execute(_LAST_DONE).fetchall()
    }
    windows = {work: work.window(read.schedule) for work in WORK}
    found = [
        AgencyWork(
            work, agency.id, due(windows[work], agency.id, now, read.schedule.zone), done.get((agency.id, work.kind))
        )
        for work in WORK
        for agency in read.all
        if work.concerns(agency)
    ]
    connection.execute(
        """insert into ops.due_work as w (agency, kind, last_done_at, due_at, next_due_at)
        select * from unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
        on conflict (agency, kind) do update set last_done_at = excluded.last_done_at, due_at = excluded.due_at,
            next_due_at = excluded.next_due_at
        where (w.last_done_at, w.due_at) is distinct from (excluded.last_done_at, excluded.due_at)""",
        (
            [row.agency for row in found],
            [row.work.kind for row in found],
            [row.last_done_at for row in found],
            [row.due.at for row in found],
            [row.due.next_at for row in found],
        ),
    )
    return sorted(found, key=lambda row: row.due.at)


def resyncs_past_their_window(
    connection: psycopg.Connection[Any], found: Iterable[AgencyWork], now: datetime
) -> list[tuple[str, datetime, datetime | None]]:
    """Return the agencies whose weekly resync ended after its window closed: agency, when it closed, when it ended.

    A resync that has not ended has None. An agency that was never synced, or whose window is still open, is left out.
    """
    ended: Mapping[str, datetime] = dict(
        connection.execute(
            "select agency, max(extracted_at) from ops.sync_runs where mode = 'full' and extracted_at is not null group by agency"
        ).fetchall()
    )
    late = []
    for row in found:
        if row.work.kind != "weekly_resync" or row.last_done_at is None or now < row.due.closes_at:
            continue
        last = ended[row.agency] if row.last_done_at >= row.due.at else None
        if last is None or row.last_done_at < row.due.closes_at < last:
            late.append((row.agency, row.due.closes_at, last))
    return late
