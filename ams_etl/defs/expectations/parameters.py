"""What a suite may name instead of writing it down: an agency's own values in its query, and sets of words."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ams_etl.settings import Agency
from ams_etl.settings.systems import SYSTEM_NAMES
from ams_etl.store.agency_db import with_values
from ams_etl.sync.accounts import quality as accounts
from ams_etl.sync.contacts.quality import crosswalk_of

NAMED_QUERIES = ("source_records", "shared_account_ids", "account_records", "linked_account_values")
"""Queries that ams_etl has, since they differ between systems or are long."""
PLACEHOLDERS = ("agency", "today", "merges_by_email")
"""What `{…}` in a query may be."""


def query_of(query: str, agency: Agency, today: date) -> str:
    """Return the SQL of a suite's query for an agency."""
    match query.strip():
        case "source_records":
            return crosswalk_of(agency.id, agency.settings)
        case "shared_account_ids":
            return with_values(accounts.SHARED_IDS, agency=agency.id)
        case "account_records":
            return with_values(accounts.ACCOUNTED, agency=agency.id)
        case "linked_account_values":
            return with_values(accounts.VALUES, agency=agency.id)
    values = (agency.id, str(today), "true" if agency.settings.merge_by == "email" else "false")
    sql = query
    # Not `format`: braces are JSON paths and regular expressions in SQL, too.
    for name, value in zip(PLACEHOLDERS, values, strict=True):
        sql = sql.replace(f"{{{name}}}", value)
    # Great Expectations makes a subquery of it, where a semicolon is a mistake.
    return sql.strip().rstrip(";")


def parameters_of(agency: Agency) -> Mapping[str, Any]:
    """Return what `$PARAMETER` may name in an expectation."""
    return {
        "default_tags": [
            SYSTEM_NAMES[agency.system], *(["BenefitPoint"] if agency.settings.benefitpoint_contacts else ()),
            "Client", "Inactive", "Commercial", "Personal", "Personal Prospect", "Commercial Prospect", "Winback",
            *(("Active Client", "Past Client") if agency.system == "mycase" else ()),
        ]
    }  # fmt: skip
