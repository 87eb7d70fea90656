"""Queries for the data-quality checks; their column `id` names a row without personal data."""

from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb, with_values
from ams_etl.sync.interpret.registry import INTERPRETERS

OVER_SHARED_EMAILS = """select count(*)::integer, coalesce(sum(customers), 0)::integer
from stage.over_shared_emails where agency = %s"""
_CROSSWALK = """select * from (with live as (
    select 'customer' as entity, entity_id, entity_id as customer_id from raw_ams360.customers
        where agency = %(agency)s and deleted_at is null
    union all select 'customer_contact', entity_id, customer_id from raw_ams360.customer_contacts
        where agency = %(agency)s and deleted_at is null
    union all select 'customer_dependent', entity_id, customer_id from raw_ams360.customer_dependents
        where agency = %(agency)s and deleted_at is null
    {beside}),
listed as (
    select entity, entity_id from mart.contact_sources where agency = %(agency)s and entity <> 'account_dependent'
    union all select entity, entity_id from mart.skipped_contacts
        where agency = %(agency)s and entity <> 'account_dependent' and reason <> 'deleted')
select coalesce(l.entity_id, t.entity_id) as id, case when l.entity_id is null then 0 else count(t.entity) end as places
from live l full join listed t using (entity, entity_id)
where not exists (select from stage.dirty_customers d where d.agency = %(agency)s and d.customer_id = l.customer_id)
    and (l.entity is null or exists (
        select from raw_ams360.customers c where (c.agency, c.entity_id) = (%(agency)s, l.customer_id)
        union all select from raw_benefitpoint.accounts c where (c.agency, c.entity_id) = (%(agency)s, l.customer_id)))
group by l.entity, l.entity_id, t.entity, t.entity_id) accounted"""
_BESIDE = """union all select 'account', entity_id, entity_id from raw_benefitpoint.accounts
        where agency = %(agency)s and deleted_at is null
    union all select 'account_contact', entity_id, customer_id from raw_benefitpoint.contacts
        where agency = %(agency)s and deleted_at is null"""


def crosswalk_of(agency: str, settings: RuleSettings) -> str:
    """Return Q3 as a query: for every live record its id, and `places`: in how many places it is accounted for (must be 1).

    Where a record is a whole customer, the customer counts once any record of it is accounted for. Dependents of a
    BenefitPoint account are inside its record and are not counted.
    """
    system = settings.source_system
    if system == "ams360":
        beside = _BESIDE if settings.benefitpoint_contacts else ""
        return with_values(_CROSSWALK.format(beside=beside), agency=agency)
    query = f"""select customer_id as id, (exists (select from mart.contact_sources s
            where (s.agency, s.system, s.customer_id) = (%(agency)s, %(system)s, live.customer_id))
        or exists (select from mart.skipped_contacts s
            where (s.agency, s.system, s.customer_id) = (%(agency)s, %(system)s, live.customer_id)))::integer as places
    from ({INTERPRETERS[system].LIVE_CUSTOMERS}) live
    where not exists (select from stage.dirty_customers d
        where d.agency = %(agency)s and d.customer_id = live.customer_id)"""
    return with_values(query, agency=agency, system=system)


def skipped_of(connection: psycopg.Connection[Any], agency: str) -> tuple[int, int]:
    """How many records became no contact of their own, and how many records there are."""
    row = connection.execute(
        """select (select count(*) from mart.skipped_contacts where agency = %(agency)s and reason <> 'deleted'),
            (select count(*) from mart.contact_sources where agency = %(agency)s)""",
        {"agency": agency},
    ).fetchone()
    skipped, told = row or (0, 0)
    return skipped, skipped + told


def volume_change(connection: psycopg.Connection[Any], agency: str) -> tuple[int, int]:
    """How many contacts there are, and how many there were before the last publish."""
    db = AgencyDb(connection, agency)
    count = int(db.scalar("select count(*) from mart.contacts where agency = %(agency)s"))
    counts = (
        db.scalar(
            """select counts from ops.sync_runs where agency = %(agency)s and state = 'published'
            order by published_at desc limit 1"""
        )
        or {}
    )
    before = count - int(counts.get("inserted", 0)) + int(counts.get("deleted", 0))
    return count, before


NO_GREETING = r"\((?:deceased|dnc|dec'd|do not contact|minor|former)|^(?:mr|mrs|ms|dr)\.?$"
"""What nobody may be greeted as (N7, N10), in lower case; a name given in the platform could bring it in."""
_PLANNED = """with planned as (
    select contact_id::text as id, lower(coalesce(document ->> 'nickname', document ->> 'first_name')) as greeting,
        coalesce(document ->> 'first_name', document ->> 'last_name', document ->> 'email') as name_or_email,
        jsonb_array_length(document -> 'sources') as sources
    from stage.planned_contacts where agency = %(agency)s and op <> 'delete'),
unfit as (
    select id, name_or_email is null as is_nameless, sources is null or sources < 1 as has_no_source,
        coalesce(greeting ~ %(no_greeting)s, false) as is_greeted_by_a_mark
    from planned)
select (select count(*) from planned), count(*), count(*) filter (where is_nameless), count(*) filter (where has_no_source),
    count(*) filter (where is_greeted_by_a_mark), coalesce((array_agg(id order by id))[1:%(sample)s], '{}')
from unfit where is_nameless or has_no_source or is_greeted_by_a_mark"""


@dataclass(frozen=True, slots=True)
class PlannedContacts:
    """The planned contacts by the requirement that they do not meet (Q1, Q2, N10), with ids of a few of them."""

    planned: int
    unfit: int
    without_name_or_email: int
    without_source: int
    greeted_by_a_mark: int
    sample_ids: list[str]

    @property
    def reason_to_stop(self) -> str | None:
        """Why the plan must not be published, as a sentence, or None."""
        if not self.unfit:
            return None
        return (
            f"{self.unfit} of {self.planned} planned contacts do not meet the requirements: {self.without_name_or_email} have "
            f"neither name nor email, {self.without_source} no source, {self.greeted_by_a_mark} a mark as their greeting"
        )


def check_planned_contacts(connection: psycopg.Connection[Any], agency: str, *, sample: int = 5) -> PlannedContacts:
    """Count the contacts of the stored plan that must not be published."""
    row = connection.execute(_PLANNED, {"agency": agency, "no_greeting": NO_GREETING, "sample": sample}).fetchone()
    if row is None:
        raise AssertionError("an aggregate returned no row")
    return PlannedContacts(*row)
