"""What the mart was at each step of a history, to be compared with what the as-of functions say of that moment later."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.sync.forgetting.person import Person
from ams_etl_tests.sync.source_history import AGENCY

FUNCTIONS = ("contacts", "contact_tags", "key_facts", "connections", "contact_emails", "contact_phones")
"""Tables of the mart; each has a function with `_as_of` after its name. The owner is a column of contacts."""
Rows = Mapping[str, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The mart at a moment: whole documents by contact, and of each table (contact, row as text)."""

    moment: datetime
    documents: Mapping[str, Any]
    rows: Rows

    def without(self, contacts: Collection[str]) -> "Snapshot":
        """The same without some contacts."""
        return Snapshot(
            self.moment,
            {key: document for key, document in self.documents.items() if key not in contacts},
            {table: [row for row in rows if row[0] not in contacts] for table, rows in self.rows.items()},
        )

    def knowing(self, ids: Collection[str], texts: Collection[str]) -> set[str]:
        """The contacts that are made of one of these records, or hold one of these texts."""
        return {
            contact_id for contact_id, document in self.documents.items()
            if any(source["entity_id"] in ids for source in document["sources"])
            or any(text.lower() in held for text in texts for held in _texts(document))
        }  # fmt: skip


class Past:
    """The snapshots of one history, oldest first."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.shortened: set[str] = set()
        """Contacts whose feed no longer begins with their insert, because it knew somebody who was forgotten."""

    def remember(self, connection: psycopg.Connection[Any]) -> None:
        """Take a snapshot."""
        ((now,),) = connection.execute("select clock_timestamp()").fetchall()
        documents = connection.execute("select contact_id::text, document from stage.contacts").fetchall()
        rows = {
            table: connection.execute(
                f"""select contact_id::text, (to_jsonb(t) - 'agency' - 'created_at' - 'updated_at')::text
                from mart.{table} t order by 1, 2"""
            ).fetchall()
            for table in FUNCTIONS
        }
        self.snapshots.append(Snapshot(now, dict(documents), rows))

    def forget(self, person: Person) -> None:
        """Leave a forgotten person out of the snapshots: each contact that knew them, up to the last time that it did."""
        ids = {record.part or record.entity_id for record in person.records}
        gone: set[str] = set()
        for place in reversed(range(len(self.snapshots))):
            gone |= self.snapshots[place].knowing(ids, person.values)
            self.snapshots[place] = self.snapshots[place].without(gone)
        self.shortened |= gone

    def check(self, connection: psycopg.Connection[Any]) -> None:
        """Ask what the mart was at the first, the middle and the last of the moments, by each function."""
        for place in sorted({0, len(self.snapshots) // 2, len(self.snapshots) - 1}):
            held = self.snapshots[place]
            for table, rows in held.rows.items():
                as_of = connection.execute(
                    f"select contact_id::text, to_jsonb(t)::text from mart.{table}_as_of(%s, %s) t order by 1, 2",
                    (AGENCY, held.moment),
                )
                assert as_of.fetchall() == rows, table
            found = connection.execute(
                "select contact_id::text, document from mart.documents_as_of(%s, %s)", (AGENCY, held.moment)
            )
            assert dict(found.fetchall()) == held.documents
            each = connection.execute(
                "select x, mart.contact_as_of(%s, x::uuid, %s) from unnest(%s::text[]) x",
                (AGENCY, held.moment, sorted({*self.snapshots[-1].documents, *held.documents, *self.shortened})),
            )
            assert {key: document for key, document in each if document is not None} == held.documents


def _texts(document: Any) -> list[str]:
    """Every text of a document, in lower case."""
    if isinstance(document, str):
        return [document.lower()]
    if isinstance(document, Mapping):
        return [text for value in document.values() for text in _texts(value)]
    return [text for value in document for text in _texts(value)] if isinstance(document, list) else []
