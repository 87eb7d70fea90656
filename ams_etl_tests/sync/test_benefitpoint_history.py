"""Nothing of BenefitPoint is written to AMS360 or over its values, but for the plans that are added there (B4, B5)."""

import pytest

from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sync.benefitpoint_history import history_in


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_what_is_edited_in_benefitpoint_stays_there(postgres_server: str, migrated_template: str, seed: int) -> None:
    with (
        fresh_database(postgres_server, migrated_template) as real,
        fresh_database(postgres_server, migrated_template) as twin,
        history_in((real, twin), size=30, seed=seed) as history,
    ):
        found = history.play(60, 2)
    assert found.edits.total() == 60
    assert found.checks == 2
    assert found.made > 0
