"""Collect the names that a batch of events sets on contacts (N12): kept in `ops.name_overrides`, not written to AMS360."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.store.name_overrides import NameGiven, add_names

_PARTS = ("first_name", "last_name", "nickname")


@dataclass(slots=True)
class NewNames:
    """Contact id -> the parts of its name that events changed, the last word counting."""

    _given: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, contact_id: str, payload: Mapping[str, Any]) -> None:
        """Take the name of a `name_changed` event."""
        parts = {part: payload[part] for part in _PARTS if part in payload}
        self._given.setdefault(contact_id, {}).update(parts, set_by=payload["actor"]["name"])

    def store(self, connection: psycopg.Connection[Any], agency: str) -> None:
        """Store the names; a trigger has the contacts planned again."""
        if self._given:
            names = [
                NameGiven(UUID(contact), *(given.get(part) for part in (*_PARTS, "set_by")))
                for contact, given in self._given.items()
            ]
            add_names(connection, agency, names)
