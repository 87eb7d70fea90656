"""What new plans wait for, as people see it in the UI."""

from collections.abc import Iterable

import dagster as dg

from ams_etl.defs.metadata import table_of
from ams_etl.writeback.benefit_plans.waiting import MissingCode


def reasons(missing: Iterable[MissingCode]) -> dg.MarkdownMetadataValue:
    """How many plans wait, since when, and why."""
    return table_of(
        ("plans", "since", "they wait because"), ((code.plans, code.since.date(), code.reason) for code in missing)
    )
