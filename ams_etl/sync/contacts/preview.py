"""What other settings would do: the same derive and plan as a sync, in a transaction that is rolled back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import PlanCounts, make_plan
from ams_etl.sync.contacts.plan_report import (
    KindOfChange,
    PlannedChange,
    changes_of_plan,
    counts_before_and_after,
    kinds_of,
)
from ams_etl.sync.contacts.plan_rules import rule_of, rules_of_plan

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """How many contacts would appear, change and disappear, a few of each, and what that does to the totals."""

    counts: PlanCounts
    kinds: dict[str, KindOfChange]
    examples: tuple[tuple[PlannedChange, tuple[str, ...]], ...]
    """Each with the rules behind its changed fields, in their order."""
    totals: tuple[tuple[str, str | None, int, int], ...]
    """Contacts by status, owner and tag: kind, value, before, after."""


def preview(connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> Preview:
    """Derive and plan an agency with these settings, and roll everything back.

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

        def noticed() -> Iterator[PlannedChange]:
            for change in changes_of_plan(connection, agency):
                if len(seen[change.op]) < EXAMPLES:
                    seen[change.op].append(change)
                yield change

        kinds = kinds_of(noticed())
        rules = rules_of_plan(connection, agency, [change.contact_id for change in seen["update"]], settings, today)
        examples = tuple(
            (change, tuple(rule_of(rules, change.contact_id, changed.name) for changed in change.fields))
            for changes in seen.values()
            for change in changes
        )
        return Preview(plan.counts, kinds, examples, tuple(counts_before_and_after(connection, agency)))
