"""A command that was asked for: waiting, running with its progress, or ended, and what it printed."""

import re
from typing import Any

from ams_etl.pages.jobs.queue import Job, find_job
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.what_if import show_what_if
from ams_etl.pages.visit import Answer, Missing, Screen, Shown, Visit, in_url, uuids

TITLES = {
    "sync": "Sync with AMS360",
    "benefitpoint_sync": "Sync with BenefitPoint",
    "make_plan": "Read and plan",
    "apply_plan": "Apply a plan",
    "refresh": "Refresh one customer",
    "test_connection": "Test the connection",
    "deliver": "Deliver what waits",
    "preview": "Try other settings",
}
READING = {"sync", "make_plan"}
"""Kinds that read every customer, so that their progress can be shown."""
NEXT = {
    "sync": ("", "Overview"),
    "benefitpoint_sync": ("/accounts", "The accounts"),
    "make_plan": ("/plan", "Review the plan"),
    "apply_plan": ("/contacts?sort=-updated_at", "The contacts, newest change first"),
    "refresh": ("/lookup?customer={argument}", "The customer beside AMS360"),
    "test_connection": ("/set-up", "Back to Set up"),
    "deliver": ("/writeback", "Back to Writeback"),
    "preview": ("/settings", "Try another value"),
}
"""Kind of job -> the page to go on with, after the agency, and what the link says."""
_RUN = re.compile(r"\brun ([0-9a-f]{8}-[0-9a-f-]{27})\b")


def show_job(visit: Visit) -> Answer:
    """Show one job; while it runs the page loads itself again."""
    for job_id in uuids(visit.place["job_id"]):
        job = find_job(visit.connection, visit.agency.id, job_id)
        if job is not None:
            if job.result is not None:
                return show_what_if(visit, job, job.result)
            run = _RUN.search(job.output)
            link = run_link(visit, run[1]) if run else None
            progress = _progress(visit) if job.is_open and job.kind in READING else None
            # A header rather than an element: who reads slowly, or by ear, switches it off.
            reloads = job.is_open and visit.query.get("reload") != "no"
            values = {
                "job": job,
                "title": TITLES[job.kind],
                "next": _next(visit, job),
                "run_link": link,
                "progress": progress,
                "reloads": reloads,
            }
            return Shown("job.html", values, reload_seconds=2 if reloads else None)
    return Missing("such job")


def _next(visit: Visit, job: Job) -> tuple[str, str]:
    place, label = NEXT[job.kind]
    return visit.home + place.format(argument=in_url(job.arguments[0] if job.arguments else "")), label


def run_link(visit: Visit, run_id: str | None) -> str | None:
    """Return the address of a run in Dagster, or None where nobody said where Dagster is."""
    where = visit.agencies.pages.dagster_url
    return f"{where.rstrip('/')}/runs/{run_id}" if where and run_id else None


def _progress(visit: Visit) -> dict[str, Any] | None:
    """Return how many customers of the running sync are read, of how many."""
    row = visit.connection.execute(
        """select count(c.customer_id), count(c.read_at) from ops.sync_runs r
        left join ops.sync_customers c using (agency, sync_id)
        where r.agency = %(agency)s and r.state = 'running' and r.started_at = (
            select max(started_at) from ops.sync_runs where agency = %(agency)s) group by r.sync_id""",
        {"agency": visit.agency.id},
    ).fetchone()
    if row is None:
        return None
    listed, read = row
    return {"listed": listed, "read": read}


SCREENS = [Screen("GET", "/jobs/{job_id}", Role.VIEWER, show_job)]
