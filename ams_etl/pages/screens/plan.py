"""Plan: what publishing would change, contact by contact; apply exactly that, or discard it."""

from uuid import UUID

from ams_etl.pages.jobs.queue import ask_for
from ams_etl.pages.lists.list_answers import as_csv
from ams_etl.pages.lists.listing import Column, Filter, Listing, read_page
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.contacts.contact_list import search_scope
from ams_etl.pages.visit import Answer, Moved, Refused, Screen, Shown, Visit, uuids
from ams_etl.sync.contacts.plan import discard_plan
from ams_etl.sync.contacts.plan_report import differences, latest_plan, skip_changes

_COLUMNS = [
    Column("op", "Change", "array_position(array['delete', 'update', 'insert'], op)"),
    Column("name", "Name", "lower(name)"),
    Column("company_name", "Company", "lower(company_name)"),
    Column("email", "Email", "email"),
    Column("contact_id", "Contact id"),
]
_PLAN = Listing(
    "planned changes",
    _COLUMNS,
    """select * from (select p.op, concat_ws(' ', d.document ->> 'first_name', d.document ->> 'last_name') as name,
            d.document ->> 'company_name' as company_name, d.document ->> 'email' as email, p.contact_id,
            b.document as before, p.document as after
        from stage.planned_contacts p left join stage.contacts b using (agency, contact_id)
        cross join lateral (select coalesce(p.document, b.document) as document) d
        where p.agency = %(agency)s) x where true""",
    "op",
    "contact_id",
    [
        Filter("q", "Name, company or email", "lower(concat_ws(' ', name, company_name, email)) like %(part)s"),
        Filter("op", "Change", "op = %(op)s", [("insert", "appears"), ("update", "changes"), ("delete", "disappears")]),
    ],
)


def show_plan(visit: Visit) -> Answer:
    """Show the latest plan with its counts and the brake's reason."""
    scope = search_scope(visit, visit.query.get("q", ""))
    return as_csv(visit, _PLAN, "plan", scope) or _shown(visit, moved_on=False)


def _shown(visit: Visit, *, moved_on: bool) -> Shown:
    scope = search_scope(visit, visit.query.get("q", ""))
    page = read_page(visit.connection, _PLAN, visit.query, scope, f"{visit.home}/plan")
    changes = {
        row["contact_id"]: list(differences(row["before"] or {}, row["after"] or {}))
        for row in page.rows
        if row["op"] == "update"
    }
    plan = latest_plan(visit.connection, visit.agency.id)
    skips = skip_changes(visit.connection, visit.agency.id)
    values = {"list": page, "changes": changes, "plan": plan, "skips": skips, "moved_on": moved_on}
    return Shown("plan.html", values, 409 if moved_on else 200)


def make(visit: Visit) -> Answer:
    """Read and plan, and publish nothing."""
    job_id = ask_for(visit.connection, visit.agency.id, "make_plan", (), visit.person.name)
    visit.record("make_plan", str(job_id))
    return Moved(f"{visit.home}/jobs/{job_id}")


def apply(visit: Visit) -> Answer:
    """Publish exactly the plan that the person saw; a plan that the brake stopped needs an admin."""
    plan = latest_plan(visit.connection, visit.agency.id)
    if plan is None or str(plan.plan_id) != visit.form.get("plan_id"):
        return _shown(visit, moved_on=True)
    if plan.stopped_by and visit.role < Role.ADMIN:
        return Refused(f"This plan was stopped: {plan.stopped_by}. Only an admin may apply it.", 403)
    job_id = ask_for(visit.connection, visit.agency.id, "apply_plan", [str(plan.plan_id)], visit.person.name)
    visit.record("apply_plan", str(plan.plan_id), after=dict(plan.counts))
    return Moved(f"{visit.home}/jobs/{job_id}")


def discard(visit: Visit) -> Answer:
    """Delete the plan that the person saw; the next sync plans again."""
    for plan_id in uuids(visit.form.get("plan_id", "")):
        if discard_plan(visit.connection, visit.agency.id, UUID(plan_id)):
            visit.record("discard_plan", plan_id)
            return Moved(f"{visit.home}/plan", "Discarded. The next sync plans again.")
    return _shown(visit, moved_on=True)


SCREENS = [
    Screen("GET", "/plan", Role.VIEWER, show_plan),
    Screen("POST", "/plan/make", Role.OPERATOR, make),
    Screen("POST", "/plan/apply", Role.OPERATOR, apply),
    Screen("POST", "/plan/discard", Role.OPERATOR, discard),
]
