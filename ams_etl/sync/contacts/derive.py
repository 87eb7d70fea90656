"""Derive candidates from changed source records: the first half of the difference engine.

Only dirty customers are read: those whose records changed (marked in the transaction that changed them), those
whose day of review has come, and all of them when settings or rules changed. Each chunk is one transaction that
stores the candidates and marks what the plan must evaluate, so a killed run resumes where it stopped.
"""

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Any

import psycopg

from ams_etl.rules.model import Derivation, Skip
from ams_etl.rules.records.ams360 import CUSTOMER
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.content import content_hash
from ams_etl.store.copy import copy_rows
from ams_etl.store.lease import Lease
from ams_etl.sync.contacts.documents import candidate_json
from ams_etl.sync.contacts.fingerprint import fingerprint
from ams_etl.sync.contacts.garbage_collection import collector_paused
from ams_etl.sync.contacts.shared_addresses import touch_former_sharers
from ams_etl.sync.identity import candidate_id
from ams_etl.sync.interpret.interpreter import Interpretation, KeyColumn
from ams_etl.sync.interpret.registry import interpreter_for
from ams_etl.sync.links.linking import link_accounts
from ams_etl.sync.raw.quarantine import DERIVATION, Quarantined, set_aside
from ams_etl.sync.raw.withheld import has_forgotten, without_forgotten

_log = logging.getLogger(__name__)
CHUNK = 1000
"""Customers derived in one transaction."""
LONGEST_INDEXED = 500
"""Characters of a value that an index holds: Postgres refuses index rows beyond 2,700 bytes, and ends the whole run."""

