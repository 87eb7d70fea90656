"""What other settings would do: the same derive and plan as a sync, in a transaction that is rolled back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
    SkipChange,
    changes_of_plan,
    counts_before_and_after,
    kinds_of,
    kinds_of_change,
    skip_changes,
)
from ams_etl.sync.contacts.plan_rules import rule_of, rules_of_plan
from ams_etl.sync.contacts.user_mappings import UserMapping, remove_mappings, store_mappings

EXAMPLES = 5
_NO_BRAKE = BrakeSettings(max_deleted_share=1, max_owner_change_share=1)


@dataclass(frozen=True, slots=True)
class Preview:
    """How many contacts would appear, change and disappear, a few of each, and what that does to the totals."""

    counts: PlanCounts
    kinds: dict[str, KindOfChange]
    examples: tuple[tuple[PlannedChange, tuple[str, ...]], ...]
    """Each with the rules behind its changed fields, in their order."""
    totals: tuple[tuple[str, str | None, int, int], ...]
    """Contacts by status, owner and tag: kind, value, before, after."""
    skips: tuple[SkipChange, ...]
    """Records that begin to be skipped, no longer are, or are for another reason."""


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """A contact whose owner would change."""

    contact_id: str
    name: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class _Examples:
    """A few of the contacts with one operation: first those that show a kind of change that no other one shows."""

    kinds: set[str] = field(default_factory=set)
    telling: list[PlannedChange] = field(default_factory=list)
    others: list[PlannedChange] = field(default_factory=list)

    def consider(self, change: PlannedChange) -> None:
        """Keep the contact if it adds to what the examples show, or if there are few."""
        if len(self.telling) < EXAMPLES and not (kinds := set(kinds_of_change(change))) <= self.kinds:
            self.kinds |= kinds
            self.telling.append(change)
        elif len(self.others) < EXAMPLES:
            self.others.append(change)

    @property
    def chosen(self) -> list[PlannedChange]:
        """The examples to show."""
        return (self.telling + self.others)[:EXAMPLES]


def preview_mappings(
    connection: psycopg.Connection[Any],
    agency: str,
    mappings: Sequence[UserMapping],
    removed: Sequence[tuple[str, str]],
    settings: RuleSettings,
    today: date,
) -> tuple[int, tuple[OwnerChange, ...]]:
    """Count the contacts whose owner other user mappings would change, with some examples, and roll everything back.

    Only contacts of these employees count: what else waits to be published is not this change's doing.

    Args:
        connection: autocommit or inside a transaction; nothing is written when this returns.
        agency: the agency id.
        mappings: to add or replace.
        removed: connection types and employee codes whose mapping would go.
        settings: the agency's rule settings.
        today: the date the rules are asked for.
    """
    with connection.transaction(force_rollback=True):
        store_mappings(connection, agency, mappings)
        remove_mappings(connection, agency, removed)
        make_plan(connection, agency, settings, _NO_BRAKE, today)
        employees = [(mapping.connection_type, mapping.employee_code) for mapping in mappings] + list(removed)
        rows = connection.execute(
            """select b.contact_id::text, concat_ws(' ', p.document ->> 'first_name', p.document ->> 'last_name'),
                b.document ->> 'owner_user_id', p.document ->> 'owner_user_id', count(*) over ()
            from stage.planned_contacts p join stage.contacts b using (agency, contact_id)
            where p.agency = %(agency)s and p.op = 'update'
                and p.document ->> 'owner_user_id' is distinct from b.document ->> 'owner_user_id'
                and exists (
                    select from mart.connections c join unnest(%(types)s::text[], %(codes)s::text[]) e (type, code)
                        on (c.connection_type, c.employee_code) = (e.type, e.code)
                    where (c.agency, c.contact_id) = (p.agency, p.contact_id))
            order by 2, 1 limit %(most)s""",
            {
                "agency": agency,
                "types": [kind for kind, _ in employees],
                "codes": [code for _, code in employees],
                "most": EXAMPLES,
            },
        ).fetchall()
    return (rows[0][4] if rows else 0), tuple(OwnerChange(*row[:4]) for row in rows)


def preview(connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> Preview:
    """Derive and plan an agency with these settings, and roll everything back.

    Args:
        connection: autocommit; nothing is written when this returns.
        agency: the agency id.
        settings: the settings to try.
        today: the date the rules are asked for.
    """
    with connection.transaction(force_rollback=True):
        mark_due(connection, agency, settings, today)
        derive_dirty(connection, agency, settings, today)
        plan = make_plan(connection, agency, settings, _NO_BRAKE, today)
        chosen = {op: _Examples() for op in ("insert", "update", "delete")}

        def noticed() -> Iterator[PlannedChange]:
            for change in changes_of_plan(connection, agency):
                chosen[change.op].consider(change)
                yield change

        kinds = kinds_of(noticed())
        updated = [change.contact_id for change in chosen["update"].chosen]
        rules = rules_of_plan(connection, agency, updated, settings, today)
        examples = tuple(
            (change, tuple(rule_of(rules, change.contact_id, changed.name) for changed in change.fields))
            for considered in chosen.values()
            for change in considered.chosen
        )
        totals, skips = counts_before_and_after(connection, agency), skip_changes(connection, agency)
        return Preview(plan.counts, kinds, examples, tuple(totals), tuple(skips))
