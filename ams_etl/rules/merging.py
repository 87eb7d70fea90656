"""Merging (M): candidates that share an email are one contact."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from ams_etl.rules.marks import SUPPRESSING
from ams_etl.rules.model import (
    Candidate,
    Connection,
    Contact,
    KeyFact,
    NameOverride,
    RecordType,
    Skip,
)
from ams_etl.rules.ownership import Users, owner_of
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.tags import in_segment

K = TypeVar("K")
Overrides = Mapping[tuple[str, str, str], NameOverride]
"""(system, entity, entity_id) -> the name given in the platform."""
_STATUS_RANK = {"client": 0, "prospect": 1, "inactive": 2}


def components(groups: Iterable[Sequence[K]]) -> list[list[K]]:
    """M1: connected components: keys that share a group, directly or through a chain.

    Args:
        groups: the keys that share one email address, a sequence an address.
    """
    parent: dict[K, K] = {}

    def root(key: K) -> K:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for group in groups:
        for key in group:
            parent.setdefault(key, key)
            parent[root(key)] = root(group[0])
    found: dict[K, list[K]] = {}
    for key in parent:
        found.setdefault(root(key), []).append(key)
    return list(found.values())


def merge(
    candidates: Sequence[Candidate], settings: RuleSettings, users: Users, overrides: Overrides
) -> Contact | tuple[Skip, ...]:
    """M2, M4: one contact of all these candidates, whatever their order; or a skip each, when segments leave it out.

    Field by field the value of the best source: a customer's primary candidate before others, Client before Prospect
    before Inactive, lowest CustomerNumber, then id. A name and an address are taken whole.

    Args:
        candidates: at least one.
        settings: the agency's choices.
        users: the user mapping.
        overrides: names given in the platform.
    """
    best = sorted(candidates, key=precedence)
    tags = tuple(sorted({tag for one in best for tag in one.tags}, key=lambda tag: (tag.category, tag.tag)))
    if not in_segment(tags, settings.segments):
        return tuple(
            Skip(one.system, entity, entity_id, one.customer_id, "segment", "T4")
            for one in best
            for entity, entity_id in ((one.entity, one.entity_id), *one.absorbed)
        )
    named = next((one for one in best if not _named_by_email(one)), best[0])
    override = next((found for one in best if (found := overrides.get((one.system, one.entity, one.entity_id)))), None)
    addressed = next(
        (one for one in best if one.address.address1 or one.address.city or one.address.postal_code), best[0]
    )
    owner = owner_of(best, settings, users)
    return Contact(
        record_type=_record_type(best),
        status=min((one.status for one in best), key=_STATUS_RANK.__getitem__),
        first_name=override.first_name if override else named.first_name,
        last_name=override.last_name if override else named.last_name,
        nickname=override.nickname if override else named.nickname,
        company_name=next((one.company_name for one in best if one.company_name), None),
        emails=tuple(dict.fromkeys(email for one in best for email in one.emails)),
        phones=tuple(
            {(phone.number, phone.kind): phone for one in reversed(best) for phone in reversed(one.phones)}.values()
        )[::-1],
        address=addressed.address,
        birthday=next((one.birthday for one in best if one.birthday), None),
        owner_user_id=owner.user_id,
        owner_role=owner.role,
        suppressed_reason=suppression_of(best),
        tags=tags,
        key_facts=_facts(best),
        connections=_connections(best, users),
        sources=tuple(best),
    )


def precedence(candidate: Candidate) -> tuple[bool, int, int, str, str]:
    """M2: who comes first when a field has several values."""
    return (
        candidate.role != "primary",
        _STATUS_RANK[candidate.status],
        candidate.customer_number,
        candidate.customer_id,
        candidate.entity_id,
    )


def suppression_of(candidates: Iterable[Candidate]) -> str | None:
    """N10: a mark on any member suppresses the contact; the graver one is told."""
    reasons = {one.suppressed_reason for one in candidates}
    return next((reason for reason in SUPPRESSING if reason in reasons), None)


def _named_by_email(candidate: Candidate) -> bool:
    """Q2: an email stands for a name only as long as no member has one."""
    return candidate.last_name is None and candidate.first_name in candidate.emails


def _record_type(candidates: Iterable[Candidate]) -> RecordType:
    types = {one.record_type for one in candidates}
    return next(iter(types)) if len(types) == 1 else "both"


def _facts(candidates: Iterable[Candidate]) -> tuple[KeyFact, ...]:
    facts = {fact for one in candidates for fact in one.key_facts}
    return tuple(
        sorted(facts, key=lambda fact: (fact.kind, str(fact.fact_date or ""), fact.label, fact.policy_id or ""))
    )


def _connections(candidates: Iterable[Candidate], users: Users) -> tuple[Connection, ...]:
    """X1: every connection of every member, with the platform user where one is mapped."""
    found = {(one.connection_type, one.employee_code): one for candidate in candidates for one in candidate.connections}
    return tuple(
        Connection(kind, code, found[kind, code].employee_name, users.get((kind, code))) for kind, code in sorted(found)
    )
