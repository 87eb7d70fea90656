"""The texts of a person that nobody else of the agency has: what a search can prove to be gone."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.rules.systems.nested_people import without_people
from ams_etl.store.privacy.tombstones import KINDS, NESTINGS, emails_in, texts_in
from ams_etl.sync.forgetting.records import SourceRecord, payload_of

_SHORTEST_VALUE = 6
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-][\d:]+)?)?")


@dataclass(frozen=True, slots=True)
class PrivateTexts:
    """`values`: the texts of a person that no other record has; `shared`: rows per table that hold another text of theirs."""

    values: tuple[str, ...]
    shared: tuple[tuple[str, int], ...]


def emails_of(payloads: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield every email of these payloads, in lower case."""
    for payload in payloads:
        yield from emails_in(payload)


def private_texts(
    connection: psycopg.Connection[Any], agency: str, tables: Sequence[str], records: set[SourceRecord],
    payloads: Sequence[Mapping[str, Any]],
) -> PrivateTexts:  # fmt: skip
    """Return the texts of these payloads that no other source record or contact of the agency holds.

    Texts of fewer than six characters are left out: half of them are somebody else's, or a word of this program.
    """
    wanted = sorted(set(_searchable(payloads)) | set(emails_of(payloads)))
    shared: dict[str, int] = {}
    for table in tables:
        own = [record.entity_id for record in records if record.table == table]
        held = _held(connection, agency, table, wanted, "payload", "t.entity_id <> all(%s)", own)
        if held:
            shared[table] = max(held.values())
        wanted = [value for value in wanted if _as_json(value) not in held]
    # What others' records became: words of this program, such as "prospect", are nobody's alone.
    ids = [record.part or record.entity_id for record in records]
    others = (
        "not (array[t.entity_id] || array(select a ->> 1 from jsonb_array_elements(t.document -> 'absorbed') a) && %s)"
    )
    held = _held(connection, agency, "stage.candidates", wanted, "document", others, ids)
    wanted = [value for value in wanted if _as_json(value) not in held]
    for beside in _rests(connection, agency, records):
        wanted = [value for value in wanted if value.lower() not in beside]
    return PrivateTexts(tuple(wanted), tuple(sorted(shared.items())))


def _held(
    connection: psycopg.Connection[Any], agency: str, table: str, values: Sequence[str], column: str, others: str,
    own: Sequence[str],
) -> dict[str, int]:  # fmt: skip
    """Return how many rows of others, up to 100, hold each of these values, as JSON writes it."""
    rows = connection.execute(
        f"""select value, count(*) from unnest(%s::text[]) value, lateral (
            select from {table} t where t.agency = %s and {others}
                and position(lower(value) in lower(t.{column}::text)) > 0 limit 100) held group by 1""",
        ([_as_json(value) for value in values], agency, list(own)),
    ).fetchall()
    return dict(rows)


def _searchable(payloads: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for payload in payloads:
        of_the_person = {name: value for name, value in payload.items() if name not in KINDS}
        for text in map(str.strip, texts_in(of_the_person)):
            if len(text) >= _SHORTEST_VALUE and not _GUID.fullmatch(text) and not _DATE.fullmatch(text):
                yield text


def _rests(connection: psycopg.Connection[Any], agency: str, records: set[SourceRecord]) -> Iterator[str]:
    """Yield, in lower case, what is left of each record that only parts are taken from."""
    for table, entity_id in {(record.table, record.entity_id) for record in records if record.part}:
        payload = payload_of(connection, agency, SourceRecord(table, entity_id, entity_id))
        parts = {record.part for record in records if (record.table, record.entity_id) == (table, entity_id)}
        if payload is not None:
            yield "\n".join(texts_in(without_people(NESTINGS[table], entity_id, payload, parts))).lower()


def _as_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
