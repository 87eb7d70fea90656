"""What an agency chooses about writeback (W): one frozen dataclass, filled from agencies.yaml."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar, Literal

from ams_etl.rules.immutable import immutable

DEFAULT_ACTIONS: Mapping[str, str] = {
    "email": "E-mail Out",
    "email.inbound": "E-mail In",
    "email.outbound": "E-mail Out",
    "call": "Telephone Out",
    "call.inbound": "Telephone In",
    "call.outbound": "Telephone Out",
    "text": "Text Message",
    "text.inbound": "Text Message",
    "text.outbound": "Text Message",
    "handwritten_card": "Letter",
    "meeting": "Appointment",
    "voice_note": "Voice Note",
}
"""W3: activity actions where the setting `activity_actions` has none, by kind and direction.

E-mail, telephone and appointment are the names that Vertafore's own products write. AMS360 lists no actions, and names none
for the others.
"""

TEXT_LIMITS: Mapping[str, int] = {
    "CustomerActivity.Description": 8000,
    "CustomerNote.NoteText": 8000,
    "CustomerSuspense.Description": 500,
    "Policy.Description": 250,
}
"""Characters a field takes. AMS360's contract tells none, so these are cautious, and a setting."""

SHORTEST_TEXT = 60
"""A limit below this leaves no room for a heading, a link and a word."""


@immutable(frozen=True, slots=True)
class WritebackSettings:
    """One agency's choices about what is written to AMS360, and how."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    timezone: str | None = None
    """The zone of AMS360's dates and times, which have none. Where neither it nor `schedule.timezone` is given, and the event
    names none, what carries a time waits."""
    long_text: Literal["split", "truncate"] = "split"
    """A text beyond its field's limit: several records, or one that ends in a visible mark."""
    text_limits: Mapping[str, int] = field(default_factory=dict)
    """`Type.Member` -> characters, where an agency knows better than `TEXT_LIMITS`."""
    max_parts: int = 10
    """A text is split into at most so many records; the last one then ends in the mark."""
    properties: tuple[str, ...] = (
        "email", "cell_phone", "home_phone", "business_phone", "address1", "address2", "city", "state", "postal_code",
        "county", "country", "birthday", "occupation", "marital_status", "website", "company_name",
    )  # fmt: skip
    """W4: the contact properties that may be written to a customer; people's names are left out on purpose (N12)."""
    attachment_max_bytes: int = 20 * 1024 * 1024
    attachments_max_bytes: int = 50 * 1024 * 1024
    """Of one event together."""
    attachment_types: tuple[str, ...] = ()
    """Content types that are uploaded; empty: all."""
    chunk_bytes: int = 512 * 1024
    suspense_action: str | None = None
    shell_days: int = 365
    """W8: the term of a policy shell that names no end."""
    max_attempts: int = 14
    """With the back-off below, four to five hours of outage."""
    first_retry_seconds: float = 5.0
    longest_retry_seconds: float = 3600.0
    look_up_after_seconds: float = 30.0
    """W9: how long after a lost reply the record is looked up; a call may still be under way."""
    wait_days: int = 14
    """How long an event waits for a contact or ticket that is not known yet."""
    keep_files_days: int = 30
    """Files of events whose writes are all delivered are forgotten after so long."""
    max_wait_minutes: int = 60
    """A write that is open for longer fails the check."""
    max_failed_share: float = 0.05
    """Of a day's settled writes."""
