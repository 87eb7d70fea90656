"""What benefit plans wait for: a list like every other one, with the lines that the settings lack."""

from typing import Any

import psycopg

from ams_etl_tests.pages.forms import column
from ams_etl_tests.pages.pages_process import Visitor


def test_the_list_is_paged_filtered_and_exported(viewer: Visitor, stored: psycopg.Connection[Any]) -> None:
    """Plans that wait for one thing are one row; a plan without a date waits without an id."""
    stored.execute("delete from ops.waiting_plans where agency = 'acme'")
    stored.execute(
        """insert into ops.waiting_plans (agency, benefitpoint_plan_id, waits_for, account_id, benefitpoint_id, name, reason)
        select 'acme', n, 'carrier', gen_random_uuid(), n / 2, 'Carrier ' || n / 2, 'no code' from generate_series(2, 121) n
        union all select 'acme', 500, 'effective_date', gen_random_uuid(), null, null, 'no date'
        union all select 'acme', 501, 'line_of_business', gen_random_uuid(), 9, '<b>Dental', 'no code'"""
    )
    first, second = (viewer.page(f"/acme/accounts/plans?page={number}") for number in (1, 2))
    names = column(first, "Name in BenefitPoint") + column(second, "Name in BenefitPoint")
    assert sorted(names) == sorted([f"Carrier {number}" for number in range(1, 61)] + ["", "<b>Dental"])
    assert column(first, "Plans") == ["2"] * 50
    assert "line of business" in column(second, "Waits for")
    assert column(viewer.page("/acme/accounts/plans?q=dental"), "Its id") == ["9"]
    csv = viewer.page("/acme/accounts/plans?sort=name&format=csv").splitlines()
    assert len(csv) == 63
    assert "benefitpoint.carriers" in first or "carriers:" in first
    assert "&lt;b&gt;Dental" in first
