"""Stable ids (M3).

A candidate's id is a function of its source record's key. A contact's id is the id of its longest-known member
(`first_seen_at`, then the id itself), so it survives syncs, stays with the oldest on a merge and with the first
source on a split, and a rebuild from the same records has the same ids (M4).
"""

from uuid import UUID, uuid5

_NAMESPACE = UUID("6f0c6f3e-2f0a-5b5e-9d53-0b3d5f2a7c11")


def candidate_id(agency: str, system: str, entity: str, entity_id: str) -> UUID:
    """The id of the source record `entity` / `entity_id` of `system` in this agency."""
    return uuid5(_NAMESPACE, "\x1f".join((agency, system, entity, entity_id)))


def is_uuid(text: str) -> bool:
    """Whether a text that a person gave can be one of our ids, or one of AMS360's, which have the same form."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
