"""Broken rules, kept: each must be noticed by the golden cases or by a property.

A test that cannot fail is worth nothing; here the rules are wrong on purpose, one at a time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ams_etl.rules.contacts import candidates, lifecycle, merging, ownership
from ams_etl.rules.model import Candidate, Contact
from ams_etl.rules.names import fields as name_fields
from ams_etl.rules.names import names
from ams_etl.rules.names.names import Part
from ams_etl.rules.records.ams360 import Policy
from ams_etl.rules.settings import RuleSettings
from ams_etl_tests.rules import golden


def _failing_rules() -> set[str]:
    return {rule for case in golden.load() if golden.differences(case) for rule in case.rules}


def _without_chains(groups: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """M1 broken: only those who share one email directly are together."""
    found: list[list[Any]] = []
    taken: set[Any] = set()
    for group in sorted(groups, key=len, reverse=True):
        mine = [key for key in dict.fromkeys(group) if key not in taken]
        taken.update(mine)
        found += [mine] if mine else []
    return found


def _continuous_ends(policy: Policy, today: date) -> bool:
    """L1 broken: a continuous policy ends like any other."""
    return policy.status == "A" and bool(policy.expiration) and today < (policy.expiration or today)


def _formal_first(read: Any) -> Part | None:
    """N1 broken: the Formal Salutation's nickname comes first."""
    for field, label in (
        (read.formal, "FormalSalutation"),
        (read.informal, "InformalSalutation"),
        (read.first, "FirstName"),
    ):
        if field.nickname:
            return Part(field.nickname, "N1", label)
    return None


def _everybody_is_active(bundle: Any, settings: RuleSettings, today: date) -> Any:
    """L3 broken: an inactive customer is a client."""
    return lifecycle.lifecycle_of(replace(bundle, customer=replace(bundle.customer, is_active=True)), settings, today)


def _include_alone(tags: Any, segments: Any) -> bool:
    """T4 broken: exclude is not evaluated."""
    return not segments.include or any(tag.tag in segments.include for tag in tags)


def _personal_first(found: Any, settings: RuleSettings) -> tuple[str, str]:
    """O2 broken: personal always first."""
    types = {plan.record_type for plan in found}
    return ("commercial" if types == {"commercial"} else "personal"), "O2"


def _no_marks(content: str, further: Any) -> None:
    """N10 broken: everything in parentheses is a nickname."""


def _only_number(candidate: Candidate) -> tuple[Any, ...]:
    """M2 broken: the customer number decides alone."""
    return (candidate.customer_number, candidate.entity_id)


def _everybody(dependent: Any, record_type: str, settings: RuleSettings) -> bool:
    """C3 broken: every dependent is a second insured."""
    return True


def _winbacks_expired_only(policies: Iterable[Policy], today: date) -> Policy | None:
    """L5 broken: cancelled and non-renewed policies are forgotten."""
    return next((policy for policy in policies if policy.expiration and policy.expiration <= today), None)


def _never_overridden(best: Any, overrides: Any, predecessors: Any = None) -> None:
    """N12 broken: AMS360 wins over a name given in the platform."""


MUTATIONS: tuple[tuple[str, object, str, Callable[..., Any]], ...] = (
    ("M1", merging, "components", _without_chains),
    ("L1", lifecycle, "is_in_force", _continuous_ends),
    ("N1", names, "_nickname", _formal_first),
    ("L3", candidates, "lifecycle_of", _everybody_is_active),
    ("T4", merging, "in_segment", _include_alone),
    ("O2", ownership, "deciding_type", _personal_first),
    ("N10", name_fields, "mark_in", _no_marks),
    ("M2", merging, "precedence", _only_number),
    ("C3", candidates, "is_second_insured", _everybody),
    ("L5", lifecycle, "lapsed_policy", _winbacks_expired_only),
    ("N12", merging, "override_of", _never_overridden),
)


@pytest.mark.parametrize(("rule", "module", "name", "broken"), MUTATIONS, ids=[mutation[0] for mutation in MUTATIONS])
def test_a_broken_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, rule: str, module: object, name: str, broken: Callable[..., Any]
) -> None:
    """The golden cases of the very rule fail while it is broken, and hold again after."""
    name_fields._read.cache_clear()
    monkeypatch.setattr(module, name, broken)
    try:
        assert rule in _failing_rules()
    finally:
        monkeypatch.undo()
        name_fields._read.cache_clear()
    assert _failing_rules() == set()


def test_a_merge_that_depends_on_the_order_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """M4: what the property over permutations would find, by its smallest example."""
    given = golden.load()[0].given
    one = candidates.derive(golden.bundle(given, 1), golden.REFERENCE, RuleSettings(), golden.TODAY).candidates[0]
    other = replace(one, entity_id="customer-2", customer_id="customer-2", customer_number=2, first_name="Other")

    def agree() -> bool:
        answers = [merging.merge(order, RuleSettings(), {}, {}) for order in ([one, other], [other, one])]
        return isinstance(answers[0], Contact) and answers[0] == answers[1]

    assert agree()
    monkeypatch.setattr(merging, "precedence", lambda candidate: 0)
    assert not agree()


def test_a_day_of_review_that_is_too_late_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """L1: what the property over days would find, by its smallest example."""
    bundle = golden.bundle({"customer": {"LastName": "Doe"}, "policies": [{}]})

    def stays() -> bool:
        now = candidates.derive(bundle, golden.REFERENCE, RuleSettings(), golden.TODAY)
        after = candidates.derive(bundle, golden.REFERENCE, RuleSettings(), date(2027, 1, 1))
        return now.candidates == after.candidates or now.review_on == date(2027, 1, 1)

    assert stays()
    monkeypatch.setattr(candidates, "review_on", lambda bundle, settings, today: None)
    assert not stays()
