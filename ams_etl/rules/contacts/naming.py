"""Whose name a contact has, and whose birthdays it shows (M7, M8)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ams_etl.rules.contacts.marked_people import has_left, living_of
from ams_etl.rules.model import BENEFITPOINT, Candidate, KeyFact
from ams_etl.rules.names.persons import families_in, has_several, separated
from ams_etl.rules.names.words import bare, is_initial, looks_like_firm
from ams_etl.rules.settings import RuleSettings

Names = tuple[str | None, str | None, str | None]
"""First name, last name, nickname."""
_PERSON, _INITIAL, _FAMILY, _HAS_LEFT, _FIRM, _EMAIL = range(6)
"""Whose name is better: a person's with a first name, with an initial alone, without, one who has left, a firm's, an email."""
_FEMALE_ENDINGS = frozenset(["a", "e", "ia", "ina", "ine", "ette", "ella", "elle"])


def named_by(best: Sequence[Candidate], settings: RuleSettings) -> tuple[Candidate, ...]:
    """M7: Return the living members that name a contact, the best one first.

    A person's name beats a firm's that is used for one, and an email; a name with a first name beats one with an initial, and that
    one without any. Others name it too where M8 says so.

    Args:
        best: the members in the order of M2, at least one.
        settings: the agency's choices.
    """
    if len(best) == 1:
        return (best[0],)
    living = _without_accounts(living_of(best))
    first = min(living, key=_rank)
    if settings.shared_address_name == "first" or _rank(first) > _INITIAL:
        return (first,)
    return tuple(_household(first, [candidate for candidate in living if _rank(candidate) <= _INITIAL]))


def _without_accounts(living: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return the members of the agency's own system, where one has a name: what BenefitPoint alone knows changes none (B11)."""
    return [
        candidate
        for candidate in living
        if candidate.system != BENEFITPOINT and (candidate.first_name or candidate.last_name)
    ] or living


def _rank(candidate: Candidate) -> int:
    first, last = candidate.first_name, candidate.last_name
    if last is None:
        if first is None or first in candidate.emails:
            return _EMAIL
        if first == candidate.company_name or looks_like_firm(first):
            return _FIRM
    if has_left(candidate):
        return _HAS_LEFT
    if not first:
        return _FAMILY
    return _INITIAL if is_initial(first) else _PERSON


def _household(first: Candidate, people: Sequence[Candidate]) -> list[Candidate]:
    """M8: Return the different people of one household: an equal family name, customer record or street.

    People who are only in a firm's record are colleagues, not a household.
    """
    household = [first]
    at_home = [person for person in people if person.record_type != "commercial"]
    if first.record_type == "commercial" and not any(
        _shares_a_family_name(first, person) and is_same_person(first, person) for person in at_home
    ):
        return household
    for person in at_home:
        if any(is_same_person(member, person) for member in household):
            continue
        if (
            person.customer_id == first.customer_id
            or _shares_a_family_name(person, first)
            or (_street(person) and _street(person) == _street(first))
        ):
            household.append(person)
    return household


def is_same_person(one: Candidate, other: Candidate) -> bool:
    """Return whether two records name one person: equal given names, a short form (Jon, Jonathan) or an initial.

    A customer and a second insured are two people unless their names are equal.
    """
    names, others = _given_names(one), _given_names(other)
    if others <= names or names <= others:
        return True
    if one.customer_id == other.customer_id or len(names) != 1 or len(others) != 1:
        return False
    if one.birthday and other.birthday:
        return one.birthday == other.birthday
    short, long = sorted((next(iter(names)), next(iter(others))), key=len)
    rest = long[len(short) :]
    return long.startswith(short) and (len(short) == 1 or (len(short) > 2 and rest not in _FEMALE_ENDINGS))


def _given_names(candidate: Candidate) -> set[str]:
    given = candidate.first_name or ""
    return {bare(name.split()[0]) for name in separated(given)[0] if name.strip()}


def _shares_a_family_name(one: Candidate, other: Candidate) -> bool:
    return not families_in(one.last_name).isdisjoint(families_in(other.last_name))


def _street(candidate: Candidate) -> str:
    return " ".join(bare(word) for word in (candidate.address.address1 or "").split())


def names_together(people: Sequence[Candidate]) -> Names:
    """Return the names of all (M8): `John & Jane`, `Doe`; `John, Jane & Bob`, `Doe & Roe`."""
    best = people[0]
    if len(people) == 1:
        return best.first_name, best.last_name, best.nickname
    nicknames = [person.nickname for person in people]
    first = _listed([person.first_name or "" for person in people])
    nickname = None
    if best.nickname and has_several(best.nickname) and not has_several(best.first_name or ""):
        nickname = best.nickname
    elif any(nicknames):
        nickname = _listed([person.nickname or person.first_name or "" for person in people])
    return first, _families_together(people), nickname


def _listed(names: Sequence[str]) -> str:
    return " & ".join([", ".join(names[:-1]), names[-1]])


def _families_together(people: Iterable[Candidate]) -> str | None:
    """Return every family name once; of one with and without a suffix the shorter."""
    found: dict[frozenset[str], str] = {}
    for person in people:
        if person.last_name:
            key = families_in(person.last_name)
            found[key] = min(found.get(key, person.last_name), person.last_name, key=len)
    return " & ".join(found.values()) or None


def birthday_facts(best: Sequence[Candidate]) -> list[KeyFact]:
    """Return the birthdays of the living, each person's once; where the contact has several people, each names its person.

    Args:
        best: the members in the order of M2, at least one.
    """
    if len(best) == 1:
        return [fact for fact in best[0].key_facts if fact.kind == "birthday"]
    living = living_of(best)
    people: list[Candidate] = []
    for candidate in _without_accounts(living):
        if _rank(candidate) in {_PERSON, _HAS_LEFT} and not any(is_same_person(candidate, person) for person in people):
            people.append(candidate)
    facts: dict[tuple[str, object], KeyFact] = {}
    for candidate in living:
        for fact in candidate.key_facts:
            if fact.kind == "birthday":
                label = fact.label
                person = next((person for person in people if is_same_person(candidate, person)), None)
                if len(people) > 1 and person and _rank(candidate) in {_PERSON, _HAS_LEFT}:
                    label = f"{fact.label} of {separated(person.first_name or '')[0][0]}"
                facts.setdefault((label, fact.fact_date), replace(fact, label=label))
    return list(facts.values())
