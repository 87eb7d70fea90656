"""Postal addresses."""

from ams_etl.rules.model import Address
from ams_etl.rules.records.ams360 import Customer, CustomerContact


def address_of(record: Customer | CustomerContact) -> Address:
    """A record's postal address, as given."""
    return Address(record.address1, record.address2, record.city, record.state, record.postal_code, record.country)


def is_filled(address: Address) -> bool:
    """Whether an address leads anywhere: a state or country alone does not."""
    return bool(address.address1 or address.city or address.postal_code)