_DERIVED_COLUMNS = {
    "candidate_id": "uuid", "customer_id": "text", "system": "text", "entity": "text", "entity_id": "text",
    "document": "jsonb", "emails": "text[]", "content_hash": "bytea", "follows_candidate": "uuid", "follows_email": "text",
}  # fmt: skip
_SKIP_COLUMNS = {
    "customer_id": "text", "system": "text", "entity": "text", "entity_id": "text",
    "reason": "text", "rule": "text", "detail": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeriveCounts:
    """Count what was derived and what changed."""

    customers: int = 0
    candidates: int = 0
    changed: int = 0
    skipped: int = 0


def mark_due(
    connection: psycopg.Connection[Any],
    agency: str,
    settings: RuleSettings,
    today: date,
    *,
    lease: Lease | None = None,
) -> int:
    """Mark customers dirty whose derivation may differ though their records did not change.

    That is: everybody after a change of settings or rules, else those whose day of review has come.

    Where BenefitPoint's accounts become contacts, which of them AMS360 has is worked out first.

    Returns:
        How many customers are dirty now.
    """
    wanted = fingerprint(settings)
    if settings.benefitpoint_contacts:
        link_accounts(connection, agency)
    with connection.transaction():
        if lease is not None:
            lease.check(connection)
        connection.execute("insert into stage.engine (agency) values (%s) on conflict (agency) do nothing", (agency,))
        known = connection.execute(
            "select fingerprint from stage.engine where agency = %s for update", (agency,)
        ).fetchone()
        if known is None or known[0] != wanted:
            connection.execute(
                f"""insert into stage.dirty_customers (agency, customer_id)
                select %(agency)s, customer_id from ({interpreter_for(settings).LIVE_CUSTOMERS}) live
                union select %(agency)s, customer_id from ({interpreter_for(settings).DELETED_CUSTOMERS}) gone
                union select agency, customer_id from stage.customers where agency = %(agency)s
                on conflict do nothing""",
                {"agency": agency},
            )
            # Every contact: merge_by, segments and ownership act after the candidates.
            connection.execute(
                """insert into stage.touched (agency, kind, id)
                select agency, 'candidate', candidate_id::text from stage.candidates where agency = %s
                on conflict (agency, kind, id) do update set planned = false""",
                (agency,),
            )
            connection.execute(
                "update stage.engine set fingerprint = %s, version = version + 1 where agency = %s",
                (wanted, agency),
            )
        connection.execute(
            """insert into stage.dirty_customers (agency, customer_id)
            select agency, customer_id from stage.customers where agency = %s and review_on <= %s
            on conflict do nothing""",
            (agency, today),
        )
        connection.execute(
            """insert into stage.dirty_customers (agency, customer_id)
            select agency, entity_id from ops.quarantine where agency = %s and entity = %s
            on conflict do nothing""",
            (agency, DERIVATION),
        )
        found = connection.execute("select count(*) from stage.dirty_customers where agency = %s", (agency,)).fetchone()
    return int(found[0]) if found else 0


def derive_dirty(
    connection: psycopg.Connection[Any],
    agency: str,
    settings: RuleSettings,
    today: date,
    progress: Callable[[int], None] = lambda done: None,
    *,
    lease: Lease | None = None,
) -> DeriveCounts:
    """Derive every dirty customer into `stage.candidates` and `stage.skips`, a chunk a transaction.

    Args:
        connection: autocommit; each chunk opens its own transaction.
        agency: the agency id.
        settings: its rule settings.
        today: the date the rules are asked for.
        progress: called with the number of customers done so far.
        lease: `publish`; None where nobody else can be at work.
    """
    interpreter = interpreter_for(settings)
    interpretation = interpreter.open(connection, agency, settings, today)
    forgets = has_forgotten(connection, agency)
    total = DeriveCounts()
    while True:
        with connection.transaction():
            if lease is not None:
                lease.check(connection)
            chunk = [
                row[0]
                for row in connection.execute(
                    """select customer_id from stage.dirty_customers where agency = %s
                    order by customer_id limit %s""",
                    (agency, CHUNK),
                )
            ]
            if not chunk:
                return total
            with collector_paused():
                found, failed = _derive_each(interpretation, chunk)
                if forgets:
                    found = without_forgotten(connection, agency, interpreter.FIRST_SEEN, found)
            derived = [derivation for _, derivation in found]
            kept = [customer_id for customer_id in chunk if customer_id not in failed]
            left = set(kept) - {customer_id for customer_id, _ in found}
            gone = _deleted(connection, agency, interpreter.DELETED_CUSTOMERS, left)
            changed = _store(connection, agency, kept, found, gone, interpreter.FIRST_SEEN, today)
            _set_failed_aside(connection, agency, settings.source_system, chunk, failed)
            total = replace(
                total,
                customers=total.customers + len(chunk),
                candidates=total.candidates + sum(len(derivation.candidates) for derivation in derived),
                changed=total.changed + changed,
                skipped=total.skipped + len(gone) + sum(len(derivation.skips) for derivation in derived),
            )
        progress(total.customers)


def _deleted(connection: psycopg.Connection[Any], agency: str, query: str, customer_ids: Iterable[str]) -> list[Skip]:
    """Q3: Return a skip for each of these customers that the source deleted; others were never seen."""
    ids = list(customer_ids)
    if not ids:
        return []
    rows = connection.execute(
        f"select system, entity, entity_id, customer_id from ({query}) gone where customer_id = any(%(customers)s)",
        {"agency": agency, "customers": ids},
    )
    return [
        Skip(system, entity, entity_id, customer_id, "deleted", "Q3") for system, entity, entity_id, customer_id in rows
    ]


def _derive_each(
    interpretation: Interpretation, chunk: Sequence[str]
) -> tuple[list[tuple[str, Derivation]], dict[str, str]]:
    """Derive these customers; return the derivations, and the reason for each customer that the rules fail on."""
    try:
        found = interpretation.derive(chunk)
        if not any(longest_over(derivation) for _, derivation in found):
            return found, {}
    except psycopg.Error:
        raise
    except Exception:  # noqa: BLE001 - whatever a rule fails on, the others go on
        _log.info("deriving %s customers one by one, to find the one that fails", len(chunk))
    found, failed = [], {}
    for customer_id in chunk:
        try:
            derived = interpretation.derive([customer_id])
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001
            # Its words may quote the record; its type and place do not.
            place = traceback.extract_tb(error.__traceback__)[-1]
            failed[customer_id] = f"{type(error).__name__} in {place.name}, line {place.lineno}"
            continue
        too_long = next(filter(None, (longest_over(derivation) for _, derivation in derived)), None)
        if too_long:
            failed[customer_id] = too_long
        else:
            found += derived
    return found, failed


def longest_over(derivation: Derivation) -> str | None:
    """Return which indexed value of a derivation is longer than Postgres can index, or None; never the value."""
    for candidate in derivation.candidates:
        for member, values in (
            ("an email", candidate.emails),
            ("a phone", (phone.number for phone in candidate.phones)),
            ("a tag", (tag.tag for tag in candidate.tags)),
            ("a Key Fact's label", (fact.label for fact in candidate.key_facts)),
            ("an employee code", (connection.employee_code for connection in candidate.connections)),
        ):
            longest = max((len(value) for value in values if value), default=0)
            if longest > LONGEST_INDEXED:
                return f"{member} holds {longest:,} characters; at most {LONGEST_INDEXED}"
    return None


def _set_failed_aside(
    connection: psycopg.Connection[Any], agency: str, system: str, chunk: Sequence[str], failed: Mapping[str, str]
) -> None:
    """Quarantine failed customers: they keep their previous candidates and are tried again by every run, until one succeeds."""
    connection.execute(
        "delete from ops.quarantine where agency = %s and entity = %s and entity_id = any(%s)",
        (agency, DERIVATION, list(chunk)),
    )
    if failed:
        _log.error("the rules failed on %s customers; they are in ops.quarantine", len(failed))
        set_aside(
            connection, agency, None,
            [Quarantined(DERIVATION, key, key, "the rules failed", reason) for key, reason in failed.items()],
            system=system,
        )  # fmt: skip
        connection.execute(
            "delete from stage.dirty_customers where agency = %s and customer_id = any(%s)", (agency, list(failed))
        )


def _store(
    connection: psycopg.Connection[Any],
    agency: str,
    chunk: Sequence[str],
    found: Sequence[tuple[str, Derivation]],
    gone: Sequence[Skip],
    first_seen: Mapping[str, tuple[str, KeyColumn]],
    today: date,
) -> int:
    live, derived = [customer_id for customer_id, _ in found], [derivation for _, derivation in found]
    connection.execute(
        """create temp table if not exists derived_candidates (candidate_id uuid, customer_id text, system text,
            entity text, entity_id text, document jsonb, emails text[], content_hash bytea, follows_candidate uuid,
            follows_email text) on commit delete rows;
        create temp table if not exists derived_skips (customer_id text, system text, entity text,
            entity_id text, reason text, rule text, detail text) on commit delete rows"""
    )
    copy_rows(
        connection,
        "derived_candidates",
        _DERIVED_COLUMNS,
        (row for derivation in derived for row in _candidate_rows(agency, derivation)),
    )
    copy_rows(
        connection,
        "derived_skips",
        _SKIP_COLUMNS,
        (
            (skip.customer_id, skip.system, skip.entity, skip.entity_id, skip.reason, skip.rule, skip.detail)
            for skip in chain(gone, *(derivation.skips for derivation in derived))
        ),
    )
    scope = {"agency": agency, "customers": list(chunk), "today": today}
    # Candidates that are gone or differ, and the contacts that they were part of.
    connection.execute(
        """insert into stage.touched (agency, kind, id)
        select distinct c.agency, k.kind, k.id
        from stage.candidates c
        left join derived_candidates d on d.candidate_id = c.candidate_id
        cross join lateral (values ('candidate', c.candidate_id::text), ('contact', c.contact_id::text)) k (kind, id)
        where c.agency = %(agency)s and c.customer_id = any(%(customers)s)
            and d.content_hash is distinct from c.content_hash and k.id is not null
        on conflict (agency, kind, id) do update set planned = false""",
        scope,
    )
    touch_former_sharers(connection, scope)
    connection.execute(
        """delete from stage.candidates c where agency = %(agency)s and customer_id = any(%(customers)s)
            and not exists (select from derived_candidates d where d.candidate_id = c.candidate_id)""",
        scope,
    )
    joins = "".join(
        f""" left join {table} s{at} on d.entity = '{entity}' and (s{at}.agency, s{at}.entity_id) = (%(agency)s, d.{key})"""
        for at, (entity, (table, key)) in enumerate(first_seen.items())
    )
    seen_at = ", ".join(f"s{at}.first_seen_at" for at in range(len(first_seen)))
    written = connection.execute(
        f"""with written as (
            insert into stage.candidates as c (agency, candidate_id, customer_id, system, entity, entity_id,
                document, content_hash, follows_candidate, follows_email, first_seen_at)
            select %(agency)s, d.candidate_id, d.customer_id, d.system, d.entity, d.entity_id, d.document,
                d.content_hash, d.follows_candidate, d.follows_email, coalesce({seen_at})
            from derived_candidates d{joins}
            on conflict (agency, candidate_id) do update set customer_id = excluded.customer_id,
                document = excluded.document, content_hash = excluded.content_hash,
                follows_candidate = excluded.follows_candidate, follows_email = excluded.follows_email
            where c.content_hash <> excluded.content_hash
            returning candidate_id)
        insert into stage.touched (agency, kind, id)
        select %(agency)s, 'candidate', candidate_id::text from written
        on conflict (agency, kind, id) do update set planned = false""",
        scope,
    ).rowcount
    connection.execute(
        """delete from stage.candidate_emails e using derived_candidates d
        where e.agency = %(agency)s and e.candidate_id = d.candidate_id and e.email <> all(d.emails)""",
        scope,
    )
    connection.execute(
        """insert into stage.candidate_emails (agency, email, candidate_id)
        select %(agency)s, unnest(d.emails), d.candidate_id from derived_candidates d on conflict do nothing""",
        scope,
    )
    connection.execute(
        """insert into stage.touched (agency, kind, id)
        select distinct %(agency)s, 'customer', coalesce(s.customer_id, d.customer_id)
        from (select * from stage.skips where agency = %(agency)s and customer_id = any(%(customers)s)) s
        full join derived_skips d using (customer_id, system, entity, entity_id)
        where (s.reason, s.rule, s.detail) is distinct from (d.reason, d.rule, d.detail)
        on conflict (agency, kind, id) do update set planned = false""",
        scope,
    )
    connection.execute(
        """delete from stage.skips s where agency = %(agency)s and customer_id = any(%(customers)s)
            and not exists (select from derived_skips d where (d.customer_id, d.entity, d.entity_id, d.reason, d.rule)
                = (s.customer_id, s.entity, s.entity_id, s.reason, s.rule) and d.detail is not distinct from s.detail)""",
        scope,
    )
    connection.execute(
        """insert into stage.skips (agency, customer_id, system, entity, entity_id, reason, rule, detail)
        select %(agency)s, customer_id, system, entity, entity_id, reason, rule, detail from derived_skips
        on conflict (agency, customer_id, entity, entity_id) do nothing""",
        scope,
    )
    connection.execute(
        """insert into stage.customers as c (agency, customer_id, derived_on, review_on)
        select %(agency)s, x.customer_id, %(today)s, x.review_on
        from unnest(%(ids)s::text[], %(reviews)s::date[]) x (customer_id, review_on)
        on conflict (agency, customer_id) do update set derived_on = excluded.derived_on, review_on = excluded.review_on
        where (c.derived_on, c.review_on) is distinct from (excluded.derived_on, excluded.review_on)""",
        {
            **scope,
            "ids": live,
            "reviews": [derivation.review_on for derivation in derived],
        },
    )
    connection.execute(
        """delete from stage.customers where agency = %(agency)s and customer_id = any(%(customers)s)
            and customer_id <> all(%(live)s)""",
        {**scope, "live": live},
    )
    connection.execute(
        "delete from stage.dirty_customers where agency = %(agency)s and customer_id = any(%(customers)s)", scope
    )
    connection.execute("update stage.engine set version = version + 1 where agency = %(agency)s", scope)
    return written


def _candidate_rows(agency: str, derivation: Derivation) -> list[tuple[Any, ...]]:
    rows = []
    for candidate in derivation.candidates:
        document = candidate_json(candidate)
        joined = candidate.joined
        goes_with_customer = joined is not None and candidate.role == "primary"
        rows.append(
            (
                candidate_id(agency, candidate.system, candidate.entity, candidate.entity_id),
                candidate.customer_id,
                candidate.system,
                candidate.entity,
                candidate.entity_id,
                document,
                [email.lower() for email in candidate.emails],
                content_hash(document),
                candidate_id(agency, "ams360", CUSTOMER, joined.customer_id) if joined and goes_with_customer else None,
                joined.email if joined and not goes_with_customer else None,
            )
        )
    return rows
