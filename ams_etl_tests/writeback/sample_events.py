"""Events as a platform sends them."""

from base64 import b64encode
from typing import Any
from uuid import uuid4

ACTOR = {"id": "user-1", "name": "Ann Lee"}


def event(kind: str, customer_id: str | None = None, /, **more: Any) -> dict[str, Any]:
    """An event of this kind with what it needs, about a customer of AMS360; None takes a member away."""
    given: dict[str, Any] = {
        "kind": kind,
        "idempotency_key": f"key-{uuid4()}",
        "occurred_at": "2026-06-01T18:30:00Z",
        "actor": ACTOR,
        "link": "https://platform.example/c/1",
        **({"contact": {"customer_id": customer_id}} if customer_id else {}),
        **_NEEDS.get(kind, {}),
        **more,
    }
    return {name: value for name, value in given.items() if value is not None}


def file(name: str, content: bytes, content_type: str = "application/pdf") -> dict[str, str]:
    """An attachment."""
    return {"file_name": name, "content_type": content_type, "content_base64": b64encode(content).decode()}


_NEEDS: dict[str, dict[str, Any]] = {
    "note": {"text": "Prefers mornings."},
    "email": {"subject": "Renewal", "text": "Dear Jo,\nsee below."},
    "call": {"summary": "Asked about the bill.", "call_type": "billing"},
    "text": {"text": "On my way", "direction": "inbound"},
    "handwritten_card": {"text": "Happy birthday!"},
    "meeting": {"summary": "Went through the renewal."},
    "voice_note": {"summary": "Call back."},
    "ticket_created": {
        "ticket_id": "T-1", "title": "Send the certificate", "due_at": "2026-06-03T13:45:00Z",
        "conversation": {"kind": "call", "summary": "Needs a certificate."},
    },
    "ticket_completed": {"ticket_id": "T-1"},
    "deal_created": {"deal_id": "D-1", "name": "Home and auto"},
    "deal_won": {"deal_id": "D-1", "name": "Home and auto"},
    "contact_updated": {"properties": {"email": "new@example.com"}},
    "properties_found": {"properties": {"occupation": "Baker"}},
    "name_changed": {"first_name": "Jo"},
    "consent_changed": {"channel": "email", "address": "Jo@Example.com", "answer": "no"},
}  # fmt: skip
