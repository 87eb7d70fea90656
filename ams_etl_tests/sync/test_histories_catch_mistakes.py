"""The history machine earns its keep: each of these deliberately broken parts is caught by it.

Each is a mistake that leaves a single sync looking right and shows only over a history.
"""

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ams_etl.rules import candidates as rules_candidates
from ams_etl.rules import merging
from ams_etl.store import merge as store_merge
from ams_etl.sync import derive, members
from ams_etl_tests.sync.history_machine import histories_in


def no_day_of_review(monkeypatch: pytest.MonkeyPatch) -> None:
    """L: nobody looks again when a policy starts or ends by itself."""
    monkeypatch.setattr(rules_candidates, "review_on", lambda *_: None)


def survivor_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """M2: the best record is whoever it happens to be, not whoever has precedence."""
    dice = Random(0)
    monkeypatch.setattr(merging, "precedence", lambda _: dice.random())


def settings_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """S: a changed setting has nobody derived again."""
    monkeypatch.setattr(derive, "fingerprint", lambda _: "always the same")


def neighbours_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """M1: candidates that did not change are left alone, though they share an e-mail with one that did."""

    def nobody(connection: psycopg.Connection[Any], agency: str) -> list[UUID]:
        connection.execute("insert into affected select candidate_id from frontier on conflict do nothing")
        return []

    monkeypatch.setattr(members, "_neighbours", nobody)


def moved_records_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that left a customer does not have that customer derived again."""
    real = store_merge.MergeCounts

    def counted(*args: Any, **kwargs: Any) -> Any:
        kwargs["customers"] = frozenset(list(kwargs.get("customers", ()))[:1])
        return real(*args, **kwargs)

    monkeypatch.setattr(store_merge, "MergeCounts", counted)


@pytest.mark.parametrize(
    "broken",
    [no_day_of_review, survivor_by_chance, settings_unnoticed, neighbours_not_followed, moved_records_forgotten],
    ids=lambda broken: broken.__name__,
)
def test_a_broken_part_is_caught(
    database: str, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """Without shrinking: that it fails is the point, not how small the history can be."""
    broken(monkeypatch)
    with histories_in(database) as machine, pytest.raises(Exception):  # noqa: B017, PT011 - whatever shows first
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=400,
                stateful_step_count=25,
                deadline=None,
                database=None,
                derandomize=True,
                print_blob=False,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
