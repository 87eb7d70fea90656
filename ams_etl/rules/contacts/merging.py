"""Merging (M): candidates that share an email are one contact."""

from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from ams_etl.rules.contacts.marked_people import living_of, suppression_of
from ams_etl.rules.contacts.naming import Names, birthday_facts, named_by, names_together
from ams_etl.rules.contacts.ownership import Users, owner_of
from ams_etl.rules.contacts.tags import in_segment
from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import (
    BENEFITPOINT,
    Candidate,
    Connection,
    Contact,
    KeyFact,
    NameOverride,
    Phone,
    RecordType,
    Skip,
    SkipReason,
)
from ams_etl.rules.reach.addresses import is_filled
from ams_etl.rules.settings import RuleSettings

K = TypeVar("K")
Overrides = Mapping[tuple[str, str, str], NameOverride]
"""(system, entity, entity_id) -> the name given in the platform."""


@immutable(frozen=True, slots=True)
class Predecessor:
    """A record of a customer that was merged in AMS360 (M9), as it last was, and the name that a user gave it."""

    candidate: Candidate
    override: NameOverride | None = None


Predecessors = Mapping[tuple[str, str, str], Sequence[Predecessor]]
"""(system, entity, entity_id) of a candidate -> the records that go on as this one, the latest given name first."""
NO_PREDECESSORS: Predecessors = MappingProxyType({})
MERGED_SKIPS: tuple[SkipReason, ...] = ("segment", "linked_account")
"""Why candidates are no contact though each could be one: `merge` returns these reasons, the derivation never does."""
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


def stable_id(members: Iterable[K], first_seen: Mapping[K, Any]) -> K:
    """M3: a contact's id is its oldest member's, so it survives syncs, merges and splits.

    Args:
        members: the candidates of one contact, at least one.
        first_seen: when each was first seen.
    """
    return min(members, key=lambda key: (first_seen[key], str(key)))


def merge(
    candidates: Sequence[Candidate],
    settings: RuleSettings,
    users: Users,
    overrides: Overrides,
    refused: Container[str] = (),
    predecessors: Predecessors = NO_PREDECESSORS,
) -> Contact | tuple[Skip, ...]:
    """M4: one contact of all these candidates, whatever their order; or a skip each, when segments leave it out.

    Members that only join (B11) give no values, and nobody a contact alone. The deceased give no name, birthday, email or
    phone to the living (M6).

    Args:
        candidates: at least one.
        settings: the agency's choices.
        users: the user mapping.
        overrides: names given in the platform.
        refused: addresses to which nobody may write, whoever has them (M6).
        predecessors: records that are gone and go on as one of these (M9): their refusal and their given name stay.
    """
    # Most contacts have a single candidate: nothing needs to be ordered or compared then.
    everyone = sorted(candidates, key=precedence) if len(candidates) > 1 else list(candidates)
    best = [candidate for candidate in everyone if candidate.joined is None]
    if not best:
        return _skips(everyone, "linked_account", "B11")
    # By pairs of texts, which Python itself hashes and compares: a tag's own methods take five times as long.
    by_category = {(tag.category, tag.tag): tag for candidate in best for tag in candidate.tags}
    tags = tuple([by_category[key] for key in sorted(by_category)])
    if not in_segment(tags, settings.segments):
        return _skips(everyone, "segment", "T4")
    living = living_of(best)
    naming = named_by(best, settings)
    first_name, last_name, nickname = names_of(names_together(naming), override_of(everyone, overrides, predecessors))
    owner = owner_of(best, settings, users)
    return Contact(
        record_type=_record_type(best),
        status=min([candidate.status for candidate in best], key=_STATUS_RANK.__getitem__),
        first_name=first_name,
        last_name=last_name,
        nickname=nickname,
        company_name=next((candidate.company_name for candidate in best if candidate.company_name), None),
        emails=tuple(dict.fromkeys([email for candidate in living for email in candidate.emails])),
        phones=_phones(living),
        address=addressed_by(best).address,
        birthday=next((candidate.birthday for candidate in (*naming, *living) if candidate.birthday), None),
        owner_user_id=owner.user_id,
        owner_role=owner.role,
        suppressed_reason=suppression_of(
            best, refused, [gone.candidate for gone in predecessors_of(everyone, predecessors)]
        ),
        tags=tags,
        key_facts=_facts(best),
        connections=_connections(best, users),
        sources=tuple(everyone),
        middle_name=naming[0].middle_name if len(naming) == 1 else None,
    )


