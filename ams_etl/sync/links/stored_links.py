"""`ops.account_links`: which account is which customer, and what people said about it (B1, B8)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.rules.accounts.links import Link, Pair
from ams_etl.sync.pair_decisions import Decision, is_gone
from ams_etl.sync.raw.ams360_tables import CUSTOMERS
from ams_etl.sync.raw.benefitpoint_tables import ACCOUNTS


@dataclass(frozen=True, slots=True)
class ListedLink:
    """A link with the names on both sides, for a person to judge."""

    state: str
    evidence: str
    score: float
    detail: tuple[str, ...]
    customer_id: str
    customer_number: int | None
    customer_name: str | None
    account_id: int
    account_name: str | None
    decided_by: str | None


def decisions(connection: psycopg.Connection[Any], agency: str) -> dict[Pair, bool]:
    """What people said of pairs: True confirmed, False refused."""
    rows = connection.execute(
        """select ams360_customer_id, benefitpoint_account_id, decided = 'confirmed' from ops.account_links
        where agency = %s and decided is not null""",
        (agency,),
    )
    return {(customer_id, account_id): yes for customer_id, account_id, yes in rows}


def stored_links(connection: psycopg.Connection[Any], agency: str) -> dict[Pair, Link]:
    """The links as the last publish left them."""
    rows = connection.execute(
        """select ams360_customer_id, benefitpoint_account_id, state, evidence, score::float8, detail
        from ops.account_links where agency = %s""",
        (agency,),
    )
    return {
        (customer_id, account_id): Link(customer_id, account_id, state, evidence, score, tuple(detail))
        for customer_id, account_id, state, evidence, score, detail in rows
    }


def write_links(
    connection: psycopg.Connection[Any], agency: str, stored: dict[Pair, Link], links: Sequence[Link]
) -> list[Link]:
    """Store the links that changed and remove those that no longer hold; users' decisions stay.

    Returns:
        The links that came, went or changed, as they are or last were.
    """
    now = {(link.customer_id, link.account_id): link for link in links}
    changed = [link for pair, link in now.items() if stored.get(pair) != link]
    gone = [link for pair, link in stored.items() if pair not in now]
    rows = [
        {
            "c": link.customer_id,
            "a": link.account_id,
            "s": link.state,
            "e": link.evidence,
            "n": link.score,
            "d": link.detail,
        }
        for link in changed
    ]
    if rows:
        connection.execute(
            """insert into ops.account_links
                (agency, ams360_customer_id, benefitpoint_account_id, state, evidence, score, detail)
            select %s, c, a, s, e, n, array(select jsonb_array_elements_text(d))
            from jsonb_to_recordset(%s::jsonb) as r (c text, a integer, s text, e text, n numeric, d jsonb)
            on conflict (agency, ams360_customer_id, benefitpoint_account_id) do update set state = excluded.state,
                evidence = excluded.evidence, score = excluded.score, detail = excluded.detail""",
            (agency, json.dumps(rows)),
        )
    if gone:
        connection.execute(
            """delete from ops.account_links where agency = %s and (ams360_customer_id, benefitpoint_account_id)
                in (select * from unnest(%s::text[], %s::int[]))""",
            (agency, [link.customer_id for link in gone], [link.account_id for link in gone]),
        )
    return changed + gone


def decide(
    connection: psycopg.Connection[Any],
    agency: str,
    customer_id: str,
    account_id: int,
    decision: Decision,
    *,
    decided_by: str,
) -> None:
    """Record what a person says of a customer and an account; the next sync acts on it.

    Raises:
        ConfigError: there is no such customer or account, or a person linked one of them otherwise.
    """
    for table, key in ((CUSTOMERS, customer_id), (ACCOUNTS, str(account_id))):
        if is_gone(connection, table, agency, key) is not False:
            raise ConfigError(f"{agency} has no {table.name.removesuffix('s')} {key}; see `ams-etl links`")
    other = connection.execute(
        """select ams360_customer_id, benefitpoint_account_id from ops.account_links
        where agency = %s and decided = 'confirmed' and (ams360_customer_id = %s) <> (benefitpoint_account_id = %s)""",
        (agency, customer_id, account_id),
    ).fetchone()
    if decision == "confirmed" and other is not None:
        raise ConfigError(f"a person linked customer {other[0]} to account {other[1]}; refuse that link first")
    connection.execute(
        """insert into ops.account_links as l (agency, ams360_customer_id, benefitpoint_account_id, state, evidence, score,
            decided, decided_by, decided_at)
        values (%(agency)s, %(customer)s, %(account)s, 'dormant', 'person', 1, %(decision)s, %(by)s, now())
        on conflict (agency, ams360_customer_id, benefitpoint_account_id) do update
        set decided = excluded.decided, decided_by = excluded.decided_by, decided_at = now()""",
        {"agency": agency, "customer": customer_id, "account": account_id, "decision": decision, "by": decided_by},
    )


def undo_decision(connection: psycopg.Connection[Any], agency: str, customer_id: str, account_id: int) -> bool:
    """Take back what a person decided about a customer and an account; the next publish decides by the records alone."""
    return bool(
        connection.execute(
            """update ops.account_links set decided = null, decided_by = null, decided_at = null
            where agency = %s and ams360_customer_id = %s and benefitpoint_account_id = %s and decided is not null""",
            (agency, customer_id, account_id),
        ).rowcount
    )


LINKS = """select l.state, l.evidence, l.score::float8 as score, l.detail, l.ams360_customer_id as customer_id,
            c.customer_number, c.document ->> 'name' as customer_name, l.benefitpoint_account_id as account_id,
            a.account_name, l.decided_by, coalesce(l.decided, '') as decided
        from ops.account_links l
        left join stage.account_customers c on (c.agency, c.customer_key) = (l.agency, lower(l.ams360_customer_id))
        left join benefitpoint.accounts a on (a.agency, a.account_id) = (l.agency, l.benefitpoint_account_id)
        where l.agency = %(agency)s"""
"""Selects an agency's links with the names on both sides."""


def list_links(connection: psycopg.Connection[Any], agency: str, *, state: str | None = None) -> list[ListedLink]:
    """The agency's links with names, the likeliest suggestions first."""
    rows = connection.execute(
        f"""{LINKS} and (%(state)s::text is null or l.state = %(state)s)
        order by l.state, l.score desc, l.benefitpoint_account_id, l.ams360_customer_id""",
        {"agency": agency, "state": state},
    ).fetchall()
    return [
        ListedLink(state, evidence, score, tuple(detail), *both_sides)
        for state, evidence, score, detail, *both_sides, _ in rows
    ]
