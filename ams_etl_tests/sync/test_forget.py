"""The right to be forgotten: nothing of the person stays, nothing of others goes, and nothing comes back."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from ams_etl.errors import ConfigError, PermanentError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.merge import Record, merge_records
from ams_etl.store.privacy.tombstones import KEY_VARIABLE
from ams_etl.store.sending.consents import Consent, hashed, store_consents
from ams_etl.sync.forgetting.erase import erase
from ams_etl.sync.forgetting.person import Person, find_person
from ams_etl.sync.forgetting.traces import traces_in_database
from ams_etl.sync.raw.ams360_tables import CUSTOMER_LIST
from ams_etl_tests.sync.database_dump import dump
from ams_etl_tests.sync.source_history import (
    AGENCY,
    BEGIN,
    Source,
    contact,
    customer,
    customer_id,
    policy,
    refresh,
    store_reference,
)

_SETTINGS, _TODAY = RuleSettings(), date(2026, 6, 1)
_PRIVATE = ["quincy.unique@example.com", "Quincyston", "14 Hidden Lane", "HIDDEN-POL-77", "415-555-0199"]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key of the tests, long enough")


@pytest.fixture
def source(connection: psycopg.Connection[Any]) -> Source:
    """Quincy, and others who share a firm's address with nobody; Quincy's email is in an event and a notification."""
    source = Source()
    store_reference(connection)
    source.put(
        customer(
            1, FirstName="Quincy", LastName="Quincyston", Email="quincy.unique@example.com", IsActive=True,
            AddressLine1="14 Hidden Lane", HomePhone="415-555-0199",
        )
    )  # fmt: skip
    source.put(policy(1, 1, PolicyNumber="HIDDEN-POL-77", PolicyExpirationDate="2026-08-01T00:00:00"))
    source.put(customer(2, FirstName="Bob", LastName="Roe", Email="bob@example.com", IsActive=True))
    source.put(customer(3, FirmName="Acme LLC", IsCommercial=True, Email="office@example.com", IsActive=True))
    source.put(contact(1, 3, ContactName="Kim Poe", EmailAddress="kim@example.com"))
    _sync(connection, source)
    source.put(
        customer(
            1, FirstName="Quincy", LastName="Quincyston", Email="quincy.unique@example.com", IsActive=True,
            AddressLine1="14 Hidden Lane", HomePhone="415-555-0199", City="Springfield",
        )
    )  # fmt: skip
    _sync(connection, source)
    return source


def _sync(connection: psycopg.Connection[Any], source: Source) -> None:
    source.store(connection, [1, 2, 3, 4])
    refresh(connection, _SETTINGS, _TODAY)


def _write_traces(connection: psycopg.Connection[Any]) -> None:
    event_id = uuid4()
    connection.execute(
        "insert into ops.events (agency, event_id, kind, payload, state) values (%s, %s, 'note', %s, 'waiting')",
        (
            AGENCY,
            event_id,
            Jsonb({"contact": {"email": "Quincy.Unique@example.com"}, "text": "lives at 14 Hidden Lane"}),
        ),
    )
    connection.execute(
        """insert into ops.event_attachments (agency, event_id, attachment_no, file_name, content_type, content)
        values (%s, %s, 1, 'a.txt', 'text/plain', 'HIDDEN-POL-77')""",
        (AGENCY, event_id),
    )
    connection.execute(
        """insert into ops.writebacks (agency, event_id, kind, operation, lane, request, status)
        values (%s, %s, 'note', 'note', 'quincy.unique@example.com', %s, 'uncertain')""",
        (AGENCY, event_id, Jsonb({"Note": "Quincyston called"})),
    )
    connection.execute(
        "insert into ops.page_jobs (agency, kind, requested_by, state, result) values (%s, 'preview', 'ann', 'done', %s)",
        (AGENCY, Jsonb({"examples": [{"name": "Quincy Quincyston"}]})),
    )
    now = datetime.now(UTC)
    store_consents(connection, AGENCY, "platform", [Consent("email", "quincy.unique@example.com", "no", now)])
    connection.execute(
        "insert into ops.notifications (agency, body, state) values (%s, %s, 'parked')",
        (AGENCY, b"<Customer><Email>quincy.unique@example.com</Email></Customer>"),
    )


def _erase(connection: psycopg.Connection[Any], asked: str) -> Person:
    person = find_person(connection, AGENCY, _SETTINGS, asked)
    erase(connection, AGENCY, _SETTINGS, BrakeSettings(), _TODAY, person)
    return person


@pytest.mark.parametrize("asked", ["quincy.unique@example.com", "1"])
@pytest.mark.usefixtures("source")
def test_no_text_of_the_person_is_left_anywhere(connection: psycopg.Connection[Any], asked: str) -> None:
    _write_traces(connection)
    before = dump(connection)
    assert all(text.lower() in before for text in _PRIVATE)
    person = _erase(connection, asked)
    after = dump(connection)
    assert [text for text in _PRIVATE if text.lower() in after] == []
    assert traces_in_database(connection, AGENCY, person.values) == []
    refused = connection.execute("select address, answer from ops.consents").fetchall()
    assert refused == [(hashed("quincy.unique@example.com"), "no")]
    assert connection.execute("select first_name from mart.contacts order by 1").fetchall() == [("Bob",), ("Kim",)]
    feed = connection.execute(
        "select op, before from mart.changes where entity_id = any(%s)", ([str(found) for found in person.contacts],)
    ).fetchall()
    assert feed == [("delete", None)]


def test_the_next_full_sync_brings_nothing_back_and_is_quiet(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    _erase(connection, "quincy.unique@example.com")
    settled = dump(connection)
    for _ in range(2):
        _sync(connection, source)
    assert [text for text in _PRIVATE if text.lower() in dump(connection)] == []
    assert dump(connection).count('"forgotten"') == settled.count('"forgotten"')
    skipped = connection.execute(
        "select entity, reason, rule from mart.skipped_contacts where reason = 'forgotten'"
    ).fetchall()
    assert skipped == [("customer", "forgotten", "Q3")]


def test_a_new_record_with_the_same_email_is_withheld_and_listed(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    _erase(connection, "quincy.unique@example.com")
    source.put(customer(4, FirstName="Q", LastName="Newly", Email="QUINCY.unique@example.com", IsActive=True))
    source.put(policy(4, 4, PolicyNumber="NEWLY-POLICY"))
    listed = Record(customer_id(4), None, {"CustomerId": customer_id(4), "CustomerName": "Q Newly"})
    with connection.transaction():
        merge_records(connection, CUSTOMER_LIST, AGENCY, [listed], seen_at=BEGIN)
    _sync(connection, source)
    assert "newly" not in dump(connection)
    _sync(connection, source)
    assert connection.execute("select count(*) from mart.skipped_contacts where reason = 'forgotten'").fetchone() == (
        2,
    )
    assert "newly" not in dump(connection)


def test_what_others_share_stays_theirs(connection: psycopg.Connection[Any], source: Source) -> None:
    """Bob moves in with Quincy's email: one contact of both. Forgetting Quincy's record leaves Bob, who keeps the email."""
    source.put(customer(2, FirstName="Bob", LastName="Roe", Email="quincy.unique@example.com", IsActive=True))
    _sync(connection, source)
    _erase(connection, "1")
    _sync(connection, source)
    names = connection.execute("select first_name, email from mart.contacts where first_name = 'Bob'").fetchall()
    assert names == [("Bob", "quincy.unique@example.com")]
    assert "quincyston" not in dump(connection)


@pytest.mark.usefixtures("source")
def test_without_the_key_nothing_is_forgotten_and_nothing_syncs(
    connection: psycopg.Connection[Any], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(ConfigError, match=KEY_VARIABLE):
        _erase(connection, "1")
    assert "quincyston" in dump(connection)
    monkeypatch.setenv(KEY_VARIABLE, "a key of the tests, long enough")
    _erase(connection, "1")
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(ConfigError, match=KEY_VARIABLE):
        _sync(connection, source)


@pytest.mark.usefixtures("source")
def test_where_a_text_would_be_left_nothing_is_erased(connection: psycopg.Connection[Any]) -> None:
    """A table that forgetting does not know, with a text of the person, rolls everything back."""
    connection.execute("create table ops.unknown_notes (agency text, note text)")
    connection.execute("insert into ops.unknown_notes values ('acme', 'saw QUINCYSTON')")
    try:
        with pytest.raises(PermanentError, match=r"ops\.unknown_notes"):
            _erase(connection, "1")
        assert "hidden lane" in dump(connection)
    finally:
        connection.execute("drop table ops.unknown_notes")
