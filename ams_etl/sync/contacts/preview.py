"""What other settings would do: the real derive and plan, in a transaction that is rolled back."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import PlanCounts, make_plan
from ams_etl.sync.contacts.plan_report import PlannedChange, changes_of_plan

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """How many contacts would appear, change and disappear, and a few of each."""

    counts: PlanCounts
    examples: tuple[PlannedChange, ...]


def preview(connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> Preview:
    """Derive and plan an agency with these settings, and take everything back.

    Args:
        connection: autocommit; nothing is written when this returns.
        agency: the agency id.
        settings: the settings to try.
        today: the date the rules are asked for.
    """
    no_brake = BrakeSettings(max_deleted_share=1, max_owner_change_share=1)
    with connection.transaction(force_rollback=True):
        mark_due(connection, agency, settings, today)
        derive_dirty(connection, agency, settings, today)
        plan = make_plan(connection, agency, settings, no_brake, today)
        seen: dict[str, list[PlannedChange]] = {"insert": [], "update": [], "delete": []}
        for change in changes_of_plan(connection, agency):
            if len(seen[change.op]) < EXAMPLES:
                seen[change.op].append(change)
        examples = tuple(one for changes in seen.values() for one in changes)
        return Preview(plan.counts, examples)
