"""Merge the chosen candidates into contacts, and plan those that differ from what is published."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.contacts.by_hand import suppress_by_hand
from ams_etl.rules.contacts.merging import merge
from ams_etl.rules.model import Contact, NameOverride
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.content import content_hash
from ams_etl.store.loading.beside import beside
from ams_etl.store.loading.copy import copy_rows
from ams_etl.store.sending.suppressions import suppressed_records
from ams_etl.sync.candidate_documents import candidates_from
from ams_etl.sync.contacts.deriving.store_derived import SKIP_COLUMNS, skip_row
from ams_etl.sync.contacts.documents import contact_json
from ams_etl.sync.contacts.garbage_collection import collector_paused
from ams_etl.sync.contacts.shared_addresses import refused_in_plan
from ams_etl.sync.customer_merges.merged_records import predecessors

BATCH = 2000
"""Contacts that are merged while Postgres stores as many before them, and reads those after them."""
_PLANNED = {"agency": "text", "contact_id": "uuid", "op": "text", "document": "jsonb", "content_hash": "bytea"}
_Group = tuple[UUID, bytes | None, str]
"""A contact's id, the hash of what is published of it, and a JSON array of its candidates."""


@dataclass(slots=True)
class MergeCounts:
    """Count the candidates that were merged, and the contacts that stay as they are published."""

    candidates: int = 0
    unchanged: int = 0


def merge_groups(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, progress: Callable[[int], None]
) -> MergeCounts:
    """Merge the candidates of `chosen_members`, contact by contact.

    Contacts that are new or differ are in `stage.planned_contacts` afterwards, the ids of all of them in the temporary table
    `target_contacts`, and the skips of those that are left out (L3, B11) in `target_skips`.

    Args:
        connection: inside the plan's transaction.
        agency: the agency id.
        settings: its rule settings.
        progress: called with the number of candidates merged so far.
    """
    connection.execute(
        """create temp table if not exists target_contacts (contact_id uuid primary key) on commit drop;
        create temp table if not exists target_skips (system text, entity text, entity_id text, customer_id text,
            reason text, rule text, detail text) on commit drop;
        truncate target_contacts, target_skips"""
    )
    merging = _Merging(connection, agency, settings)
    total = MergeCounts()
    merged = _Batch()
    with collector_paused(), connection.cursor("groups") as cursor:
        cursor.execute(
            """select p.contact_id, b.content_hash, '[' || string_agg(c.document::text, ',' order by p.candidate_id) || ']'
            from chosen_members p join stage.candidates c using (candidate_id)
            left join stage.contacts b on (b.agency, b.contact_id) = (c.agency, p.contact_id)
            where c.agency = %s group by p.contact_id, b.content_hash""",
            (agency,),
        )
        groups: Sequence[_Group] = cursor.fetchmany(BATCH)
        while groups:
            with beside(connection, partial(_store_and_fetch, connection, merged, cursor)) as storing:
                merged = merging.merge_all(groups)
            groups = storing.result()
            total.candidates += merged.counts.candidates
            total.unchanged += merged.counts.unchanged
            progress(total.candidates)
    _store(connection, merged)
    return total


@dataclass(slots=True)
class _Batch:
    """Rows of what some groups became."""

    ids: list[tuple[UUID]] = field(default_factory=list)
    planned: list[tuple[Any, ...]] = field(default_factory=list)
    skips: list[tuple[Any, ...]] = field(default_factory=list)
    counts: MergeCounts = field(default_factory=MergeCounts)


class _Merging:
    """Merges groups of candidates as people decided; only making it needs the database."""

    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings) -> None:
        self._agency, self._settings = agency, settings
        self._users, self._overrides = decisions(connection, agency)
        self._by_hand = suppressed_records(connection, agency)
        self._refused = refused_in_plan(connection, agency)
        self._gone = predecessors(connection, agency)

    def merge_all(self, groups: Sequence[_Group]) -> _Batch:
        """Return the rows of what these groups become."""
        batch = _Batch()
        for contact_id, published, documents in groups:
            candidates = candidates_from(documents)
            batch.counts.candidates += len(candidates)
            outcome = merge(candidates, self._settings, self._users, self._overrides, self._refused, self._gone)
            if not isinstance(outcome, Contact):
                batch.skips += map(skip_row, outcome)
                continue
            document = contact_json(contact_id, suppress_by_hand(outcome, self._by_hand))
            digest = content_hash(document)
            batch.ids.append((contact_id,))
            if digest == published:
                batch.counts.unchanged += 1
            else:
                op = "insert" if published is None else "update"
                batch.planned.append((self._agency, contact_id, op, document, digest))
        return batch


def _store_and_fetch(
    connection: psycopg.Connection[Any], merged: _Batch, cursor: psycopg.ServerCursor[Any]
) -> Sequence[_Group]:
    """Store what was merged last, and fetch the groups after those that are being merged."""
    _store(connection, merged)
    return cursor.fetchmany(BATCH)


def _store(connection: psycopg.Connection[Any], merged: _Batch) -> None:
    tables: tuple[tuple[str | tuple[str, str], Mapping[str, str], Sequence[tuple[Any, ...]]], ...] = (
        ("target_contacts", {"contact_id": "uuid"}, merged.ids),
        (("stage", "planned_contacts"), _PLANNED, merged.planned),
        ("target_skips", SKIP_COLUMNS, merged.skips),
    )
    for table, columns, rows in tables:
        if rows:
            copy_rows(connection, table, columns, rows)


def decisions(
    connection: psycopg.Connection[Any], agency: str
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str, str], NameOverride]]:
    """What people decided: the user mapping (O1) and the names given in the platform (N12), as `merge` takes them."""
    users = {
        (connection_type, employee_code): user_id
        for connection_type, employee_code, user_id in connection.execute(
            "select connection_type, employee_code, user_id from ops.user_mappings where agency = %s", (agency,)
        )
    }
    overrides = {
        (system, entity, entity_id): NameOverride(*names)
        for system, entity, entity_id, *names in connection.execute(
            """select c.system, c.entity, c.entity_id, o.first_name, o.last_name, o.nickname
            from ops.name_overrides o join stage.candidates c using (agency)
            where o.agency = %s and c.candidate_id = o.contact_id""",
            (agency,),
        )
    }
    return users, overrides
