"""Contacts created and edited in the platform reach exactly the systems that they are meant for (B7), whatever happens.

`HISTORIES=500 python -m pytest ams_etl_tests/writeback/test_account_events.py -n 1` tells more of them.
"""

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ams_etl.errors import AmsEtlError
from ams_etl.settings import Agency, NewAccountSettings
from ams_etl.store.database import connect
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl.sync.scope import SyncScope
from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint
from ams_etl.writeback.people.stuck_writes import replay
from ams_etl.writeback.planning.expand import expand_events
from ams_etl_tests import warm_processes
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.writeback.both_systems import AGENCY, last_name_of
from ams_etl_tests.writeback.both_systems import BENEFITPOINT as BENEFITPOINT_SETTINGS
from ams_etl_tests.writeback.working_agency import ZONE, Office

SAID = {"occurred_at": "2026-11-20T10:00:00Z", "actor": {"name": "Ann Lee"}}
AMS360, BENEFITPOINT = "ams360", "benefitpoint"
_CALLS = {
    AMS360: ["CustomerInsert", "CustomerUpdate"],
    BENEFITPOINT: ["createAccount", "updateAccount"],
}
_NO_OFFICE = AGENCY.model_copy(
    update={
        "benefitpoint": BENEFITPOINT_SETTINGS.model_copy(
            update={
                "new_accounts": NewAccountSettings(office_id=99_999, administrator_user_id=1, primary_contact_user_id=1)
            }
        )
    }
)
_NUMBERS = itertools.count(1)

_person = st.integers(0, 2)
_targets = st.sampled_from([(AMS360,), (BENEFITPOINT,), (AMS360, BENEFITPOINT)])
_system = st.sampled_from([AMS360, BENEFITPOINT])
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), _person, _targets),
        st.tuples(st.just("create"), _person, _targets),
        st.tuples(st.just("edit"), _person, st.none() | _targets, st.sampled_from(["email", "customer", "account"])),
        st.tuples(st.just("edit"), _person, st.none() | _targets, st.sampled_from(["email", "customer", "account"])),
        st.tuples(st.just("deliver"), st.sampled_from([(AMS360,), (BENEFITPOINT,), (AMS360, BENEFITPOINT)])),
        st.tuples(st.just("strike"), _system, st.sampled_from(["lost", "unavailable", "cut"]), st.integers(1, 3)),
        st.tuples(st.just("refuse"), _system),
        st.tuples(st.just("plan")),
        st.tuples(st.just("sync")),
        st.tuples(st.just("kill"), st.floats(0.0, 0.5)),
    ),
    min_size=3,
    max_size=12,
)


