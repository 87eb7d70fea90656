"""Candidates as the JSON documents that stage holds."""

from pydantic import TypeAdapter

from ams_etl.rules.model import Candidate

_CANDIDATE = TypeAdapter(Candidate)


def candidate_json(candidate: Candidate) -> bytes:
    """A candidate as JSON; equal candidates give equal bytes."""
    return _CANDIDATE.dump_json(candidate)


def candidate_from(document: str | bytes) -> Candidate:
    """The inverse of `candidate_json`."""
    return _CANDIDATE.validate_json(document)
