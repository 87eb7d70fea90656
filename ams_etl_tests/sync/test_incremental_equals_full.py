"""Incremental ≡ full (M4): see `history_machine`. A longer run by hand: `HISTORIES=2000 make histories`."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ams_etl_tests.sync.account_contact_history import BenefitPointHistory
from ams_etl_tests.sync.history_machine import History, histories_in


# A history with BenefitPoint compares with two rebuilds each time.
@pytest.mark.parametrize(("machine", "histories"), [(History, 8), (BenefitPointHistory, 3)])
def test_any_history_of_partial_syncs_ends_as_a_rebuild_would(
    database: str, machine: type[History], histories: int
) -> None:
    """After every sync each mart table equals a rebuild from nothing, and the change feed leads to the same contacts."""
    with histories_in(database, machine) as bound:
        run_state_machine_as_test(
            bound,
            settings=settings(
                max_examples=int(os.environ.get("HISTORIES", histories)),
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
