"""Suppression by hand: a person decided that nobody writes to a contact (N17)."""

from collections.abc import Container, Sequence
from dataclasses import replace

from ams_etl.rules.model import Candidate, Contact, Finding

BY_HAND = "by_hand"
"""The `suppressed_reason` of such a contact."""
Keys = Container[tuple[str, str, str]]
"""(system, entity, entity_id) of records whose contact a person suppressed."""


def suppress_by_hand(contact: Contact, suppressed: Keys) -> Contact:
    """N17: Return the contact, suppressed when a person suppressed the contact of any of its records.

    A mark of the source is the graver reason: it stays when the person releases the contact.
    """
    if contact.suppressed_reason is not None or not explain_by_hand(contact.sources, suppressed):
        return contact
    return replace(contact, suppressed_reason=BY_HAND)


def explain_by_hand(members: Sequence[Candidate], suppressed: Keys) -> tuple[Finding, ...]:
    """Say that a person suppressed the contact of these members, beside whatever mark there is; nothing where nobody did."""
    return tuple(
        Finding(
            "contact", members[0].entity_id, "suppressed_reason", BY_HAND, "N17", member.entity, member.entity_id,
            "suppressions",
        )
        for member in members if (member.system, member.entity, member.entity_id) in suppressed
    )[:1]  # fmt: skip