@dataclass(slots=True)
class History:
    """What was sent so far, and what each system ought to hold in the end: person -> system -> cities.

    One city, but where several events create a person and none edits it: then whichever was carried out first.
    """

    connection: psycopg.Connection[Any]
    database: str
    sandbox: Sandbox
    token: str
    ought: dict[int, dict[str, set[str]]] = field(default_factory=dict)
    edited: set[tuple[int, str]] = field(default_factory=set)

    @property
    def office(self) -> Office:
        return Office(self.connection, self.sandbox, AGENCY)

    def name(self, person: int) -> str:
        return f"{self.token}x{person}"

    def tell(self, kind: str, contact: dict[str, Any], targets: tuple[str, ...] | None, properties: Any) -> None:
        key = f"{self.token}-{next(_NUMBERS)}"
        named = {"targets": list(targets)} if targets else {}
        self.office.tell(
            {**SAID, "kind": kind, "idempotency_key": key, "contact": contact, "properties": properties, **named}
        )

    def create(self, person: int, targets: tuple[str, ...]) -> None:
        city = f"City {next(_NUMBERS)}"
        names = {"first_name": "Ida", "last_name": self.name(person), "city": city}
        self.tell("contact_created", {"email": f"{self.name(person)}@example.org"}, targets, names)
        for system in targets:
            cities = self.ought.setdefault(person, {}).setdefault(system, set())
            if (person, system) not in self.edited:
                cities.add(city)

    def edit(self, person: int, targets: tuple[str, ...] | None, way: str) -> None:
        """By email, or by what the mart knows of it by now."""
        if person not in self.ought:
            return
        city, contact = f"City {next(_NUMBERS)}", {"email": f"{self.name(person)}@example.org"}
        known = self.connection.execute(
            "select account_id::text, ams360_customer_id from mart.accounts where name = %s",
            (f"Ida {self.name(person)}",),
        ).fetchone()
        if known and way == "account":
            contact = {"account_id": known[0]}
        elif known and known[1] and way == "customer":
            contact = {"customer_id": known[1]}
        self.tell("contact_updated", contact, targets, {"city": city})
        for system in self.ought[person]:
            if targets is None or system in targets:
                self.ought[person][system] = {city}
                self.edited.add((person, system))

    def plan(self) -> None:
        """As a run that ends before it delivers anything."""
        expand_events(self.connection, AGENCY, ZONE)

    def deliver(self, systems: tuple[str, ...], agency: Agency = AGENCY) -> None:
        """BenefitPoint's alone, as where AMS360 cannot be reached. An outage may end it early; what is left waits."""
        self.plan()
        if AMS360 in systems:
            with contextlib.suppress(AmsEtlError):
                self.office.drain()
        if BENEFITPOINT in systems:
            with contextlib.suppress(AmsEtlError):
                drain_benefitpoint(self.connection, AGENCY, self.sandbox.benefitpoint.connection(), linger_seconds=1.5)

    def strike(self, system: str, kind: str, times: int) -> None:
        self._faults(system, **{f"next_{kind}": times, "only": _CALLS[system]})

    def refuse(self, system: str) -> None:
        """One delivery in which nothing can be created: no right to do so, or an office that there is not."""
        if system == AMS360:
            self._faults(system, denied=["CustomerInsert"])
        self.deliver((AMS360, BENEFITPOINT), AGENCY if system == AMS360 else _NO_OFFICE)
        self._faults(system, off=True)

    def sync(self) -> None:
        customers, accounts = self.there()
        keys = tuple(entry["CustomerId"] for ones in customers.values() for entry in ones)
        numbers = [entry["accountID"] for ones in accounts.values() for entry in ones]
        if keys:
            extract(self.connection, "demo", self.sandbox.connection(), SyncScope(keys))
        if numbers:
            extract_benefitpoint(self.connection, "demo", self.sandbox.benefitpoint.connection(), accounts=numbers)
        publish_accounts(self.connection, "demo")

    def kill(self, seconds: float) -> None:
        """A deliverer that is killed at some point, while calls take their time."""
        self._faults(AMS360, latency_ms=60)
        self._faults(BENEFITPOINT, latency_ms=60)
        with warm_processes.start(
            "ams_etl_tests.writeback.both_systems", self.database, self.sandbox.wsdl, self.sandbox.url
        ) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        self._faults(AMS360, latency_ms=0)
        self._faults(BENEFITPOINT, latency_ms=0)

    def finish(self) -> None:
        """Good weather, and a person who has everything that failed sent again."""
        for system in (AMS360, BENEFITPOINT):
            self._faults(system, off=True)
        for _ in range(6):
            self.deliver((AMS360, BENEFITPOINT))
            if not self.office.outbox("1", "status <> 'delivered'"):
                return
            replay(self.connection, AGENCY, ZONE)

    def there(self) -> tuple[dict[int, list[Any]], dict[int, list[Any]]]:
        """This history's customers and accounts, by person."""
        customers, accounts = self.office.state("customers"), self.sandbox.benefitpoint.rows("accounts")
        return (
            {
                who: [customer for customer in customers if customer.get("LastName") == self.name(who)]
                for who in range(3)
            },
            {who: [account for account in accounts if last_name_of(account) == self.name(who)] for who in range(3)},
        )

    def cities_of_people(self, who: int) -> list[str]:
        """The cities of the primary contacts of a person's accounts."""
        people = [
            contact["contact"] for contact in self.sandbox.benefitpoint.rows("contacts") if contact.get("primary")
        ]
        return [person["address"]["city"] for person in people if person["lastName"] == self.name(who)]

    def _faults(self, system: str, **switches: Any) -> None:
        (self.sandbox if system == AMS360 else self.sandbox.benefitpoint).faults(**switches)


@pytest.fixture(scope="module")
def systems(postgres_server: str, migrated_template: str) -> Iterator[tuple[psycopg.Connection[Any], str, Sandbox]]:
    """One database and one pair of sandboxes for all histories; each has people of its own."""
    with (
        fresh_database(postgres_server, migrated_template) as url,
        connect(url) as connection,
        running_sandbox(size=5, more=("--benefitpoint",)) as sandbox,
    ):
        yield connection, url, sandbox


@settings(max_examples=int(os.environ.get("HISTORIES", "8")))
@given(steps=_steps)
def test_each_system_ends_with_exactly_what_it_was_meant_to_have(
    systems: tuple[psycopg.Connection[Any], str, Sandbox], steps: list[tuple[Any, ...]]
) -> None:
    """Nobody twice, nobody where they were not named, the last edit of each in place, and one account of both."""
    connection, database, sandbox = systems
    for table in ("ops.events", "ops.writebacks", "ops.writeback_contacts"):
        connection.execute(f"delete from {table}")
    history = History(connection, database, sandbox, f"P{next(_NUMBERS)}")
    for name, *arguments in steps:
        getattr(history, name)(*arguments)
    history.finish()
    assert history.office.outbox("system, operation, status, error", "status <> 'delivered'") == []
    customers, accounts = history.there()
    for who in range(3):
        found = [(AMS360, customer["City"]) for customer in customers[who]]
        found += [(BENEFITPOINT, account["mainAddress"]["city"]) for account in accounts[who]]
        ought = history.ought.get(who, {})
        assert [system for system, _ in found] == [system for system in (AMS360, BENEFITPOINT) if system in ought]
        assert [(system, city) for system, city in found if city not in ought[system]] == []
        # B6: the primary contact of an individual account has its name, and moves with it.
        assert history.cities_of_people(who) == [account["mainAddress"]["city"] for account in accounts[who]]
    history.sync()
    rows = connection.execute(
        "select name, ams360_synced, benefitpoint_synced from mart.accounts where name = any(%s) order by 1",
        ([f"Ida {history.name(who)}" for who in range(3)],),
    ).fetchall()
    assert rows == [
        (f"Ida {history.name(who)}", AMS360 in systems_of, BENEFITPOINT in systems_of)
        for who, systems_of in sorted(history.ought.items())
    ]
