"""Great Expectations as asset checks: expectations on a query's rows, pushed down to Postgres."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import dagster as dg

from ams_etl.defs.metadata import sample_of

SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation: its Great Expectations class and arguments. The query must have a column `id`."""

    kind: str
    arguments: dict[str, Any]
    mostly: float = 1.0

    def __init__(self, kind: str, *, mostly: float = 1.0, **arguments: Any) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "arguments", arguments)
        object.__setattr__(self, "mostly", mostly)


def validate(
    url: str, query: str, expected: Sequence[Expected], *, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.AssetCheckResult:
    """Run expectations over a query's rows.

    Args:
        url: the Postgres.
        query: its rows; a column `id` names them in what is reported, and nothing else of them is.
        expected: what must hold.
        severity: of a failure.
    """
    # Its import takes seconds, so it waits until a check runs.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations import expectations as gxe

    batch = _batch_definition(url, query)
    suite = gx.ExpectationSuite(name="suite")
    for expectation in expected:
        extra = {"mostly": expectation.mostly} if "column" in expectation.arguments and expectation.mostly < 1 else {}
        suite.add_expectation(getattr(gxe, expectation.kind)(**expectation.arguments, **extra))
    result = batch.get_batch().validate(
        suite, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]}
    )
    failed = [found for found in result.results if not found.success]
    broken = [found for found in failed if found.exception_info and _raised(found.exception_info)]
    if broken:
        raise RuntimeError(
            f"{broken[0].expectation_config.type} could not be evaluated: {_raised(broken[0].exception_info)}"
        )
    ids = sorted(
        {row["id"] for found in failed for row in found.result.get("unexpected_index_list") or () if row.get("id")}
    )
    return dg.AssetCheckResult(
        passed=not failed,
        severity=severity,
        metadata={
            "rows": int(next((found.result.get("element_count", 0) for found in result.results), 0)),
            "failed_expectations": [_told(found) for found in failed],
            "violations": sum(int(found.result.get("unexpected_count", 0)) for found in failed),
            "sample_ids": sample_of(ids[:SAMPLE], "ams-etl why AGENCY {id}"),
        },
    )


def _raised(info: Any) -> str | None:
    for value in info.values() if isinstance(info, dict) else ():
        if isinstance(value, dict) and value.get("raised_exception"):
            return str(value.get("exception_message"))
    return (
        str(info.get("exception_message")) if isinstance(info, dict) and info.get("raised_exception") is True else None
    )


def _told(found: Any) -> str:
    config = found.expectation_config
    return f"{config.type} {config.kwargs.get('column', '')}".strip()


@cache
def _context() -> Any:
    import great_expectations as gx

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


def _batch_definition(url: str, query: str) -> Any:
    from ams_etl.store.database import sqlalchemy_url

    context = _context()
    if "warehouse" not in {source["name"] for source in context.list_datasources()}:
        context.data_sources.add_postgres("warehouse", connection_string=sqlalchemy_url(url))
    source = context.data_sources.get("warehouse")
    name = f"query {len(source.assets)}"
    return source.add_query_asset(name, query=query).add_batch_definition_whole_table("all")
