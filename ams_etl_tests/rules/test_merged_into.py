"""M9: which customer another one was merged into."""

from typing import Any

import pytest

from ams_etl.rules.contacts.customer_merges import MergeEvidence, SharedRecords, last_of_chain, merged_into


def shared(owner: str, evidence: MergeEvidence, records: int = 1, *, live: bool = True) -> SharedRecords:
    return SharedRecords("gone", owner, live, evidence, records)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([shared("a", "policy_id")], ("a", "policy_id")),
        ([shared("a", "contact_id"), shared("a", "policy_number")], ("a", "contact_id")),
        ([shared("a", "dependent_id")], ("a", "dependent_id")),
        ([shared("a", "policy_number")], ("a", "policy_number")),
        # A policy that moved years ago does not decide against those that moved with the merge.
        ([shared("b", "policy_id"), shared("a", "policy_id", 2)], ("a", "policy_id")),
        ([shared("b", "policy_number", 9), shared("a", "policy_id")], ("a", "policy_id")),
        ([shared("b", "policy_id"), shared("b", "policy_number"), shared("a", "policy_id")], ("b", "policy_id")),
        # Several kinds of ids count together.
        ([shared("a", "policy_id"), shared("a", "contact_id"), shared("b", "policy_id")], ("a", "policy_id")),
        ([shared("a", "policy_id", 5, live=False), shared("b", "policy_number")], ("b", "policy_number")),
        # Two with as many: a person must say.
        ([shared("a", "policy_id"), shared("b", "policy_id")], None),
        ([shared("a", "policy_id"), shared("b", "contact_id")], None),
        ([], None),
    ],
)
@pytest.mark.parametrize("step", [1, -1])
def test_most_records_decide_whatever_their_order(records: list[SharedRecords], expected: Any, step: int) -> None:
    """M9: by ids before numbers, a live customer before one that is gone, nobody on a tie."""
    assert merged_into(records[::step], {}, set()).get("gone") == expected


def test_a_users_decision_counts_first() -> None:
    records = [shared("a", "policy_id", 3), shared("b", "policy_id")]
    assert merged_into(records, {"gone": "c"}, set()) == {"gone": ("c", "confirmed")}
    assert merged_into(records, {}, {("gone", "a")}) == {"gone": ("b", "policy_id")}
    assert merged_into(records, {}, {("gone", "a"), ("gone", "b")}) == {}
    assert merged_into([], {"gone": "c"}, set()) == {"gone": ("c", "confirmed")}


def test_a_chain_of_merges_ends_with_a_live_customer() -> None:
    merges = {"a": "b", "b": "c", "x": "y", "y": "x"}
    assert last_of_chain("a", merges, {"c"}) == "c"
    assert last_of_chain("a", merges, {"b", "c"}) == "b"
    assert last_of_chain("a", merges, set()) is None
    assert last_of_chain("x", merges, {"c"}) is None
    assert last_of_chain("c", merges, {"c"}) is None
