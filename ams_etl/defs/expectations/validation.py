"""Validate a suite by Great Expectations, pushed down to Postgres, and render its result."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ams_etl.defs.expectations.suites import Expectation, Suite
from ams_etl.errors import ConfigError

SAMPLE = 20
"""Ids that a failing check lists."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What validating one expectation found."""

    expectation: Expectation
    success: bool
    rows: int
    unexpected: int
    observed: str

    @property
    def in_words(self) -> str:
        """The expectation as a person reads it: its notes, else its type with what it is asked for."""
        asked = ", ".join(f"{name}: {value}" for name, value in self.expectation.kwargs.items())
        return self.expectation.notes or f"{self.expectation.type.replace('_', ' ')} ({asked})"


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What validating a suite found; `ids` are those of rows that fail, a sample."""

    outcomes: tuple[Outcome, ...]
    ids: tuple[str, ...]

    @property
    def success(self) -> bool:
        """Whether every expectation holds."""
        return all(outcome.success for outcome in self.outcomes)


def validate(url: str, suite: Suite, query: str, parameters: Mapping[str, Any]) -> SuiteResult:
    """Validate a suite over a query's rows.

    Args:
        url: the Postgres.
        suite: what must hold.
        query: its rows; a column `id` names them in what is reported, and nothing else of them is.
        parameters: what `$PARAMETER` stands for.

    Raises:
        ConfigError: an expectation is not one of Great Expectations', or cannot be evaluated on these rows.
    """
    # Its import takes seconds, so it waits until a check runs.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    try:
        expectations = [expectation.model_dump(exclude_defaults=True) for expectation in suite.expectations]
        gx_suite = gx.ExpectationSuite(name=suite.name, expectations=expectations)
    except (GreatExpectationsError, TypeError, ValueError) as error:
        raise ConfigError(f"{suite.path}: not a suite of Great Expectations: {type(error).__name__}: {error}") from None
    try:
        result = (
            _batch_definition(url, query)
            .get_batch()
            .validate(
                gx_suite,
                # Its complete form would have Postgres send all rows that fail, of which a sample is shown.
                result_format={
                    "result_format": "SUMMARY",
                    "unexpected_index_column_names": ["id"],
                    "partial_unexpected_count": SAMPLE,
                },
                expectation_parameters=dict(parameters),
            )
        )
    except GreatExpectationsError as error:
        # Its text may quote a row.
        raise ConfigError(
            f"{suite.path}: its query cannot be evaluated ({type(error).__name__}): try it in psql"
        ) from None
    outcomes = []
    for expectation, found in zip(suite.expectations, result.results, strict=True):
        if not found.success and found.exception_info and (raised := _raised(found.exception_info)):
            raise ConfigError(f"{suite.path}: {expectation.type} cannot be evaluated: {raised}")
        outcomes.append(
            Outcome(
                expectation,
                bool(found.success),
                int(found.result.get("element_count") or 0),
                int(found.result.get("unexpected_count") or 0),
                str(found.result.get("observed_value", "")),
            )
        )
    ids = {
        row["id"]
        for found in result.results
        for row in found.result.get("partial_unexpected_index_list") or ()
        if row["id"]
    }
    return SuiteResult(tuple(outcomes), tuple(sorted(str(each) for each in ids)))


def _raised(info: Any) -> str | None:
    if not isinstance(info, dict):
        return None
    for value in (info, *info.values()):
        if isinstance(value, dict) and value.get("raised_exception") is True:
            # The first line says what; those below may quote the rows.
            return str(value.get("exception_message")).partition("\n")[0][:300]
    return None


@cache
def _source(url: str) -> Any:
    """Return Great Expectations' view of a Postgres; it keeps a pool of connections, so one for each address."""
    import great_expectations as gx

    from ams_etl.store.database import sqlalchemy_url

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context.data_sources.add_postgres("warehouse", connection_string=sqlalchemy_url(url))


def _batch_definition(url: str, query: str) -> Any:
    source = _source(url)
    name = f"query {len(source.assets)}"
    return source.add_query_asset(name, query=query).add_batch_definition_whole_table("all")
