"""Events of the outbox, read and checked for the rules."""

import logging
import traceback
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import psycopg

from ams_etl.rules.writeback.model import Happening
from ams_etl.settings import Agency
from ams_etl.writeback.events.events import read_event
from ams_etl.writeback.outbox.enqueue import NewWrite

_log = logging.getLogger(__name__)
_IDS = UUID("5f0b6e0e-6c5b-5d0a-9a53-1f1f5b0a4c11")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of `ops.events`."""

    event_id: UUID
    kind: str
    idempotency_key: str
    payload: dict[str, Any]
    looked: int
    received_at: datetime


@dataclass(slots=True)
class ReadableEvent:
    """An event, and what becomes of it: its state, and its writes with the system that each goes to.

    Attributes:
        error: why it waits or is refused.
        note: what of it is not written, and why.
        has_zone: whether the happening's times are meant in a zone that the event or the agency says.
    """

    event_id: UUID
    kind: str
    payload: dict[str, Any]
    looked: int
    received_at: datetime
    happening: Happening | None = None
    has_zone: bool = True
    state: str = "planned"
    error: str | None = None
    note: str | None = None
    writes: list[tuple[str, NewWrite]] = field(default_factory=list)

    @property
    def reference(self) -> dict[str, Any]:
        """Return the contact that it is about, as it says."""
        return self.payload.get("contact") or {}

    @property
    def given_email(self) -> str | None:
        """A created contact's own email; the one that an update brings is new, and names nobody yet."""
        if self.kind in {"contact_created", "deal_created", "deal_won"}:
            found: str | None = (self.payload.get("properties") or {}).get("email")
            return found
        return None

    @property
    def goes_to_ams360(self) -> bool:
        """Whether AMS360 is among its targets; without targets it is."""
        return "ams360" in (self.payload.get("targets") or ("ams360",))

    def refuse(self, error: str) -> None:
        """Nothing of it is written."""
        self.state, self.error, self.note, self.writes = "refused", error, None, []

    def refuse_for(self, error: Exception) -> None:
        """W14: Refuse this event alone, with the exception's type and place; its message may hold personal data."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"cannot be planned: {type(error).__name__} in {place.name}, line {place.lineno}"
        _log.error("event %s %s", self.event_id, reason)
        self.refuse(reason)

    def wait(self, waits_for: str, agency: Agency) -> None:
        """Look again later; give up on a contact or ticket after the days that the agency set."""
        if waits_for == "timezone":
            self.state = "waiting"
            self.error = (
                "set `writeback.timezone` of the agency: AMS360 takes times without a zone, and nothing says which"
            )
        elif datetime.now(UTC) - self.received_at > timedelta(days=agency.writeback.wait_days):
            self.refuse(f"its {waits_for} has not become known within {agency.writeback.wait_days} days")
        else:
            self.state, self.error = "waiting", f"its {waits_for} is not known yet"


def writeback_id_of(event_id: UUID, number: int) -> UUID:
    """The id of an event's write to AMS360 by its place: always the same."""
    return uuid5(_IDS, f"{event_id}/{number}")


def marker_of(event_id: UUID) -> str:
    """What an event's suspense or policy is found by again: short, since people see it."""
    return f"[#{uuid5(_IDS, str(event_id)).hex[:10]}]"


def understand(
    connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo | None, stored: list[StoredEvent]
) -> list[ReadableEvent]:
    """Check what may have been inserted by hand, and read it for the rules. The files are those that there are.

    Args:
        connection: any; all files are named in one query.
        agency: the agency and its choices.
        zone: `schedule.timezone`, if it is set; used where `writeback.timezone` is not.
        stored: the events, in their order.
    """
    files: Mapping[UUID, list[dict[str, Any]]] = defaultdict(list)
    for event_id, name, content_type, size in connection.execute(
        """select event_id, file_name, content_type, length(content) from ops.event_attachments
        where agency = %s and event_id = any(%s) order by attachment_no""",
        (agency.id, [event.event_id for event in stored]),
    ):
        files[event_id].append({"file_name": name, "content_type": content_type, "bytes": size})
    of_agency = ZoneInfo(agency.writeback.timezone) if agency.writeback.timezone else zone
    events = []
    for row in stored:
        kind = row.kind
        event = ReadableEvent(row.event_id, kind, row.payload, row.looked, row.received_at)
        events.append(event)
        try:
            bare = {name: value for name, value in row.payload.items() if name != "attachments"}
            read = read_event({**bare, "kind": kind, "idempotency_key": row.idempotency_key})
        except (ValueError, AttributeError, TypeError) as error:
            event.refuse(str(error))
            continue
        event.payload = read.model_dump(mode="json", exclude_none=True)
        try:
            own = event.payload.get("timezone")
            wall = ZoneInfo(own) if own else of_agency
            event.has_zone = wall is not None
            happening = Happening.from_payload(kind, event.payload, wall or UTC)
        except Exception as error:  # noqa: BLE001 - W14: one event that the rules fail on must not hold up the others
            event.refuse_for(error)
            continue
        event.happening = replace(happening, attachments=tuple(files.get(row.event_id, ())))
    return events
