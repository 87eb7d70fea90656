"""A raw record of a JSON system."""

from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record as received, without the dropped members. `customer_id` is its customer's id, or None."""

    entity_id: str
    customer_id: str | None
    payload: Payload
