"""The right to be forgotten on a real `ams-etl demo`: no dump, no log and no file knows the person, and nothing comes back."""

import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import yaml

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.embedded import client_programs, server_root
from ams_etl.store.privacy.tombstones import KEY_VARIABLE
from ams_etl.sync.forgetting.person import Person, find_person
from ams_etl.sync.forgetting.spellings import holds_any, in_bytes
from ams_etl.writeback.events.accept import accept_events
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.sample_events import event, file

pytestmark = pytest.mark.long
_AGENCY = "demo"
_DRAIN = """from ams_etl.cli.instance import dagster_instance, prepare, run_job
prepare()
with dagster_instance() as instance:
    run_job("writeback", "demo", None, instance, direction="writeback")
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """A home with a demo in it: its own Postgres, Dagster and sandboxes."""

    home: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> str:
        """Run a command as a user's shell does, and return what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment, cwd=self.home.parent, capture_output=True, text=True,
            check=False, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, (arguments, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def command(self, *arguments: str) -> str:
        """Run `ams-etl`."""
        return self.run("-m", "ams_etl.cli", *arguments)

    def sandbox(self) -> Sandbox:
        """The AMS360 that the demo reads."""
        wsdl = yaml.safe_load((self.home / "agencies.yaml").read_text())["agencies"][0]["ams360"]["wsdl"]
        return Sandbox(wsdl.partition("/v3/")[0], wsdl)

    def places_with(self, url: str, needles: Collection[bytes]) -> list[str]:
        """Name each database whose dump, and each file of home and log of Postgres, that holds one of these texts."""
        with connect(url) as connection:
            names = [row[0] for row in connection.execute("select datname from pg_database where datallowconn")]
        program = client_programs(self.home) / "pg_dump"
        found = []
        for name in names:
            dump = subprocess.run(
                [program, f"{url.rsplit('/', 1)[0]}/{name}"], capture_output=True, check=True, timeout=300
            ).stdout
            # Bytes columns are written as hexadecimal digits.
            written = {*needles, *(needle.hex().encode() for needle in needles)}
            assert len(dump) > 100
            found += [f"database {name}: {place}" for place in _tables_with(dump.lower(), written)]
        own = server_root(self.home) / "postgres"
        files = [path for path in self.home.rglob("*") if path.is_file() and not path.is_relative_to(own)]
        logs = list(server_root(self.home).rglob("*.log"))
        assert files
        return found + sorted(str(path) for path in {*files, *logs} if holds_any(path.read_bytes(), needles))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`ams-etl demo` of a few customers, ended afterwards."""
    home = tmp_path_factory.mktemp("forget") / "home"
    ours = ("AMS_ETL_", "DAGSTER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"AMS_ETL_HOME": str(home), KEY_VARIABLE: "a key of the tests, long enough"}
    made = Demo(home, environment)
    began = time.monotonic()
    try:
        made.command("demo", "--customers", "80")
        print(f"the demo took {time.monotonic() - began:.0f} s")
        yield made
    finally:
        made.command("sandbox", "--stop")
        made.command("db", "stop")


def _somebody(connection: psycopg.Connection[Any]) -> tuple[UUID, str, int, str]:
    """Return the contact, customer, number and email of who has most: one record, with tags, key facts, phone and address."""
    row = connection.execute(
        """select c.contact_id, s.customer_id, (r.payload ->> 'CustomerNumber')::int, c.email
        from mart.contacts c join mart.contact_sources s using (agency, contact_id)
        join raw_ams360.customers r on (r.agency, r.entity_id) = (s.agency, s.customer_id)
        where c.agency = %s and c.record_type = 'personal' and c.email is not null and c.phone is not null
            and c.address1 is not null and s.entity = 'customer' and not exists (select from mart.contact_sources o
                where (o.agency, o.contact_id) = (c.agency, c.contact_id) and o.entity_id <> s.entity_id)
            and exists (select from mart.key_facts k where (k.agency, k.contact_id) = (c.agency, c.contact_id))
        order by (select count(*) from mart.contact_tags t where (t.agency, t.contact_id) = (c.agency, c.contact_id)) desc, 2
        limit 1""",
        (_AGENCY,),
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2], row[3]


def _tell(connection: psycopg.Connection[Any], sandbox: Sandbox, demo: Demo, customer_id: str, email: str) -> None:
    """Write back a note, an email with a file and a name; keep a note that is refused, one that waits, and a body of each kind."""
    accept_events(connection, _AGENCY, [
        event("note", customer_id, text=f"Reach them at {email}"),
        event("email", None, contact={"email": email}, attachments=[file("letter.txt", f"To {email}".encode(), "text/plain")]),
        event("name_changed", customer_id, first_name="Zebediah"),
    ])  # fmt: skip
    demo.run("-c", _DRAIN)
    delivered = "select count(*) from ops.writebacks where agency = %s and customer_id = %s and status = 'delivered'"
    assert connection.execute(delivered, (_AGENCY, customer_id)).fetchone() == (2,)
    sandbox.faults(refuse=["CustomerNoteInsert"])
    accept_events(connection, _AGENCY, [event("note", customer_id, text=f"Again, {email}")])
    demo.run("-c", _DRAIN)
    sandbox.faults(off=True)
    accept_events(connection, _AGENCY, [event("call", customer_id, summary=f"Called {email}")])
    for state, body in (
        ("parked", f"<Customer><Email>{email}</Email></Customer>".encode()),
        ("done", f"email={email}".encode("utf-16")),
    ):
        connection.execute(
            "insert into ops.notifications (agency, body, state) values (%s, %s, %s)", (_AGENCY, body, state)
        )


def _tables_with(dump: bytes, needles: Collection[bytes]) -> Iterator[str]:
    """Name each table of a dump in lower case that holds one of these texts, and the text."""
    for needle in needles:
        place = dump.find(needle)
        if place >= 0:
            begins = dump.rfind(b"\ncopy ", 0, place) + 6
            yield f"{dump[begins : dump.find(b'(', begins)].decode(errors='replace')}: {needle!r}"


def _needles(person: Person, texts: Sequence[str]) -> list[bytes]:
    return in_bytes({*person.values, *texts})


def test_nothing_of_the_person_is_left_and_nothing_comes_back(demo: Demo) -> None:
    url = demo.command("db", "url").strip()
    sandbox = demo.sandbox()
    with connect(url) as connection:
        contact_id, customer_id, number, email = _somebody(connection)
        _tell(connection, sandbox, demo, customer_id, email)
        demo.command("sync", _AGENCY)
        demo.command("why", _AGENCY, str(number))
        person = find_person(connection, _AGENCY, RuleSettings(), str(number))
        ((phone, first_name),) = connection.execute(
            "select phone, first_name from mart.contacts where contact_id = %s", (contact_id,)
        ).fetchall()
        shared = "select count(*) from mart.contact_phones where phone = %s"
        texts = [email, "Zebediah"]
        texts += [str(phone)] if connection.execute(shared, (phone,)).fetchone() == (1,) else []
        assert (email in person.values, first_name, len(person.values) > 3) == (True, "Zebediah", True)
        needles = _needles(person, texts)
        tables = " ".join(demo.places_with(url, needles))
        assert all(f"{table} " in tables for table in ("raw_ams360.customers", "mart.changes"))

        began = time.monotonic()
        print(demo.command("forget", _AGENCY, str(number), "--apply"))
        print(f"forgetting took {time.monotonic() - began:.1f} s, of {len(person.values)} texts")
        assert demo.places_with(url, needles) == []
        demo.command("forget", _AGENCY, email, "--proof")

        demo.command("sync", _AGENCY)
        assert demo.places_with(url, needles) == [], "after the next full sync"
        listed = "select entity_id from mart.skipped_contacts where agency = %s and reason = 'forgotten' and entity = 'customer'"
        assert connection.execute(listed, (_AGENCY,)).fetchall() == [(customer_id,)]
        assert sandbox.ask("state/customers"), "AMS360 itself is not changed"

        again = sandbox.edit(
            "customers", "insert", None, FirstName="Q", LastName="Newcomerly", Email=email.upper(), IsActive=True
        )
        demo.command("sync", _AGENCY)
        assert sorted(connection.execute(listed, (_AGENCY,)).fetchall()) == sorted([(customer_id,), (again,)])
        assert demo.places_with(url, [*needles, *in_bytes(["Newcomerly"])]) == []
