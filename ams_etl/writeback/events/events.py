"""What the platform tells us: one model a kind of event, strict, published as `docs/events.schema.json`.

Holds the shape of events. Does not hold what is written because of them (`ams_etl.rules.writeback.writes`).
"""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ams_etl.writeback.events.fields import (
    Address,
    Base64,
    CustomerNumber,
    Day,
    Direction,
    Key,
    Line,
    Link,
    MediaType,
    Moment,
    PolicyDay,
    PolicyNumber,
    RecordType,
    Targets,
    Text,
    WholeKey,
    Zone,
    is_storable,
    storable,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Actor(_Strict):
    """The platform user who did it."""

    name: Line
    id: Key | None = None


_NAMES_SOMEBODY = ("customer_id", "customer_number", "contact_id", "email", "account_id")


class ContactReference(_Strict):
    """The contact of an event, by the first member present: customer_id, customer_number, contact_id, email (W11).

    An account_id names the account in either system; where AMS360 has it, it serves as the customer_id.
    """

    customer_id: UUID | None = None
    """AMS360's CustomerId."""
    customer_number: CustomerNumber | None = None
    contact_id: UUID | None = None
    """As in `mart.contacts`."""
    email: Address | None = None
    account_id: UUID | None = None
    """As in `mart.accounts`, or a former one (B7)."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [member], "properties": {member: {"not": {"type": "null"}}}} for member in _NAMES_SOMEBODY
            ]
        }
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> "ContactReference":
        if all(getattr(self, member) is None for member in _NAMES_SOMEBODY):
            raise ValueError("expected a customer_id, customer_number, contact_id, email or account_id")
        return self


class Properties(_Strict):
    """What is known of a contact; what is left out, null or blank is not touched (W4)."""

    email: str | None = None
    cell_phone: str | None = None
    home_phone: str | None = None
    business_phone: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    county: str | None = None
    country: str | None = None
    birthday: Day | None = None
    occupation: str | None = None
    marital_status: str | None = None
    website: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None


class Attachment(_Strict):
    """A file; its bytes travel as base64 and are kept apart from the event."""

    file_name: Line
    content_type: MediaType
    content_base64: Base64


class Event(_Strict):
    """What every event says."""

    kind: str
    idempotency_key: WholeKey
    """The sender's own: the same key twice is the same event."""
    occurred_at: Moment
    actor: Actor
    link: Link | None = None
    """To the conversation in the platform."""
    timezone: Zone | None = None
    """In which AMS360's times are meant; left out: the setting `writeback.timezone`."""


class _About(Event):
    contact: ContactReference


class Note(_About):
    """A note (W1)."""

    kind: Literal["note"]
    text: Text


class _Conversation(_About):
    properties: Properties | None = None
    """What was found in it about the customer (W4)."""


class Email(_Conversation):
    """An email, whole (W3)."""

    kind: Literal["email"]
    subject: Annotated[str, Field(max_length=2000)] = ""
    text: Text
    direction: Direction = "outbound"
    attachments: tuple[Attachment, ...] = ()


class Call(_Conversation):
    """A phone call (W3)."""

    kind: Literal["call"]
    summary: Text
    call_type: Line | None = None
    """Maps to an activity action: setting `activity_actions`."""
    direction: Direction | None = None


class TextMessage(_Conversation):
    """A text message, in or out."""

    kind: Literal["text"]
    text: Text
    direction: Direction


class HandwrittenCard(_About):
    """A handwritten card."""

    kind: Literal["handwritten_card"]
    text: Text


class Meeting(_Conversation):
    """A meeting."""

    kind: Literal["meeting"]
    summary: Text


class VoiceNote(_Conversation):
    """A voice note."""

    kind: Literal["voice_note"]
    summary: Text


class TicketConversation(_Strict):
    """The conversation that a ticket came from."""

    kind: Literal["email", "call", "text", "meeting", "voice_note"]
    summary: Text
    link: Link | None = None
    direction: Direction | None = None
    call_type: Line | None = None


class TicketCreated(_About):
    """Something to do (W5)."""

    kind: Literal["ticket_created"]
    ticket_id: Key
    title: Line
    description: Text = ""
    due_at: Moment
    assignee: Actor | None = None
    conversation: TicketConversation | None = None


class TicketCompleted(Event):
    """It is done (W5)."""

    kind: Literal["ticket_completed"]
    contact: ContactReference | None = None
    """Not needed: the ticket knows."""
    ticket_id: Key


class _Person(_About):
    record_type: RecordType = "personal"
    account_name: Line | None = None
    """The firm that a commercial contact belongs to (W6)."""
    properties: Properties = Properties()


class DealCreated(_Person):
    """A deal begins (W7)."""

    kind: Literal["deal_created"]
    deal_id: Key
    name: Line


class WonPolicy(_Strict):
    """What is known of the policy at that time."""

    number: PolicyNumber | None = None
    effective_date: PolicyDay | None = None
    expiration_date: PolicyDay | None = None
    """Not before the effective_date."""
    description: str | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "WonPolicy":
        if self.effective_date and self.expiration_date and self.expiration_date < self.effective_date:
            raise ValueError("expected an expiration_date on or after the effective_date")
        return self


class DealWon(_Person):
    """A deal is closed and won (W8)."""

    kind: Literal["deal_won"]
    deal_id: Key
    name: Line
    policy: WonPolicy = WonPolicy()


class ContactCreated(_Person):
    """A contact was created in the platform (W6)."""

    kind: Literal["contact_created"]
    targets: Targets | None = None
    """Where it is created (B7); left out: AMS360 alone. BenefitPoint makes a commercial one a group account."""


class ContactUpdated(_About):
    """A contact was changed in the platform (W4)."""

    kind: Literal["contact_updated"]
    properties: Properties
    targets: Targets | None = None
    """Of the systems that its account is synced with, those that shall have it; left out: all of them (B7)."""


class PropertiesFound(_About):
    """A conversation revealed something about the customer (W4)."""

    kind: Literal["properties_found"]
    properties: Properties


class NameChanged(_About):
    """A contact's name was changed in the platform: kept here, not written to AMS360 (N12)."""

    kind: Literal["name_changed"]
    first_name: Line | None = None
    last_name: Line | None = None
    nickname: Line | None = None


class ConsentChanged(Event):
    """Somebody allowed or refused to be written to: kept for this channel and address, not written to AMS360."""

    kind: Literal["consent_changed"]
    channel: Literal["email", "text", "phone", "mail"]
    address: Line
    """An email, a phone number, or for mail a contact_id."""
    answer: Literal["yes", "no"]


AnyEvent = Annotated[
    Note | Email | Call | TextMessage | HandwrittenCard | Meeting | VoiceNote | TicketCreated | TicketCompleted
    | DealCreated | DealWon | ContactCreated | ContactUpdated | PropertiesFound | NameChanged | ConsentChanged,
    Field(discriminator="kind"),
]  # fmt: skip
EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def read_event(given: Any) -> AnyEvent:
    """Return an event from JSON's own types.

    Raises:
        ValueError: it is not a valid event; the message says where, and repeats no value.
    """
    key = given.get("idempotency_key") if isinstance(given, dict) else None
    if isinstance(key, str) and not is_storable(key):
        raise ValueError("idempotency_key: expected no control characters and no half of a surrogate pair")
    try:
        return EVENTS.validate_json(json.dumps(_storable(given)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the event"
        more = error.error_count() - 1
        raise ValueError(f"{place}: {first['msg']}" + (f" (and {more} more)" if more else "")) from None
    except (TypeError, RecursionError):
        raise ValueError("the event: expected a JSON object") from None


def schema() -> dict[str, Any]:
    """JSON Schema of all events."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Platform events",
        **EVENTS.json_schema(),
    }


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key) if isinstance(key, str) else key: _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return value
