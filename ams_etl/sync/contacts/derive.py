"""Derive candidates from changed source records: the first half of the difference engine.

Only dirty customers are read: those whose records changed (marked in the transaction that changed them), those
whose day of review has come, and all of them when settings or rules changed. Each chunk is one transaction that
stores the candidates and marks what the plan must evaluate, so a killed run resumes where it stopped.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import psycopg

from ams_etl.rules.model import Skip
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import count_due, due_customers, mark_selected, unmark_customers
from ams_etl.store.lease import Lease
from ams_etl.store.statistics import LARGE, analyze
from ams_etl.sync.contacts.deriving.each_customer import derive_each
from ams_etl.sync.contacts.deriving.store_derived import DerivedChunk, store_derived
from ams_etl.sync.contacts.fingerprint import fingerprint
from ams_etl.sync.contacts.garbage_collection import collector_paused
from ams_etl.sync.customer_merges.merged_customers import refresh_merged_customers
from ams_etl.sync.customer_merges.merged_records import refresh_merged_records
from ams_etl.sync.interpret.registry import interpreter_for
from ams_etl.sync.links.linking import link_accounts
from ams_etl.sync.raw.quarantine import DERIVATION, Quarantined, set_aside
from ams_etl.sync.raw.withheld import has_forgotten, without_forgotten

_log = logging.getLogger(__name__)
CHUNK = 1000
"""Customers derived in one transaction."""
_WRITTEN = ("stage.candidates", "stage.candidate_emails", "stage.skips", "stage.customers", "stage.touched")


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
    wanted, interpreter, db = fingerprint(settings), interpreter_for(settings), AgencyDb(connection, agency)
    with connection.transaction():
        if lease is not None:
            lease.check(connection)
        db.execute("insert into stage.engine (agency) values (%(agency)s) on conflict (agency) do nothing")
        if db.scalar("select fingerprint from stage.engine where agency = %(agency)s for update") != wanted:
            mark_selected(
                db,
                f"""select customer_id from ({interpreter.LIVE_CUSTOMERS}) live
                union select customer_id from ({interpreter.DELETED_CUSTOMERS}) gone
                union select customer_id from stage.customers where agency = %(agency)s""",
            )
            # Every contact: merge_by, segments and ownership act after the candidates.
            db.execute(
                """insert into stage.touched (agency, kind, id)
                select agency, 'candidate', candidate_id::text from stage.candidates where agency = %(agency)s
                on conflict (agency, kind, id) do update set planned = false"""
            )
            db.execute(
                "update stage.engine set fingerprint = %(wanted)s, version = version + 1 where agency = %(agency)s",
                wanted=wanted,
            )
        mark_selected(
            db,
            "select customer_id from stage.customers where agency = %(agency)s and review_on <= %(today)s",
            today=today,
        )
        mark_selected(
            db,
            "select entity_id as customer_id from ops.quarantine where agency = %(agency)s and entity = %(entity)s",
            entity=DERIVATION,
        )
        if settings.source_system == "ams360":
            refresh_merged_customers(connection, agency)
    # After the merges: an account that names a merged customer is linked to the one that goes on.
    if settings.benefitpoint_contacts:
        link_accounts(connection, agency)
    return count_due(db)


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
    db, interpreter = AgencyDb(connection, agency), interpreter_for(settings)
    interpretation = interpreter.open(connection, agency, settings, today)
    forgets = has_forgotten(connection, agency)
    total = DeriveCounts()
    analyzed_at = LARGE
    while True:
        with connection.transaction():
            if lease is not None:
                lease.check(connection)
            marks = due_customers(db, CHUNK)
            if not marks:
                return total
            chunk = list(marks)
            with collector_paused():
                found, failed = derive_each(interpretation, chunk)
                if forgets:
                    found = without_forgotten(connection, agency, interpreter.FIRST_SEEN, found)
            derived = [derivation for _, derivation in found]
            kept = [customer_id for customer_id in chunk if customer_id not in failed]
            left = set(kept) - {customer_id for customer_id, _ in found}
            gone = _deleted(db, interpreter.DELETED_CUSTOMERS, left)
            changed = store_derived(db, DerivedChunk(kept, found, gone, interpreter.FIRST_SEEN, today))
            if settings.source_system == "ams360":
                refresh_merged_records(connection, agency, settings, today, chunk)
            _set_failed_aside(db, settings.source_system, chunk, failed)
            unmark_customers(db, marks)
            total = replace(
                total,
                customers=total.customers + len(chunk),
                candidates=total.candidates + sum(len(derivation.candidates) for derivation in derived),
                changed=total.changed + changed,
                skipped=total.skipped + len(gone) + sum(len(derivation.skips) for derivation in derived),
            )
        progress(total.customers)
        if total.changed >= analyzed_at:
            # Some four times for a first load of a million: what each chunk costs must not grow with what is stored.
            analyze(connection, _WRITTEN)
            analyzed_at = 4 * total.changed


@dataclass(frozen=True, slots=True)
class _Deleted:
    system: str
    entity: str
    entity_id: str
    customer_id: str


def _deleted(db: AgencyDb, query: str, customer_ids: Collection[str]) -> list[Skip]:
    """Q3: Return a skip for each of these customers that the source deleted; others were never seen."""
    if not customer_ids:
        return []
    deleted = db.rows(
        _Deleted,
        f"select system, entity, entity_id, customer_id from ({query}) gone where customer_id = any(%(customers)s)",
        customers=list(customer_ids),
    )
    return [Skip(each.system, each.entity, each.entity_id, each.customer_id, "deleted", "Q3") for each in deleted]


def _set_failed_aside(db: AgencyDb, system: str, chunk: Sequence[str], failed: Mapping[str, str]) -> None:
    """Quarantine failed customers: they keep their previous candidates and are tried again by every run, until one succeeds."""
    db.execute(
        "delete from ops.quarantine where agency = %(agency)s and entity = %(entity)s and entity_id = any(%(chunk)s)",
        entity=DERIVATION,
        chunk=list(chunk),
    )
    if failed:
        _log.error("the rules failed on %s customers; they are in ops.quarantine", len(failed))
        set_aside(
            db.connection, db.agency, None,
            [Quarantined(DERIVATION, key, key, "the rules failed", reason) for key, reason in failed.items()],
            system=system,
        )  # fmt: skip
