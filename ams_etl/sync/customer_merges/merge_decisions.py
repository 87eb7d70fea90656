"""What users are asked, and say, about customers that are gone: merged into another one or not (M9)."""

from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from ams_etl.errors import ConfigError


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
_SUGGESTED = " union all ".join(
    f"""select g.entity_id as gone, l.entity_id as other, '{what}' as evidence
    from raw_ams360.customers g join raw_ams360.customers l on l.agency = g.agency and l.deleted_at is null
        and {expression.format("l")} = {expression.format("g")}
    where g.agency = %(agency)s and g.deleted_at is not null and {expression.format("g")} <> ''"""
    for what, expression in _EQUAL.items()
)
_LIST = f"""with pairs as (
        select 'merged' as state, customer_id as gone, merged_into as other, evidence from stage.merged_customers
            where agency = %(agency)s and merged_into is not null
        union all select decided, customer_id, merged_into, 'refused by ' || decided_by from ops.customer_merge_decisions
            where agency = %(agency)s and decided = 'refused'
        union all
        select 'suggested', s.gone, s.other, string_agg(s.evidence, ', ' order by s.evidence) from ({_SUGGESTED}) s
        where not exists (select from stage.merged_customers m where m.agency = %(agency)s and m.customer_id = s.gone
                and m.merged_into is not null)
            and not exists (select from ops.customer_merge_decisions d where d.agency = %(agency)s and d.decided = 'refused'
                and (d.customer_id, d.merged_into) = (s.gone, s.other))
        group by s.gone, s.other)
    select p.state, p.evidence, p.gone, (g.payload ->> 'CustomerNumber')::integer, {_NAME.format("g")},
        p.other, (o.payload ->> 'CustomerNumber')::integer, {_NAME.format("o")}
    from pairs p left join raw_ams360.customers g on (g.agency, g.entity_id) = (%(agency)s, p.gone)
    left join raw_ams360.customers o on (o.agency, o.entity_id) = (%(agency)s, p.other)
    where %(state)s::text is null or p.state = %(state)s
    order by p.state desc, 4, 7"""


def list_merges(connection: psycopg.Connection[Any], agency: str, *, state: str | None = None) -> list[ListedMerge]:
    """Return customers that were merged, those that perhaps were, and those that users said were not."""
    return [ListedMerge(*row) for row in connection.execute(_LIST, {"agency": agency, "state": state})]


def decide_merge(
    connection: psycopg.Connection[Any],
    agency: str,
    customer_id: str,
    other_id: str,
    decision: Literal["confirmed", "refused"],
    *,
    decided_by: str,
) -> None:
    """Record what a user says of a customer that is gone; the next sync acts on it.

    Raises:
        ConfigError: the first is not gone or the second is, or a user said something else that must be taken back first.
    """
    for customer, is_gone in ((customer_id, True), (other_id, False)):
        found = connection.execute(
            "select deleted_at is not null from raw_ams360.customers where agency = %s and entity_id = %s",
            (agency, customer),
        ).fetchone()
        if found != (is_gone,):
            wanted = "that AMS360 deleted" if is_gone else "in AMS360"
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
