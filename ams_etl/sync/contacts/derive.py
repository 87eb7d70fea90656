"""Derive candidates from changed source records: the first half of the difference engine.

Only dirty customers are read: those whose records changed (marked in the transaction that changed them), those
whose day of review has come, and all of them when settings or rules changed. Each chunk is one transaction that
stores the candidates and marks what the plan must evaluate, so a killed run resumes where it stopped.

Three chunks are on their way: while the rules derive one, Postgres stores the one before and reads the one after. A customer
whose records change meanwhile has a new mark, which storing leaves, and is derived once more.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import count_due, mark_selected
from ams_etl.store.lease import Lease
from ams_etl.store.loading.beside import beside
from ams_etl.store.loading.statistics import Growth
from ams_etl.sync.contacts.deriving.chunks import Chunks, DeriveCounts
from ams_etl.sync.contacts.fingerprint import fingerprint
from ams_etl.sync.customer_merges.merged_customers import refresh_merged_customers
from ams_etl.sync.interpret.registry import interpreter_for
from ams_etl.sync.links.linking import link_accounts
from ams_etl.sync.raw.quarantine import DERIVATION

_WRITTEN = ("stage.candidates", "stage.candidate_emails", "stage.skips", "stage.customers", "stage.touched")


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
    chunks = Chunks(connection, agency, settings, today)
    total = DeriveCounts()
    growth = Growth(connection, _WRITTEN)
    chunk = chunks.derive(chunks.read())
    following = chunks.read_after(chunk)
    while chunk.marks:
        with connection.transaction():
            if lease is not None:
                lease.check(connection)
            with beside(connection, partial(chunks.store_and_read, chunk, following)) as storing:
                chunk = chunks.derive(following)
            stored, following = storing.result()
        total += stored
        progress(total.customers)
        growth.reached(total.changed)
        if not chunk.marks:
            # Behind the last chunk: whoever changed meanwhile, wherever in the order.
            chunk = chunks.derive(chunks.read())
            following = chunks.read_after(chunk)
    return total
