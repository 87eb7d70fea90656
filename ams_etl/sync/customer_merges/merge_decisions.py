"""What users are asked, and say, about customers that are gone: merged into another one or not (M9)."""

from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.store.agency_db import records, scalar
from ams_etl.sync.customer_merges.merged_customers import CURRENT_OWNERS
from ams_etl.sync.pair_decisions import Decision, is_gone
from ams_etl.sync.raw.ams360_tables import CUSTOMERS


@dataclass(frozen=True, slots=True)
class ListedMerge:
    """A customer that is gone and another one, with their names, for a person to judge. It holds personal data.

    `state` is `merged` (by the records, or confirmed), `suggested` or `refused`; `evidence` says what is equal.
    """

    state: str
    evidence: str
    customer_id: str
    customer_number: int | None
    name: str
    other_id: str
    other_number: int | None
    other_name: str


_PERSON = "nullif(concat_ws(' ', {0}.payload ->> 'FirstName', {0}.payload ->> 'LastName'), '')"
_NAME = f"coalesce({_PERSON}, {{0}}.payload ->> 'FirmName', '')"
_EQUAL = {
    "name": "lower(concat_ws(' ', nullif({0}.payload ->> 'FirstName', ''), nullif({0}.payload ->> 'LastName', '')))",
    "firm": "lower({0}.payload ->> 'FirmName')",
    "email": "lower(trim({0}.payload ->> 'Email'))",
}
_SUGGESTED = f"""select distinct m.customer_id as gone, m.owner as other, 'records' as evidence from ({CURRENT_OWNERS}) m
    join raw_ams360.customers g on (g.agency, g.entity_id) = (%(agency)s, m.customer_id) and g.deleted_at is not null
    join raw_ams360.customers l on (l.agency, l.entity_id) = (%(agency)s, m.owner) and l.deleted_at is null
    union all """ + " union all ".join(
    f"""select g.entity_id as gone, l.entity_id as other, '{what}' as evidence
    from raw_ams360.customers g join raw_ams360.customers l on l.agency = g.agency and l.deleted_at is null
        and {expression.format("l")} = {expression.format("g")}
    where g.agency = %(agency)s and g.deleted_at is not null and {expression.format("g")} <> ''"""
    for what, expression in _EQUAL.items()
)
"""Pairs that are alike. Several may have as many records of a customer that is gone: then the records alone merge nobody."""
MERGES = f"""with decided as (
        select d.customer_id as gone, d.merged_into as other, d.decided, d.decided_by from ops.customer_merge_decisions d
        join raw_ams360.customers c on (c.agency, c.entity_id) = (d.agency, d.customer_id)
        where d.agency = %(agency)s and c.deleted_at is not null),
    -- What was decided since the last sync is listed as the next one will have it.
    merged as (
        select m.customer_id as gone, m.merged_into as other, m.evidence, m.next_customer as next from stage.merged_customers m
            where m.agency = %(agency)s and m.merged_into is not null and m.evidence <> 'confirmed' and not exists (
                select from decided d where d.gone = m.customer_id and (d.decided = 'confirmed' or d.other = m.next_customer))
        union all select d.gone, coalesce(m.merged_into, d.other), 'confirmed', d.other from decided d
            left join stage.merged_customers m
                on (m.agency, m.customer_id, m.next_customer) = (%(agency)s, d.gone, d.other)
            where d.decided = 'confirmed'),
    pairs as (
        select 'merged' as state, * from merged
        union all select decided, gone, other, 'refused by ' || decided_by, other from decided where decided = 'refused'
        union all
        select 'suggested', s.gone, s.other, string_agg(s.evidence, ', ' order by s.evidence), s.other from ({_SUGGESTED}) s
        where not exists (select from merged m where m.gone = s.gone)
            and not exists (select from decided d where (d.gone, d.other) = (s.gone, s.other))
        group by s.gone, s.other)
    select p.state, p.evidence, p.gone as customer_id, (g.payload ->> 'CustomerNumber')::integer as customer_number,
        {_NAME.format("g")} as name, g.payload ->> 'Email' as email, g.deleted_at as gone_since,
        p.other as other_id, (o.payload ->> 'CustomerNumber')::integer as other_number, {_NAME.format("o")} as other_name,
        o.payload ->> 'Email' as other_email, p.next as decided_about, coalesce(d.decided, '') as decided, d.decided_by,
        (select coalesce(string_agg(e.other || ' ' || e.decided, ', ' order by e.other), '') from decided e
            where e.gone = p.gone) as decisions
    from pairs p left join raw_ams360.customers g on (g.agency, g.entity_id) = (%(agency)s, p.gone)
    left join raw_ams360.customers o on (o.agency, o.entity_id) = (%(agency)s, p.other)
    left join decided d on (d.gone, d.other) = (p.gone, p.next)"""
