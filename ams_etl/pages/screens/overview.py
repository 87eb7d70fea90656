"""Overview: whether the agency is healthy, what needs a person, and Sync now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ams_etl.pages.jobs.queue import ask_for, open_job
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.attention import standing_of
from ams_etl.pages.visit import Answer, Moved, Refused, Screen, Shown, Visit
from ams_etl.sync.notifications.freshness import freshness_of

_WIDTH, _HEIGHT, _SPACE = 720.0, 160.0, 24.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the staleness chart, in the chart's own units."""

    day: date
    seconds: float
    x: float
    y: float
    width: float
    height: float


def show_overview(visit: Visit) -> Answer:
    """Show the state of the agency in numbers and what needs a person."""
    standing = standing_of(visit.connection, visit.agency.id)
    freshness = freshness_of(visit.connection, visit.agency.id)
    statuses = visit.connection.execute(
        "select status, count(*) from mart.contacts where agency = %s group by 1 order by 2 desc", (visit.agency.id,)
    ).fetchall()
    return Shown(
        "overview.html",
        {
            "numbers": standing.numbers, "needs": list(standing.needs()), "freshness": freshness, "statuses": statuses,
            "bars": bars([(day, seconds) for day, seconds, _ in freshness.days]) if freshness.p95_seconds else [],
            "chart": (_WIDTH, _HEIGHT + _SPACE),
            "job": open_job(visit.connection, visit.agency.id, ("sync", "benefitpoint_sync")),
        },
    )  # fmt: skip


def bars(days: Sequence[tuple[date, float]]) -> list[Bar]:
    """Return a bar for each day, the slowest as high as the chart."""
    most = max((seconds for _, seconds in days), default=0.0) or 1.0
    step = _WIDTH / max(len(days), 1)
    return [
        Bar(day, seconds, place * step + 1, _HEIGHT * (1 - seconds / most), max(step - 2, 1), _HEIGHT * seconds / most)
        for place, (day, seconds) in enumerate(days)
    ]


def sync_now(visit: Visit) -> Answer:
    """Start a sync in the background: of everything, or of what changed in BenefitPoint."""
    kind = visit.form.get("what", "sync")
    if kind not in {"sync", "benefitpoint_sync"} or (kind == "benefitpoint_sync" and visit.agency.benefitpoint is None):
        return Refused("There is no such sync in this agency.")
    job_id = ask_for(visit.connection, visit.agency.id, kind, (), visit.person.name)
    visit.record(kind, str(job_id))
    return Moved(f"{visit.home}/jobs/{job_id}")


SCREENS = [
    Screen("GET", "", Role.VIEWER, show_overview, shows_people=False),
    Screen("POST", "/sync", Role.OPERATOR, sync_now),
]