def _skips(candidates: Iterable[Candidate], reason: SkipReason, rule: str) -> tuple[Skip, ...]:
    return tuple(
        Skip(candidate.system, entity, entity_id, candidate.customer_id, reason, rule)
        for candidate in candidates
        for entity, entity_id in ((candidate.entity, candidate.entity_id), *candidate.absorbed)
    )


def precedence(candidate: Candidate) -> tuple[bool, bool, bool, int, int, str, str, str]:
    """M2: whose value a field takes: a customer's primary candidate before others, Client before Prospect before Inactive.

    Then the lowest CustomerNumber, then id. A name and an address are taken whole; tags, key facts, connections, emails
    and phones are united. What BenefitPoint alone knows comes after whatever AMS360 says.
    """
    return (
        candidate.joined is not None,
        candidate.system == BENEFITPOINT,
        candidate.role != "primary",
        _STATUS_RANK[candidate.status],
        candidate.customer_number,
        candidate.customer_id,
        candidate.entity,
        candidate.entity_id,
    )


def addressed_by(best: Sequence[Candidate]) -> Candidate:
    """Whose address a contact has: the first that leads anywhere."""
    if len(best) == 1:
        return best[0]
    return next((candidate for candidate in best if is_filled(candidate.address)), best[0])


def predecessors_of(members: Iterable[Candidate], predecessors: Predecessors) -> list[Predecessor]:
    """Return the records that are gone and go on as one of these members (M9)."""
    if not predecessors:
        return []
    return [
        found
        for candidate in members
        for found in predecessors.get((candidate.system, candidate.entity, candidate.entity_id), ())
    ]


def override_of(
    best: Sequence[Candidate], overrides: Overrides, predecessors: Predecessors = NO_PREDECESSORS
) -> NameOverride | None:
    """N12: return the name that was changed in the platform, of any member; it overrides what AMS360 says later.

    Without one it is that of a record that goes on as a member (M9).
    """
    if not overrides and not predecessors:
        return None
    own = (overrides.get((candidate.system, candidate.entity, candidate.entity_id)) for candidate in best)
    taken_over = (predecessor.override for predecessor in predecessors_of(best, predecessors))
    return next((override for override in (*own, *taken_over) if override), None)


def names_of(derived: Names, override: NameOverride | None) -> Names:
    """Return first, last and nickname: each part that was given in the platform, else the derived one.

    A derived nickname belongs to the derived first name, and goes with it.
    """
    if override is None:
        return derived
    first_name, last_name, nickname = derived
    return (
        override.first_name or first_name,
        override.last_name or last_name,
        override.nickname or (None if override.first_name else nickname),
    )


def _phones(best: Sequence[Candidate]) -> tuple[Phone, ...]:
    """Every number and kind once, the best member's first phone first."""
    if len(best) == 1 and len(best[0].phones) < 2:
        return best[0].phones
    found: dict[tuple[str, str], Phone] = {}
    for candidate in best:
        for phone in candidate.phones:
            found.setdefault((phone.number, phone.kind), phone)
    return tuple(found.values())


def _record_type(candidates: Sequence[Candidate]) -> RecordType:
    if len(candidates) == 1:
        return candidates[0].record_type
    types = {candidate.record_type for candidate in candidates}
    return next(iter(types)) if len(types) == 1 else "both"


def _facts(best: Sequence[Candidate]) -> tuple[KeyFact, ...]:
    if len(best) == 1:
        if len(best[0].key_facts) < 2:
            return best[0].key_facts
        facts = set(best[0].key_facts)
    else:
        facts = {fact for candidate in best for fact in candidate.key_facts if fact.kind != "birthday"}
        facts.update(birthday_facts(best))
    return tuple(
        sorted(facts, key=lambda fact: (fact.kind, str(fact.fact_date or ""), fact.label, fact.policy_id or ""))
    )


def _connections(candidates: Iterable[Candidate], users: Users) -> tuple[Connection, ...]:
    """Every connection of every member, with the platform user where one is mapped."""
    found: dict[tuple[str, str], Connection] = {}
    for candidate in candidates:
        for connection in candidate.connections:
            key = (connection.connection_type, connection.employee_code)
            if key not in found or connection.rank <= found[key].rank:
                found[key] = connection
    return tuple(
        [
            Connection(*key, found[key].employee_name, users.get(key), found[key].rank)
            for key in (sorted(found) if len(found) > 1 else found)
        ]
    )
