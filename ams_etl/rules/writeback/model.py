"""What the writeback rules (W) are given and what they give: happenings of the platform, and writes to AMS360."""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime, tzinfo
from typing import Any, Literal, Self

from ams_etl.rules.immutable import immutable

Operation = Literal["note", "activity", "suspense", "complete_suspense", "customer", "update_customer", "policy"]
Payload = Mapping[str, Any]

CONVERSATIONS = frozenset({"email", "call", "text", "handwritten_card", "meeting", "voice_note"})


@immutable(frozen=True, slots=True)
class Happening:
    """An event as the rules see it; its times are wall times of the agency, as AMS360's are."""

    kind: str
    at: datetime
    actor_name: str
    actor_id: str | None = None
    link: str | None = None
    text: str = ""
    subject: str = ""
    direction: str | None = None
    call_type: str | None = None
    attachments: tuple[Payload, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    record_type: str = "personal"
    account_name: str | None = None
    due: datetime | None = None
    assignee_id: str | None = None
    conversation: "Happening | None" = None
    policy: Payload = field(default_factory=dict)

    @classmethod
    def from_payload(cls, kind: str, payload: Payload, zone: tzinfo) -> Self:
        """Read an accepted event's payload."""
        get = payload.get
        talk = get("conversation")
        return cls(
            kind=kind,
            at=_wall(payload["occurred_at"], zone),
            actor_name=payload["actor"]["name"],
            actor_id=payload["actor"].get("id"),
            link=get("link"),
            text=get("text") or get("summary") or get("description") or "",
            subject=get("subject") or get("title") or get("name") or "",
            direction=get("direction"),
            call_type=get("call_type"),
            attachments=tuple(get("attachments") or ()),
            properties={name: str(value).strip() for name, value in (get("properties") or {}).items()},
            record_type=get("record_type") or "personal",
            account_name=get("account_name"),
            due=_wall(payload["due_at"], zone) if get("due_at") else None,
            assignee_id=(get("assignee") or {}).get("id"),
            conversation=cls.from_payload(talk["kind"], {**payload, **_NOTHING, **talk}, zone) if talk else None,
            policy=get("policy") or {},
        )


# A ticket's conversation shares its contact, actor, time and link, and nothing that is the ticket's own.
_NOTHING: Payload = {"conversation": None, "description": None, "title": None, "due_at": None, "assignee": None}


@immutable(frozen=True, slots=True)
class Write:
    """One record to be written: `request` holds it under AMS360's own names, without the customer's id."""

    operation: Operation
    request: dict[str, Any]
    after: int | None = None
    """The place, in the same event's list, of the write that must be delivered first."""


@immutable(frozen=True, slots=True)
class Employees:
    """W2: the AMS360 codes of the people concerned, where the user mapping knows them."""

    actor: str | None = None
    assignee: str | None = None


def moment(value: datetime | date) -> str:
    """As AMS360 takes dates and times: without zone."""
    return f"{value.isoformat()[:19]}" if isinstance(value, datetime) else f"{value.isoformat()}T00:00:00"


def _wall(text: str, zone: tzinfo) -> datetime:
    return datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None, microsecond=0)
