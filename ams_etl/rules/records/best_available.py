"""Whose value a field takes: the record's own, else one that a CustomerContact lends."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ams_etl.rules.records.ams360 import CustomerContact

T = TypeVar("T")


def in_order(contacts: Iterable[CustomerContact]) -> list[CustomerContact]:
    """CustomerContacts in SortOrder, those without one last, then by id."""
    return sorted(contacts, key=lambda one: (one.sort_order is None, one.sort_order or 0, one.contact_id))


def best_available(
    own: T, contacts: Sequence[CustomerContact], read: Callable[[CustomerContact], T], has: Callable[[T], bool] = bool
) -> tuple[T, CustomerContact | None]:
    """C1: the customer is the primary candidate; what it lacks comes, field by field, from its contacts in their order.

    An address is one field: the street of one record and the city of another are no address. So is a name.

    Returns:
        The value, and the contact that lent it.
    """
    if has(own):
        return own, None
    for contact in contacts:
        lent = read(contact)
        if has(lent):
            return lent, contact
    return own, None
