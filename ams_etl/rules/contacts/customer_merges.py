"""Decides which customer another one was merged into, of those that are gone (M9)."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import Literal

from ams_etl.rules.immutable import immutable

MergeEvidence = Literal["confirmed", "policy_id", "contact_id", "dependent_id", "policy_number"]
_STRENGTH: Mapping[MergeEvidence, int] = {
    "confirmed": 0, "policy_id": 1, "contact_id": 2, "dependent_id": 3, "policy_number": 4,
}  # fmt: skip


@immutable(frozen=True, slots=True)
class SharedRecords:
    """How many records of a customer that is gone belong to another one now, by one kind of evidence.

    Attributes:
        customer_id: who is gone.
        owner_id: whose the records are now.
        owner_is_live: whether that one is in AMS360.
        evidence: what is the same: the record's own id, or the policy number.
        records: how many.
    """

    customer_id: str
    owner_id: str
    owner_is_live: bool
    evidence: MergeEvidence
    records: int


def merged_into(
    shared: Iterable[SharedRecords], confirmed: Mapping[str, str], refused: Container[tuple[str, str]]
) -> dict[str, tuple[str, MergeEvidence]]:
    """M9: Return for each customer that is gone the one it was merged into, and what shows it.

    A user's decision counts first. Then it is who has most of its records, by their ids before policy numbers, a live customer
    before one that is gone. Where two have as many, nobody knows, so it is neither: users are asked. An equal name or email
    alone shows nothing, because couples share both.

    Args:
        shared: all that is known of customers that are gone.
        confirmed: customer -> the one that a user said it was merged into.
        refused: pairs that a user said are not the same.
    """
    owners: dict[str, dict[str, list[SharedRecords]]] = defaultdict(lambda: defaultdict(list))
    for found in shared:
        if (found.customer_id, found.owner_id) not in refused:
            owners[found.customer_id][found.owner_id].append(found)
    merges: dict[str, tuple[str, MergeEvidence]] = {}
    for customer_id, candidates in owners.items():
        ranked = sorted((_weight(records), owner_id) for owner_id, records in candidates.items())
        if len(ranked) == 1 or ranked[0][0] != ranked[1][0]:
            owner_id = ranked[0][1]
            strongest = min((found.evidence for found in candidates[owner_id]), key=_STRENGTH.__getitem__)
            merges[customer_id] = (owner_id, strongest)
    merges.update({customer_id: (owner_id, "confirmed") for customer_id, owner_id in confirmed.items()})
    return merges


def _weight(records: Iterable[SharedRecords]) -> tuple[bool, int, int]:
    """Return what sorts the likeliest owner first."""
    by_id = by_number = 0
    is_gone = False
    for found in records:
        is_gone = not found.owner_is_live
        if found.evidence == "policy_number":
            by_number += found.records
        else:
            by_id += found.records
    return is_gone, -by_id, -by_number


def last_of_chain(customer_id: str, merges: Mapping[str, str], live: Container[str]) -> str | None:
    """Return the live customer that a chain of merges ends with; None: with one that is gone, or in a circle."""
    passed = {customer_id}
    here = customer_id
    while here in merges:
        here = merges[here]
        if here in passed:
            return None
        if here in live:
            return here
        passed.add(here)
    return None
