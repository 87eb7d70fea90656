"""Decides whether a customer is personal, commercial or both."""

from ams_etl.rules.model import RecordType
from ams_etl.rules.records.ams360 import Customer


def record_type_of(customer: Customer) -> RecordType:
    """C4: Return the type that IsCommercial and IsPersonal say; with neither, commercial if only a Firm Name is set."""
    if customer.is_commercial:
        return "both" if customer.is_personal else "commercial"
    if customer.is_personal:
        return "personal"
    return "commercial" if customer.firm_name and not customer.last_name else "personal"
