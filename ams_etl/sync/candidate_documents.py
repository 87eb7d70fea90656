"""Candidates as the JSON documents that stage holds."""

from pydantic import TypeAdapter

from ams_etl.rules.model import Candidate

_CANDIDATE = TypeAdapter(Candidate)
_CANDIDATES = TypeAdapter(list[Candidate])


def candidate_json(candidate: Candidate) -> bytes:
    """A candidate as JSON; equal candidates give equal bytes."""
    return _CANDIDATE.dump_json(candidate)


def candidates_from(documents: str | bytes) -> list[Candidate]:
    """The candidates of a JSON array of such documents."""
    return _CANDIDATES.validate_json(documents)


def candidate_from(document: str | bytes) -> Candidate:
    """The inverse of `candidate_json`."""
    return _CANDIDATE.validate_json(document)
