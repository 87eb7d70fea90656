"""Selects a field's value: the record's own, else the first one among its CustomerContacts."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ams_etl.rules.records.ams360 import CustomerContact

T = TypeVar("T")


def in_order(contacts: Iterable[CustomerContact]) -> list[CustomerContact]:
    """Return CustomerContacts in SortOrder, those without one last, then by id."""
    return sorted(
        contacts, key=lambda contact: (contact.sort_order is None, contact.sort_order or 0, contact.contact_id)
    )


def best_available(
    own: T, contacts: Sequence[CustomerContact], read: Callable[[CustomerContact], T], has: Callable[[T], bool] = bool
) -> tuple[T, CustomerContact | None]:
    """C1: Return the customer's own value, else that of the first CustomerContact that has one.

    An address is one field, so that no street of one record meets the city of another. So is a name.

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
