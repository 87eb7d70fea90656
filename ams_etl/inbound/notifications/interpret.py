"""What is stored becomes understood: `received` to `pending`, `ignored` or `parked`, and `parked` once more on replay.

One body may hold several notifications: the first is in the body's own row, the others in rows that name it.
A batch is one transaction; rows that another process has in hand are left to it.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ams_etl.inbound.notifications.classify import ParkedNotification, Part, understand
from ams_etl.inbound.notifications.mapping import NotificationMapping
from ams_etl.inbound.notifications.sealing import BodySeal

BATCH = 500
CAPTURED = "captured"
_ENCRYPTED: tuple[Part, ...] = (
    ParkedNotification(
        "the body was encrypted with a key that is not set: set it as inbound.body_key_env says, then replay"
    ),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """How one agency's notifications are read."""

    agency_no: str
    mapping: NotificationMapping
    seal: BodySeal = field(default_factory=lambda: BodySeal(None, "inbound.body_key_env"))


@dataclass(frozen=True, slots=True)
class _Body:
    agency: str
    notification_id: int
    content_type: str | None
    body: bytes


def understand_received(connection: psycopg.Connection[Any], readers: Mapping[str, Reader]) -> Counter[str]:
    """Understand a batch of what was received, oldest first.

    Args:
        connection: autocommit.
        readers: by agency id; other agencies' rows stay as they are.

    Returns:
        How many notifications came to each state; empty when nothing was left to do.
    """
    with connection.transaction():
        bodies = connection.execute(
            """select agency, notification_id, content_type, coalesce(body, '') from ops.notifications
            where state = 'received' and agency = any(%s) and part = 0
            order by notification_id limit %s for update skip locked""",
            (list(readers), BATCH),
        ).fetchall()
        return _settle(connection, [_Body(*row) for row in bodies], readers)


def replay_parked(connection: psycopg.Connection[Any], agency: str, reader: Reader) -> Counter[str]:
    """Understand an agency's parked notifications again, after its mapping was mended or a capture has ended.

    Args:
        connection: autocommit.
        agency: the agency id.
        reader: how they are read now.

    Returns:
        How many of them came to each state; those that stay parked get their reason of today. One whose syncs failed has
        all its attempts again; one whose body is forgotten stays as it is.
    """
    counts: Counter[str] = Counter()
    last = 0
    while True:
        with connection.transaction():
            bodies = connection.execute(
                """select agency, notification_id, content_type, body from ops.notifications whole
                where agency = %(agency)s and notification_id > %(last)s and part = 0 and body is not null
                  and notification_id in (select coalesce(part_of, notification_id) from ops.notifications
                                          where agency = %(agency)s and state = 'parked')
                order by notification_id limit %(limit)s for update skip locked""",
                {"agency": agency, "last": last, "limit": BATCH},
            ).fetchall()
            if not bodies:
                return counts
            last = bodies[-1][1]
            counts += _settle(connection, [_Body(*row) for row in bodies], {agency: reader})


def _settle(
    connection: psycopg.Connection[Any], bodies: Sequence[_Body], readers: Mapping[str, Reader]
) -> Counter[str]:
    if not bodies:
        return Counter()
    known = set(
        connection.execute(
            "select part_of, part from ops.notifications where part_of = any(%s)",
            ([body.notification_id for body in bodies],),
        ).fetchall()
    )
    updates: list[tuple[Any, ...]] = []
    inserts: list[tuple[Any, ...]] = []
    for body in bodies:
        reader = readers[body.agency]
        opened = reader.seal.opened(body.body)
        parts = _ENCRYPTED if opened is None else understand(opened, body.content_type, reader.mapping)
        for place, part in enumerate(parts):
            row = (body.agency, body.notification_id, place, *_columns(part, reader.agency_no))
            (updates if place == 0 or (body.notification_id, place) in known else inserts).append(row)
        gone = ParkedNotification("the body holds fewer notifications, as it is read now")
        updates += [
            (body.agency, body.notification_id, place, *_columns(gone, reader.agency_no))
            for whole, place in known
            if whole == body.notification_id and place >= len(parts)
        ]
    counts: Counter[str] = Counter(state for _, _, _, state, *_ in inserts)
    for state, count in connection.execute(
        f"""with interpreted as (
            update ops.notifications n
            set state = x.state, reason = x.reason, object_type = x.object_type, change = x.change, keys = x.keys::jsonb,
                settled_at = case when x.state = 'ignored' then now() end, attempts = 0, not_before = null
            from {_rows("x")}
            where n.agency = x.agency and n.state in ('received', 'parked')
              and n.notification_id = case when x.part = 0 then x.whole else (
                  select notification_id from ops.notifications p where p.part_of = x.whole and p.part = x.part) end
            returning n.state)
        select state, count(*) from interpreted group by state""",
        _arrays(updates),
    ):
        counts[state] += count
    if inserts:
        connection.execute(
            f"""insert into ops.notifications
                (agency, received_at, part_of, part, state, reason, object_type, change, keys, settled_at)
            select x.agency, n.received_at, x.whole, x.part, x.state, x.reason, x.object_type, x.change, x.keys::jsonb,
                case when x.state = 'ignored' then now() end
            from {_rows("x")} join ops.notifications n on n.agency = x.agency and n.notification_id = x.whole
            order by x.whole, x.part""",
            _arrays(inserts),
        )
    return counts


def _columns(part: Part, agency_no: str) -> tuple[str, str | None, str | None, str | None, str | None]:
    """State, reason, object_type, change and keys."""
    if isinstance(part, ParkedNotification):
        return "parked", part.reason, None, None, None
    if part.agency_no is not None and part.agency_no != agency_no:
        return "parked", "the body names another agency number than ams360.agency_no", None, None, None
    state, reason = ("pending", None) if part.is_used else ("ignored", "nothing here uses this type")
    return state, reason, part.object_type, part.change, json.dumps(dict(part.keys))


_TYPES = ("text", "bigint", "int", "text", "text", "text", "text", "text")


def _rows(alias: str) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
    return f"unnest({arrays}) as {alias}(agency, whole, part, state, reason, object_type, change, keys)"


def _arrays(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in _TYPES]
