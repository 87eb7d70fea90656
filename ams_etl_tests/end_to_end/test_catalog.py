"""A change of the Dagster catalog is seen and meant."""

from ams_etl_tests.end_to_end import catalog


def test_the_catalog_is_the_one_that_was_reviewed() -> None:
    """After a change that is meant: `python -m ams_etl_tests.end_to_end.catalog --write`, and read the difference."""
    assert catalog.render() == catalog.PAGE.read_text(encoding="utf-8")
