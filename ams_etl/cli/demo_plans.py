"""New plans in the demo's BenefitPoint: two become policies of AMS360, one waits for a code (B5)."""

import json
import urllib.request
from datetime import UTC, datetime
from typing import Any

import psycopg

CODES: dict[str, dict[str, str]] = {
    "carriers": {"Anthem": "ANT", "Delta Dental": "DEL", "Guardian": "GRD", "MetLife": "MET"},
    "lines_of_business": {"Medical": "MED", "Dental": "DENT", "Vision": "VIS", "Life": "LIFE"},
}
"""What the demo agency's settings map; the other carriers have no code yet."""
_PLANS = (
    {"productTypeID": 1, "name": "Medical PPO", "carrierID": 1, "totalEstimatedMonthlyPremium": 8450.0},
    {"productTypeID": 2, "name": "Dental PPO", "carrierID": 3, "totalEstimatedMonthlyPremium": 912.5},
    {"productTypeID": 3, "name": "Vision", "carrierID": 7, "totalEstimatedMonthlyPremium": 140.25},
)
"""Of Anthem and Delta Dental, and of VSP, which nobody has mapped."""


def add_demo_plans(connection: psycopg.Connection[Any], agency: str, base: str) -> list[str]:
    """Add a plan to each of a few linked accounts, as a person in BenefitPoint would, unless it was done before.

    Args:
        connection: autocommit; accounts are published.
        agency: the agency id.
        base: the sandboxes' address.

    Returns:
        The AMS360 customers of those accounts.
    """
    done = connection.execute(
        """select from ops.writebacks where agency = %(agency)s and kind = 'benefitpoint_plan'
        union all select from ops.waiting_plans where agency = %(agency)s""",
        {"agency": agency},
    ).fetchone()
    if done is not None:
        return []
    rows = connection.execute(
        """select ams360_customer_id, benefitpoint_account_id from mart.accounts
        where agency = %s and ams360_synced and benefitpoint_synced and is_active
        order by classification is distinct from 'group', benefitpoint_account_id limit %s""",
        (agency, len(_PLANS)),
    ).fetchall()
    begins = datetime.now(UTC).date().replace(day=1)
    for (_, account_id), plan in zip(rows, _PLANS, strict=False):
        fields = {
            **plan, "accountID": account_id, "productStatus": "Current", "officeID": 1, "primarySalesLeadUserID": 2,
            "primaryServiceLeadUserID": 4, "policyNumber": f"G-{account_id}-{plan['productTypeID']}",
            "effectiveAsOf": f"{begins}T00:00:00.000Z",
            "renewalOn": f"{begins.replace(year=begins.year + 1)}T00:00:00.000Z",
        }  # fmt: skip
        edit = {"entity": "products", "op": "insert", "key": None, "fields": fields, "at": None}
        with urllib.request.urlopen(  # noqa: S310 - our own sandbox
            f"{base}/sandbox/benefitpoint/edit", data=json.dumps(edit).encode(), timeout=30
        ):
            pass
    return [customer_id for customer_id, _ in rows]
