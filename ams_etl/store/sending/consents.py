"""Answers to being written to, per channel and address: `mart.may_send` reads them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from ams_etl.store.loading.copy import copy_rows

Channel = Literal["email", "text", "phone", "mail"]
Answer = Literal["yes", "no"]
ConsentSource = Literal["platform", "page", "import", "manual"]


@dataclass(frozen=True, slots=True)
class Consent:
    """One answer. `address` is an email in lower case, a number as E.164, a contact id for mail, or `hashed` of an email."""

    channel: Channel
    address: str
    answer: Answer
    at: datetime
    evidence: str | None = None


def hashed(email: str) -> str:
    """Return an email address as suppression lists hash it: SHA-256 of its lower case."""
    return "sha256:" + hashlib.sha256(email.strip().lower().encode()).hexdigest()


def store_consents(
    connection: psycopg.Connection[Any], agency: str, source: ConsentSource, answers: Sequence[Consent]
) -> int:
    """Keep the latest answer of a source for each address; return how many are new or changed.

    Args:
        connection: any.
        agency: the agency id.
        source: who says so; answers of other sources stay as they are.
        answers: in any order; of two for one address the later one counts, at one moment the no.
    """
    latest: dict[tuple[str, str], Consent] = {}
    for answer in answers:
        known = latest.get((answer.channel, answer.address))
        if known is None or (answer.at, answer.answer == "no") > (known.at, known.answer == "no"):
            latest[answer.channel, answer.address] = answer
    with connection.transaction():
        connection.execute(
            "create temp table if not exists given_consents (channel text, address text, answer text, at timestamptz, "
            "evidence text) on commit delete rows"
        )
        copy_rows(
            connection,
            "given_consents",
            {"channel": "text", "address": "text", "answer": "text", "at": "timestamptz", "evidence": "text"},
            ((found.channel, found.address, found.answer, found.at, found.evidence) for found in latest.values()),
        )
        return connection.execute(
            """insert into ops.consents as known (agency, channel, address, source, answer, at, evidence)
            select %s, channel, address, %s, answer, at, evidence from given_consents
            on conflict (agency, channel, address, source) do update
            set answer = excluded.answer, at = excluded.at, evidence = excluded.evidence
            where excluded.at > known.at or (excluded.at = known.at and excluded.answer = 'no' and known.answer = 'yes')""",
            (agency, source),
        ).rowcount
