"""Postal addresses."""

from ams_etl.rules.model import Address
from ams_etl.rules.records.ams360 import Customer, CustomerContact


def address_of(record: Customer | CustomerContact) -> Address:
    """Return a record's postal address, as given."""
    return Address(record.address1, record.address2, record.city, record.state, record.postal_code, record.country)


def is_filled(address: Address) -> bool:
    """Return whether an address can be used; a state or country alone cannot."""
    return bool(address.address1 or address.city or address.postal_code)
