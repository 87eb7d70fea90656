"""The history machine earns its keep: each of these deliberately broken parts is caught by it.

Each is a mistake that leaves a single sync looking right and shows only over a history.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from ams_etl.errors import AmsEtlError
from ams_etl.rules.contacts import candidates as rules_candidates
from ams_etl.rules.contacts import merging
from ams_etl.rules.records.ams360 import Customer
from ams_etl.rules.systems import benefitpoint
from ams_etl.store import merge as store_merge
from ams_etl.sync.contacts import derive
from ams_etl.sync.contacts.planning import components as members
from ams_etl.sync.interpret import benefitpoint as benefitpoint_interpreter
from ams_etl_tests.sync.account_contact_history import BenefitPointHistory
from ams_etl_tests.sync.history_machine import History, histories_in, only


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

    def nobody(connection: psycopg.Connection[Any], agency: str, edges: Sequence[str]) -> list[UUID]:
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


def linked_accounts_still_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """B11: what BenefitPoint says of an account that AMS360 has goes into its contact."""
    real = benefitpoint.AccountBundle

    def unlinked(account: Any, contacts: Any, plans: Any, linked_to: Any) -> benefitpoint.AccountBundle:
        return real(account, contacts, plans)

    monkeypatch.setattr(benefitpoint_interpreter, "AccountBundle", unlinked)


def nobody_goes_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """B11: the records of a linked account stay apart, and the contact that was theirs loses its id."""
    monkeypatch.setattr(members, "_followed", lambda *_, **__: [])


def links_come_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """B11: contacts are derived before anybody has looked which account is which customer."""
    monkeypatch.setattr(derive, "link_accounts", lambda *_: None)


def only_emails_bring_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """B11: who goes with a candidate that changed is left alone."""
    monkeypatch.setattr(members, "_FOLLOWING", [])


def firms_take_their_contacts_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Q3: the contact that a forgotten firm's record had taken in (N8) is nowhere."""
    real = Customer.from_payload
    monkeypatch.setattr(Customer, "from_payload", lambda payload: replace(real(payload), is_forgotten=False))


CAUGHT = (AssertionError, AmsEtlError, psycopg.Error, Flaky)
"""Chance gives another answer when hypothesis repeats what failed, which it calls flaky. What is left fails the test."""
_AMS360 = ("put_customer", "sync_some")
_BOTH = ("put_account", "read_accounts", *_AMS360)


@pytest.mark.parametrize(
    ("broken", "history", "steps"),
    [
        (no_day_of_review, History, ("put_policy", "days_pass")),
        (survivor_by_chance, History, ("share_an_address", "sync_some")),
        (settings_unnoticed, History, ("choose", "sync_some")),
        (neighbours_not_followed, History, ("share_an_address", "sync_some")),
        (moved_records_forgotten, History, ("put_contact", "sync_some")),
        (firms_take_their_contacts_with_them, History, ("put_contact", "sync_some", "forget")),
        (linked_accounts_still_speak, BenefitPointHistory, _BOTH),
        (nobody_goes_with_another, BenefitPointHistory, _BOTH),
        (links_come_too_late, BenefitPointHistory, _BOTH),
        (only_emails_bring_together, BenefitPointHistory, _BOTH),
    ],
    ids=lambda value: getattr(value, "__name__", "steps"),
)
def test_a_broken_part_is_caught(
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
    history: type[History],
    steps: tuple[str, ...],
) -> None:
    """By the steps that lead to it, and without shrinking: that it fails is the point, not how small the history can be."""
    broken(monkeypatch)
    with (
        histories_in(database, only(history, steps)) as machine,
        pytest.raises(CAUGHT),
    ):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=400,
                stateful_step_count=10,
                deadline=None,
                database=None,
                derandomize=True,
                print_blob=False,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
