"""What becomes of an agency's records over time, in any order and synced in any parts: for accounts and policies.

Each record has a story of its own: it appears, is edited, is linked otherwise, goes, comes back. An order interleaves the
stories; which record appears first, and what a sync sees of it, is chance.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.store.merge import RawTable, Record, merge_records
from ams_etl.sync.links.stored_links import decide
from ams_etl_tests.rules.account_payloads import account_payload

AGENCY = "demo"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = {
    "customer": RawTable("raw_ams360", "customers"), "policy": RawTable("raw_ams360", "policies"),
    "account": RawTable("raw_benefitpoint", "accounts"), "plan": RawTable("raw_benefitpoint", "plans"),
}  # fmt: skip
BENEATH = {"customer": "policy", "account": "plan"}
"""What is read along with a record of a kind."""
Subject = tuple[str, str]
"""A kind of record, or `decision`, and its key."""
Version = dict[str, Any] | str | None
"""A payload, what a person says, or None where the record is gone."""
_NAMES = ("Nova LLC", "Acme", "Birch & Co")


@dataclass(frozen=True, slots=True)
class Stories:
    """A small agency.

    Args:
        by_subject: what happens to each subject, in its own order.
    """

    by_subject: dict[Subject, list[Version]]

    @property
    def end(self) -> dict[Subject, Version]:
        """How everything is at the end."""
        return {subject: versions[-1] for subject, versions in self.by_subject.items()}


def stories(chance: random.Random) -> Stories:
    """Draw an agency: some of its records are gone at the end, and some accounts are linked late or otherwise."""
    customers = [f"c{number}" for number in range(7)]
    by_subject: dict[Subject, list[Version]] = {}

    def tell(kind: str, key: str, draw: Callable[[], dict[str, Any]]) -> None:
        versions: list[Version] = [draw() for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.25:
            versions.insert(chance.randint(1, len(versions)), None)
        by_subject[kind, key] = versions

    for number, key in enumerate(customers, start=1):
        tell("customer", key, lambda key=key, number=number: {  # type: ignore[misc]
            "CustomerId": key, "CustomerNumber": number, "FirmName": chance.choice(_NAMES), "City": chance.choice(("Rome", "Bern")),
        })  # fmt: skip
    for number in range(1, 9):
        tell("account", str(number), lambda number=number: _account(chance, number, customers))  # type: ignore[misc]
    policies = [f"p{number}" for number in range(5)]
    for key in policies:
        tell("policy", key, lambda key=key: {  # type: ignore[misc]
            "PolicyId": key, "CustomerId": chance.choice(customers), "PolicyNumber": f"N{chance.randint(1, 3)}",
        })  # fmt: skip
    for number in range(1, 6):
        tell("plan", str(number), lambda number=number: {  # type: ignore[misc]
            "productID": number, "accountID": chance.randint(1, 8), "name": "PPO", "productStatus": "Current",
            "policyIntegrationInfo": {"amsPolicyID": chance.choice((None, None, *policies))},
        })  # fmt: skip
    _let_people_decide(chance, by_subject)
    return Stories(by_subject)


def _account(chance: random.Random, number: int, customers: list[str]) -> dict[str, Any]:
    links: tuple[dict[str, Any], ...] = (
        {}, {"ams_id": chance.choice(customers).upper()}, {"ams_id": chance.choice(customers)},
        {"ams_number": chance.randint(1, 8)}, {"ams_id": "lost"},
    )  # fmt: skip
    return account_payload(
        {"id": number, "name": chance.choice(_NAMES), "active": chance.random() < 0.8, **chance.choice(links)}
    )


def _let_people_decide(chance: random.Random, by_subject: dict[Subject, list[Version]]) -> None:
    """Of pairs that live at the end, no two with one customer or account; a person may think better of it."""
    live = {
        kind: [key for (of, key), versions in by_subject.items() if of == kind and versions[-1]] for kind in BENEATH
    }
    for customer, account in zip(
        chance.sample(live["customer"], min(3, len(live["customer"]))),
        chance.sample(live["account"], min(3, len(live["account"]))),
        strict=False,
    ):
        by_subject["decision", f"{customer} {account}"] = [
            chance.choice(("confirmed", "refused")) for _ in range(chance.randint(1, 2))
        ]


@dataclass(slots=True)
class Telling:
    """One order of the stories, with syncs of some records on the way.

    Args:
        connection: autocommit.
        stories: what happens.
        chance: decides when, and what a sync reads.
    """

    connection: psycopg.Connection[Any]
    stories: Stories
    chance: random.Random
    _now: dict[Subject, Version] = field(default_factory=dict)
    _waiting: list[tuple[Subject, str]] = field(default_factory=list)
    _clock: datetime = BEGIN

    def tell(self, publish: Callable[[], None]) -> None:
        """From nothing to the end; `publish` is called after some syncs, or after several, and at the end."""
        left = {subject: list(versions) for subject, versions in self.stories.by_subject.items()}
        while left:
            subject = self.chance.choice(list(left))
            version = left[subject].pop(0)
            if not left[subject]:
                del left[subject]
            if isinstance(version, str):
                self._waiting.append((subject, version))
            else:
                self._now[subject] = version
            if self.chance.random() < 0.5:
                self._sync(self._some())
                self._decide()
            if self.chance.random() < 0.35:
                publish()
        self._sync([subject for subject in self.stories.by_subject if subject[0] in BENEATH])
        self._decide()
        assert self._waiting == []
        publish()

    def _some(self) -> list[Subject]:
        """A few records, whether they exist or not, or all."""
        known = [subject for subject in self.stories.by_subject if subject[0] in BENEATH]
        return known if self.chance.random() < 0.15 else self.chance.sample(known, self.chance.randint(1, 5))

    def _sync(self, subjects: list[Subject]) -> None:
        """Read records with all beneath them, as a sync stores them: what the source lacks is gone."""
        self._clock += timedelta(minutes=1)
        self.chance.shuffle(subjects)
        for kind, key in subjects:
            here = self._now.get((kind, key))
            records = {kind: [Record(key, key, here)] if isinstance(here, dict) else [], BENEATH[kind]: []}
            if here:
                records[BENEATH[kind]] = [
                    Record(beneath, key, payload)
                    for (of, beneath), payload in self._now.items()
                    if of == BENEATH[kind] and isinstance(payload, dict) and str(payload[_OWNER[of]]) == key
                ]
            with self.connection.transaction():
                for of, found in records.items():
                    merge_records(self.connection, TABLES[of], AGENCY, found, seen_at=self._clock, complete_for=[key])

    def _decide(self) -> None:
        """What people can say by now, for both records are here; each pair in the order in which it was said."""
        held: set[Subject] = set()
        for said in list(self._waiting):
            subject, decision = said
            customer, account = subject[1].split()
            if subject in held:
                continue
            try:
                decide(self.connection, AGENCY, customer, int(account), decision, decided_by="ann")  # type: ignore[arg-type]
            except ConfigError:
                held.add(subject)
            else:
                self._waiting.remove(said)


_OWNER = {"policy": "CustomerId", "plan": "accountID"}
