"""Events into `ops.events`: stored before they are understood, each key once."""

import hashlib
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.writeback.events.events import Email, Event, read_event
from ams_etl.writeback.events.fields import storable

Outcome = Literal["accepted", "repeated", "refused"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one event.

    Attributes:
        outcome: `accepted`: stored now; `repeated`: stored before, and the same; `refused`: not stored, see reason.
        event_id: ours, also for a repeated one.
        idempotency_key: the sender's; of a refused event, without what no answer can hold.
        reason: where and why it is refused; holds no value of the event.
    """

    outcome: Outcome
    event_id: UUID | None
    idempotency_key: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    number: int
    name: str
    content_type: str
    content: bytes


_Asked = tuple[int, UUID, str, str, dict[str, Any], tuple[_File, ...]]
"""Place in the batch, event id, key, kind, payload, files."""


def accept_events(connection: psycopg.Connection[Any], agency: str, events: Sequence[Any]) -> list[Accepted]:
    """Store a batch in one statement; the answer is durable when this returns outside of a transaction.

    Args:
        connection: autocommit, or inside the caller's transaction.
        agency: the agency id.
        events: JSON objects, or models of `ams_etl.writeback.events.events`.

    Returns:
        One outcome for each, in order. The same key twice returns the same id, and nothing is doubled; the same key with
        another content is refused.
    """
    answers: list[Accepted | None] = []
    asked: list[_Asked] = []
    for place, given in enumerate(events):
        try:
            event = given if isinstance(given, Event) else read_event(given)
        except ValueError as error:
            key = given.get("idempotency_key") if isinstance(given, dict) else None
            answers.append(Accepted("refused", None, storable(key) if isinstance(key, str) else None, str(error)))
            continue
        payload, files = _parted(event)
        answers.append(None)
        asked.append((place, uuid4(), event.idempotency_key, event.kind, payload, files))
    if asked:
        stored = _store(connection, agency, asked)
        for place, _, key, kind, payload, _ in asked:
            event_id, new_place, known_kind, known_payload = stored[key]
            if (known_kind, known_payload) != (kind, payload):
                reason = "idempotency_key: another event was sent with this key before"
                answers[place] = Accepted("refused", event_id, key, reason)
            else:
                answers[place] = Accepted("accepted" if new_place == place else "repeated", event_id, key)
    return [answer for answer in answers if answer is not None]


def _parted(event: Any) -> tuple[dict[str, Any], tuple[_File, ...]]:
    """The event without the bytes of its files, and those; a hash stands for them, so that contents compare."""
    payload = event.model_dump(mode="json", exclude_none=True, exclude={"kind", "idempotency_key", "attachments"})
    if not isinstance(event, Email) or not event.attachments:
        return payload, ()
    files = tuple(
        _File(number, attachment.file_name, attachment.content_type, b64decode(attachment.content_base64))
        for number, attachment in enumerate(event.attachments)
    )
    payload["attachments"] = [
        {
            "file_name": file.name,
            "content_type": file.content_type,
            "bytes": len(file.content),
            "sha256": hashlib.sha256(file.content).hexdigest(),
        }
        for file in files
    ]
    return payload, files


def _store(
    connection: psycopg.Connection[Any],
    agency: str,
    asked: list[_Asked],
) -> dict[str, tuple[UUID, int | None, str, dict[str, Any]]]:
    """Key -> event id, the place in the batch that it was stored from now (None: known before), kind and payload."""
    files = [(event_id, file) for _, event_id, _, _, _, files_of_event in asked for file in files_of_event]
    place_of = {event_id: place for place, event_id, *_ in asked}
    rows = connection.execute(
        """with given as (
            select * from unnest(%(ids)s::uuid[], %(keys)s::text[], %(kinds)s::text[], %(payloads)s::jsonb[])
                with ordinality as g (event_id, idempotency_key, kind, payload, place)),
        stored as (
            insert into ops.events (agency, event_id, idempotency_key, kind, payload)
            select %(agency)s, event_id, idempotency_key, kind, payload from given order by place
            on conflict (agency, idempotency_key) do nothing returning event_id, idempotency_key, kind, payload),
        files as (
            insert into ops.event_attachments (agency, event_id, attachment_no, file_name, content_type, content)
            select %(agency)s, f.* from unnest(%(file_events)s::uuid[], %(file_numbers)s::int[], %(file_names)s::text[],
                %(file_types)s::text[], %(file_contents)s::bytea[]) f (event_id, no, name, type, content)
            where f.event_id in (select event_id from stored))
        select event_id, idempotency_key, kind, payload from stored
        union all
        select event_id, idempotency_key, kind, payload from ops.events
        where agency = %(agency)s and idempotency_key = any(%(keys)s)""",
        {
            "agency": agency,
            "ids": [event_id for _, event_id, *_ in asked],
            "keys": [key for _, _, key, *_ in asked],
            "kinds": [kind for _, _, _, kind, *_ in asked],
            "payloads": [Jsonb(payload) for *_, payload, _ in asked],
            "file_events": [event_id for event_id, _ in files],
            "file_numbers": [file.number for _, file in files],
            "file_names": [file.name for _, file in files],
            "file_types": [file.content_type for _, file in files],
            "file_contents": [file.content for _, file in files],
        },
    ).fetchall()
    missing = {key for _, _, key, *_ in asked} - {key for _, key, *_ in rows}
    if missing:
        # Stored by somebody else between this statement's beginning and its insert.
        rows += connection.execute(
            """select event_id, idempotency_key, kind, payload from ops.events
            where agency = %s and idempotency_key = any(%s)""",
            (agency, list(missing)),
        ).fetchall()
    return {key: (event_id, place_of.get(event_id), kind, payload) for event_id, key, kind, payload in rows}
