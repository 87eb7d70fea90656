"""Which members of a contact live, and why nobody may write to it (M6)."""

from collections.abc import Container, Iterable, Sequence

from ams_etl.rules.model import Candidate
from ams_etl.rules.names.marks import DECEASED, DO_NOT_CONTACT


def is_deceased(candidate: Candidate) -> bool:
    """Return whether everybody that the record names is marked as deceased."""
    return candidate.suppressed_reason == DECEASED or DECEASED in candidate.marks


def refuses(candidate: Candidate) -> bool:
    """Return whether the record says that nobody may write to it; a mark of death beside it changes nothing."""
    return candidate.suppressed_reason == DO_NOT_CONTACT or DO_NOT_CONTACT in candidate.marks


def has_left(candidate: Candidate) -> bool:
    """Return whether the person is marked as former or a minor, so that somebody else is greeted where there is one."""
    return "former" in candidate.marks or "minor" in candidate.marks


def living_of(best: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return the members that are not marked as deceased, or all of them when every one is."""
    return best if len(best) == 1 else [candidate for candidate in best if not is_deceased(candidate)] or best


def refused_emails(candidates: Iterable[Candidate]) -> frozenset[str]:
    """Return the addresses of those who refuse; whoever shares one is not written to there."""
    return frozenset(email for candidate in candidates if refuses(candidate) for email in candidate.emails)


def suppression_of(
    best: Sequence[Candidate], refused: Container[str] = (), predecessors: Sequence[Candidate] = ()
) -> str | None:
    """M6: Return why nobody may write to the contact, or None.

    Deceased counts only when no living member is left. A refusal belongs to the address: any member's counts, and so does
    that of anybody else who has one of the addresses. What a record said that goes on as a member counts as well (M9): its
    refusal, and its mark of death where it names the same person.

    Args:
        best: the members, at least one.
        refused: addresses that are refused by anybody.
        predecessors: records that are gone and go on as one of the members.
    """
    living = living_of(best)
    if is_deceased(living[0]):
        return DECEASED
    if predecessors and all(any(is_death_of(gone, person) for gone in predecessors) for person in living):
        return DECEASED
    if any(map(refuses, best)):
        return DO_NOT_CONTACT
    if refused and any(email in refused for candidate in living for email in candidate.emails):
        return DO_NOT_CONTACT
    if not predecessors:
        return None
    return DO_NOT_CONTACT if any(map(refuses, predecessors)) else None


def is_death_of(gone: Candidate, person: Candidate) -> bool:
    """Return whether a record that is gone says that this very person is dead: the same first and last name."""
    return is_deceased(gone) and _name_of(gone) == _name_of(person) != ("", "")


def _name_of(candidate: Candidate) -> tuple[str, str]:
    return (candidate.first_name or "").casefold(), (candidate.last_name or "").casefold()