"""Selects customers that are gone with those that they were, perhaps were or were not merged into, and users' decisions."""


def list_merges(connection: psycopg.Connection[Any], agency: str, *, state: str | None = None) -> list[ListedMerge]:
    """Return customers that were merged, those that perhaps were, and those that users said were not."""
    return records(
        connection,
        ListedMerge,
        f"""select state, evidence, customer_id, customer_number, name, other_id, other_number, other_name from ({MERGES}) l
        where %(state)s::text is null or state = %(state)s order by state desc, customer_number, other_number""",
        {"agency": agency, "state": state},
    )


def decisions_about(connection: psycopg.Connection[Any], agency: str, customer_id: str) -> str:
    """Return what users decided about a customer that is gone, to compare; nobody else decides until the transaction ends."""
    _lock(connection, agency)
    found: str = scalar(
        connection,
        """select coalesce(string_agg(merged_into || ' ' || decided, ', ' order by merged_into), '')
        from ops.customer_merge_decisions where agency = %s and customer_id = %s""",
        (agency, customer_id),
    )
    return found


def decide_merge(
    connection: psycopg.Connection[Any],
    agency: str,
    customer_id: str,
    other_id: str,
    decision: Decision,
    *,
    decided_by: str,
) -> None:
    """Record what a user says of a customer that is gone; the next sync acts on it.

    Raises:
        ConfigError: the first is not gone; or the second is, and is confirmed.
    """
    with connection.transaction():
        _lock(connection, agency)
        gone, other_is_gone = (is_gone(connection, CUSTOMERS, agency, customer) for customer in (customer_id, other_id))
        # A wrong step of a chain is refused, too, where the customer in its middle is gone as well.
        other_fits = other_is_gone is False or (decision == "refused" and other_is_gone is True)
        for customer, fits, wanted in (
            (customer_id, gone is True, "that AMS360 deleted"),
            (other_id, other_fits, "in AMS360"),
        ):
            if not fits:
                raise ConfigError(
                    f"{customer}: expected a customer of {agency} {wanted}; see `ams-etl merges {agency} list`"
                )
        if decision == "confirmed":
            connection.execute(
                "delete from ops.customer_merge_decisions where agency = %s and customer_id = %s and decided = 'confirmed'",
                (agency, customer_id),
            )
        connection.execute(
            """insert into ops.customer_merge_decisions as d (agency, customer_id, merged_into, decided, decided_by)
            values (%s, %s, %s, %s, %s) on conflict (agency, customer_id, merged_into) do update
            set decided = excluded.decided, decided_by = excluded.decided_by, decided_at = now()""",
            (agency, customer_id, other_id, decision, decided_by),
        )


def undo_merge_decision(connection: psycopg.Connection[Any], agency: str, customer_id: str, other_id: str) -> bool:
    """Take back what a user said of two customers; the next sync decides by the records alone."""
    return bool(
        connection.execute(
            "delete from ops.customer_merge_decisions where agency = %s and customer_id = %s and merged_into = %s",
            (agency, customer_id, other_id),
        ).rowcount
    )


def _lock(connection: psycopg.Connection[Any], agency: str) -> None:
    """Let one transaction at a time decide in an agency."""
    connection.execute(
        "select pg_advisory_xact_lock(hashtextextended('ops.customer_merge_decisions ' || %s, 0))", (agency,)
    )
