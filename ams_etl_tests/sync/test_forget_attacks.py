"""Forgetting where it is hard: others' records, other systems, earlier contacts, other spellings, other agencies."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.merge import RawTable, Record, merge_records
from ams_etl.store.privacy.tombstones import KEY_VARIABLE
from ams_etl.sync.forgetting.erase import erase
from ams_etl.sync.forgetting.person import Person, find_person
from ams_etl_tests.sync.database_dump import dump
from ams_etl_tests.sync.source_history import (
    AGENCY,
    BEGIN,
    Source,
    contact,
    customer,
    customer_id,
    dependent,
    policy,
    refresh,
    store_reference,
)

_TODAY = date(2026, 6, 1)
_AMS360 = RuleSettings()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key of the tests, long enough")


@pytest.fixture
def source(connection: psycopg.Connection[Any]) -> Source:
    """Two people and a firm with a contact, not synced yet."""
    source = Source()
    store_reference(connection)
    source.put(
        customer(
            1,
            FirstName="Quincy",
            LastName="Quincyston",
            Email="quincy.unique@example.com",
            AddressLine1="14 Hidden Lane",
        )
    )
    source.put(customer(2, FirstName="Bob", LastName="Roe", Email="bob@example.com"))
    source.put(customer(3, FirmName="Acme LLC", IsCommercial=True, Email="office@example.com"))
    source.put(policy(3, 3, PolicyNumber="FIRM-POLICY-3"))
    return source


def _sync(connection: psycopg.Connection[Any], source: Source) -> None:
    source.store(connection, range(1, 6))
    refresh(connection, _AMS360, _TODAY)


def _forget(connection: psycopg.Connection[Any], asked: str, settings: RuleSettings = _AMS360) -> Person:
    person = find_person(connection, AGENCY, settings, asked)
    erase(connection, AGENCY, settings, BrakeSettings(), _TODAY, person)
    return person


def _names(connection: psycopg.Connection[Any]) -> list[str]:
    return [row[0] for row in connection.execute("select first_name from mart.contacts order by 1")]


@pytest.mark.parametrize("asked", ["1", "quincy.unique@example.com"])
def test_what_is_left_of_a_customer_merged_into_this_one_goes_too(
    connection: psycopg.Connection[Any], source: Source, asked: str
) -> None:
    """M9: the duplicate's last record, with an address of its own, is the person's; Bob, who shares a contact with them, stays."""
    source.put(customer(4, FirstName="Quincella", LastName="Formerton", Email="quincella.old@example.com"))
    source.put(policy(4, 4, PolicyNumber="DUPLICATE-POLICY-4"))
    source.put(customer(2, FirstName="Bob", LastName="Roe", Email="bob@example.com; quincella.old@example.com"))
    _sync(connection, source)
    listed = {"CustomerId": customer_id(4), "CustomerNumber": 4, "CustomerName": "Quincella Formerton"}
    _store(connection, "raw_ams360.customer_list", [(customer_id(4), None, listed)])
    source.put(policy(4, 1, PolicyNumber="DUPLICATE-POLICY-4"))
    source.customers.pop(4)
    _sync(connection, source)
    merged = connection.execute("select customer_id, merged_into from stage.merged_customers").fetchall()
    assert merged == [(customer_id(4), customer_id(1))]
    assert "quincella.old@example.com" in dump(connection)
    _forget(connection, asked)
    for _ in range(2):
        left = dump(connection)
        assert not any(text in left for text in ("formerton", "quincyston", "duplicate-policy-4"))
        assert _names(connection) == ["Acme LLC", "Bob"]
        bob = connection.execute("select email from mart.contact_emails where email like '%old%'").fetchall()
        assert bob == [("quincella.old@example.com",)], "which is his, too"
        _sync(connection, source)


def test_of_a_merged_contact_only_the_persons_records_go(connection: psycopg.Connection[Any], source: Source) -> None:
    """M1: three people with one address are one contact; each is forgotten by the own number, and the others stay as they are."""
    for number, first in ((1, "Quincy"), (2, "Bob"), (4, "Cy")):
        source.put(customer(number, FirstName=first, LastName=f"{first}ston", Email="house@example.com"))
        source.put(policy(number, number, PolicyNumber=f"POLICY-OF-{first}"))
    _sync(connection, source)
    sources = "select entity_id from mart.contact_sources where entity = 'customer' and contact_id = any(%s) order by 1"
    contacts = [
        row[0] for row in connection.execute("select contact_id from mart.contact_emails where email like 'house%'")
    ]
    assert len(contacts) == 1
    before = connection.execute(
        "select payload from raw_ams360.customers where entity_id <> %s order by 1", (customer_id(1),)
    )
    others = before.fetchall()
    person = _forget(connection, "1")
    assert {record.customer_id for record in person.records} == {customer_id(1)}
    for _ in range(2):
        left = dump(connection)
        assert not any(text in left for text in ("quincyston", "policy-of-quincy"))
        assert "policy-of-bob" in left
        contacts = [
            row[0] for row in connection.execute("select contact_id from mart.contact_emails where email like 'house%'")
        ]
        assert connection.execute(sources, (contacts,)).fetchall() == [(customer_id(2),), (customer_id(4),)]
        stored = connection.execute(
            "select payload from raw_ams360.customers where entity_id <> %s order by 1", (customer_id(1),)
        )
        assert stored.fetchall() == others
        _sync(connection, source)


def test_a_firms_contact_goes_and_the_firm_stays(connection: psycopg.Connection[Any], source: Source) -> None:
    """Kim is the only contact of the firm, and its record's name (N8)."""
    source.put(contact(1, 3, ContactName="Kim Poerson", EmailAddress="kim@example.com"))
    _sync(connection, source)
    _forget(connection, "kim@example.com")
    _sync(connection, source)
    assert "poerson" not in dump(connection)
    assert "firm-policy-3" in dump(connection)
    assert "Acme LLC" in _names(connection)


def test_a_firm_goes_and_its_contact_stays(connection: psycopg.Connection[Any], source: Source) -> None:
    """The contact that was part of the firm's record (N8) is a contact of its own, under the firm's former id or not."""
    source.put(contact(1, 3, ContactName="Kim Poerson", EmailAddress="kim@example.com"))
    _sync(connection, source)
    assert _names(connection) == ["Bob", "Kim", "Quincy"]
    _forget(connection, "3")
    for _ in range(2):
        assert "firm-policy-3" not in dump(connection)
        kim = connection.execute(
            """select first_name, last_name, email, role, entity from mart.contacts join mart.contact_sources using (contact_id)
            where company_name is null and email = 'kim@example.com'"""
        ).fetchall()
        assert kim == [("Kim", "Poerson", "kim@example.com", "contact", "customer_contact")]
        _sync(connection, source)


def test_ids_that_name_somebody_to_anyone_do_not_stay_in_the_stub(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    record = source.customers[1]
    source.put(
        {**record, "TaxId": "900-11-2222", "HomeAreaCode": "415", "LoginId": "quincyston7", "GLBranchCode": "HQ1"}
    )
    _sync(connection, source)
    _forget(connection, "1")
    row = connection.execute(
        "select payload from raw_ams360.customers where entity_id = %s", (customer_id(1),)
    ).fetchone()
    assert row is not None
    assert sorted(row[0]) == [
        "AccountExecCode", "AccountRepCode", "CustomerId", "GLBranchCode", "IsActive", "ams_etl_forgotten",
    ]  # fmt: skip


@pytest.mark.parametrize("asked", ["quincy.unique@example.com", "1"])
def test_the_customer_once_more_among_its_contacts_goes_too(
    connection: psycopg.Connection[Any], source: Source, asked: str
) -> None:
    """AMS360 lists a personal customer as its own CustomerContact, which fills gaps (C3); the spouse beside it stays."""
    source.put(contact(1, 1, ContactName="Quincyston, Quincy", EmailAddress="quincy.unique@example.com"))
    source.put(contact(2, 1, ContactName="Mary Otherperson", EmailAddress="mary@example.com"))
    _sync(connection, source)
    _forget(connection, asked)
    _sync(connection, source)
    assert "quincy.unique" not in dump(connection)
    assert "mary@example.com" in dump(connection)


def test_a_dependent_is_a_person_of_its_own(connection: psycopg.Connection[Any], source: Source) -> None:
    source.put(
        dependent(1, 1, FirstName="Zelmira", LastName="Quincyston", Email="zelmira@example.com", Relationship="Spouse")
    )
    _sync(connection, source)
    _forget(connection, "zelmira@example.com")
    _sync(connection, source)
    assert "zelmira" not in dump(connection)
    assert _names(connection) == ["Acme LLC", "Bob", "Quincy"]


def test_who_became_no_contact_is_found_by_the_email(connection: psycopg.Connection[Any], source: Source) -> None:
    source.put(
        customer(1, FirstName="Quincy", LastName="Quincyston", Email="quincy.unique@example.com", IsActive=False)
    )
    _sync(connection, source)
    assert "Quincy" not in _names(connection)
    _forget(connection, "Quincy.Unique@example.com")
    assert "quincyston" not in dump(connection)


def test_a_contact_that_once_held_the_person_keeps_what_came_after(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    """Quincy shared Bob's email, then got one of his own: Bob's earlier history knows him, his later one does not."""
    source.put(
        customer(1, FirstName="Quincy", LastName="Quincyston", Email="bob@example.com; quincy.unique@example.com")
    )
    _sync(connection, source)
    together = connection.execute("select clock_timestamp()").fetchone()
    source.put(customer(1, FirstName="Quincy", LastName="Quincyston", Email="quincy.unique@example.com"))
    _sync(connection, source)
    apart = connection.execute("select clock_timestamp()").fetchone()
    source.put(customer(2, FirstName="Bobby", LastName="Roe", Email="bob@example.com"))
    _sync(connection, source)
    _forget(connection, "quincy.unique@example.com")
    assert "quincyston" not in dump(connection)
    assert together is not None
    assert apart is not None
    names = "select first_name from mart.contacts_as_of(%s, %s) where last_name = 'Roe'"
    assert connection.execute(names, (AGENCY, datetime.max.replace(tzinfo=BEGIN.tzinfo))).fetchall() == [("Bobby",)]
    assert connection.execute(names, (AGENCY, apart[0])).fetchall() == [("Bob",)]
    assert connection.execute(names, (AGENCY, together[0])).fetchall() == [], "what he became is not what he was then"


@pytest.mark.parametrize(
    "reference",
    [{"customer_number": 1}, {"customer_id": customer_id(1)}, {"contact_id": "its own"}],
    ids=lambda reference: next(iter(reference)),
)
def test_events_that_name_nobody_by_text_are_redacted(
    connection: psycopg.Connection[Any], source: Source, reference: dict[str, Any]
) -> None:
    _sync(connection, source)
    if "contact_id" in reference:
        row = connection.execute("select contact_id::text from mart.contacts where first_name = 'Quincy'").fetchone()
        assert row is not None
        reference = {"contact_id": row[0]}
    connection.execute(
        "insert into ops.events (agency, event_id, kind, payload, state) values (%s, %s, 'note', %s, 'waiting')",
        (AGENCY, uuid4(), Jsonb({"contact": reference, "text": "is ill, call after six"})),
    )
    _forget(connection, "1")
    assert "is ill" not in dump(connection)


@pytest.mark.parametrize(
    "body",
    [
        b"email=quincy.unique%40example.com&change=update",
        "<a><Email>QUINCY.UNIQUE@EXAMPLE.COM</Email></a>".encode("utf-16"),
        b'{"LastName": "\\u00c9TIENNELL"}',
        "<LastName>\u00c9tiennell</LastName>".encode("latin-1"),
        b"<Name>O&apos;Quincyston &amp; Son</Name>",
    ],
    ids=["form", "utf-16", "json escapes", "latin-1", "xml"],
)
def test_bodies_in_every_encoding_go(connection: psycopg.Connection[Any], source: Source, body: bytes) -> None:
    source.put(
        customer(
            1, FirstName="Quincy", LastName="\u00c9tiennell", FirmName="O'Quincyston & Son", Email="quincy.unique@example.com",
            IsPersonal=True,
        )
    )  # fmt: skip
    _sync(connection, source)
    connection.execute("insert into ops.notifications (agency, body, state) values (%s, %s, 'parked')", (AGENCY, body))
    connection.execute("insert into ops.notifications (agency, body, state) values (%s, 'of Bob', 'parked')", (AGENCY,))
    _forget(connection, "1")
    assert connection.execute("select body from ops.notifications where body is not null").fetchall() == [(b"of Bob",)]


def test_a_body_that_names_only_the_record_goes(connection: psycopg.Connection[Any], source: Source) -> None:
    _sync(connection, source)
    connection.execute(
        """insert into ops.notifications (agency, body, state, object_type, change, keys)
        values (%s, 'AB', 'done', 'customer', 'update', %s)""",
        (AGENCY, Jsonb({"CustomerId": customer_id(1).upper()})),
    )
    _forget(connection, "1")
    assert connection.execute("select count(*) from ops.notifications where body is not null").fetchone() == (0,)


def test_another_agency_that_knows_the_person_keeps_its_own(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    _sync(connection, source)
    with connection.transaction():
        merge_records(
            connection, RawTable("raw_ams360", "customers"), "other", [Record("X1", "X1", {"Email": "quincy.unique@example.com"})],
            seen_at=BEGIN,
        )  # fmt: skip
    _forget(connection, "1")
    left = connection.execute(
        "select agency from raw_ams360.customers where payload::text like '%quincy.unique%'"
    ).fetchall()
    assert left == [("other",)]


def test_a_name_that_is_a_word_of_this_program_does_not_stop_it(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    """A record that somebody entered as "Prospect Personal": the words are in every derived document."""
    source.put(customer(1, FirstName="Prospect", LastName="Personal", Email="quincy.unique@example.com"))
    _sync(connection, source)
    _forget(connection, "1")
    assert "quincy.unique" not in dump(connection)


def _store(
    connection: psycopg.Connection[Any], table: str, records: Iterable[tuple[str, str | None, Mapping[str, Any]]]
) -> None:
    schema, name = table.split(".")
    with connection.transaction():
        merged = merge_records(
            connection,
            RawTable(schema, name),
            AGENCY,
            [Record(*record) for record in records],
            seen_at=BEGIN + timedelta(days=1),
        )
        mark_customers(AgencyDb(connection, AGENCY), merged.customers)


_HAWKSOFT = RuleSettings(source_system="hawksoft", prospects="all")


def _household() -> dict[str, Any]:
    zach, phil = (f"AAAAAAAA-0000-0000-0000-00000000000{number}" for number in (1, 2))
    insured = {"lastName": "Household", "relationship": "Insured"}
    return {
        "clientNumber": 12,
        "details": {
            "status": "Active",
            "isPersonal": True,
            "isCommercial": False,
            "companyName": "Zacharias Household",
        },
        "people": [
            {"id": zach, "firstName": "Zacharias", **insured},
            {"id": phil, "firstName": "Philomena", **insured},
        ],
        "contacts": [
            {"id": "1", "type": "Email", "data": "zach@example.com", "personId": zach.lower(), "priority": 1},
            {"id": "2", "type": "Email", "data": "phil@example.com", "personId": phil.lower(), "priority": 1},
            {"id": "3", "type": "CellPhone", "data": "(415) 555-0171", "personId": zach.lower()},
            {"id": "4", "type": "Email", "data": "ZACH@example.com", "personId": None, "priority": 2},
        ],
        "policies": [
            {"id": "p1", "policyNumber": "HOUSE-POLICY-1", "status": "Active", "expirationDate": "2027-01-01"}
        ],
    }


@pytest.mark.parametrize(
    ("asked", "gone", "stays"),
    [("zach@example.com", "zach", "phil"), ("phil@example.com", "phil", "zach")],
)
def test_one_of_several_people_in_a_hawksoft_client(
    connection: psycopg.Connection[Any], asked: str, gone: str, stays: str
) -> None:
    """The person's entry, emails and phones go, and the named insured that is the person; the household and the other stay."""
    _store(connection, "raw_hawksoft.clients", [("12", "12", _household())])
    refresh(connection, _HAWKSOFT, _TODAY)
    assert len(_names(connection)) == 2
    _forget(connection, asked, _HAWKSOFT)
    for _ in range(2):
        assert gone not in dump(connection)
        assert f"{stays}@example.com" in dump(connection)
        assert "house-policy-1" in dump(connection)
        assert [name[:4].lower() for name in _names(connection)] == [stays]
        skipped = connection.execute(
            "select entity, reason, rule from mart.skipped_contacts where reason = 'forgotten'"
        )
        assert skipped.fetchall() == [("person", "forgotten", "Q3")]
        # What comes next is the whole record again, then the same person under a new id in another client.
        _store(connection, "raw_hawksoft.clients", [("12", "12", _household())])
        refresh(connection, _HAWKSOFT, _TODAY)
    moved = {**_household(), "clientNumber": 13, "people": [{"id": "new", "firstName": "N.", "lastName": "N."}], "contacts": [
        {"id": "9", "type": "Email", "data": asked.upper(), "personId": "new"}]}  # fmt: skip
    _store(connection, "raw_hawksoft.clients", [("13", "13", moved)])
    refresh(connection, _HAWKSOFT, _TODAY)
    assert gone + "@" not in dump(connection)


def test_a_hawksoft_number_names_a_household_not_a_person(connection: psycopg.Connection[Any]) -> None:
    _store(connection, "raw_hawksoft.clients", [("12", "12", _household())])
    refresh(connection, _HAWKSOFT, _TODAY)
    with pytest.raises(ConfigError, match="2 people"):
        _forget(connection, "12", _HAWKSOFT)


def test_the_last_of_a_hawksoft_client_takes_the_whole_record(connection: psycopg.Connection[Any]) -> None:
    _store(connection, "raw_hawksoft.clients", [("12", "12", _household())])
    refresh(connection, _HAWKSOFT, _TODAY)
    _forget(connection, "zach@example.com", _HAWKSOFT)
    _forget(connection, "phil@example.com", _HAWKSOFT)
    _store(connection, "raw_hawksoft.clients", [("12", "12", _household())])
    refresh(connection, _HAWKSOFT, _TODAY)
    assert "household" not in dump(connection)
    assert "house-policy-1" not in dump(connection)
    assert _names(connection) == []


def test_a_qq_catalyst_contact_takes_its_account_information(connection: psycopg.Connection[Any]) -> None:
    settings = RuleSettings(source_system="qq_catalyst", prospects="all")
    person = {"ContactSubType": "C", "isAPerson": True}

    def store() -> None:
        _store(connection, "raw_qq_catalyst.contacts", [
            ("7", "7", {"EntityID": 7, **person, "FirstName": "Quincy", "LastName": "Quincyston",
                        "Email": "quincy.unique@example.com"}),
            ("8", "8", {"EntityID": 8, **person, "FirstName": "Bob", "LastName": "Roe"})])  # fmt: skip
        _store(
            connection, "raw_qq_catalyst.account_infos", [("7", "7", {"EntityID": 7, "Remark": "Quincyston's boat"})]
        )
        _store(
            connection,
            "raw_qq_catalyst.policies",
            [("70", "7", {"PolicyId": 70, "PolicyNumber": "QUINCY-1", "Status": "A"})],
        )
        refresh(connection, settings, _TODAY)

    store()
    _forget(connection, "quincy.unique@example.com", settings)
    store()
    assert "quincy" not in dump(connection)
    assert _names(connection) == ["Bob"]


@pytest.mark.parametrize("asked", ["5", "quincy.unique@example.com"])
def test_a_mycase_client_takes_the_cases_that_are_its_alone(connection: psycopg.Connection[Any], asked: str) -> None:
    settings = RuleSettings(source_system="mycase", prospects="all")

    def store() -> None:
        _store(connection, "raw_mycase.clients", [
            ("5", "client:5", {"id": 5, "first_name": "Quincy", "last_name": "Quincyston", "email": "quincy.unique@example.com"}),
            ("6", "client:6", {"id": 6, "first_name": "Bob", "last_name": "Roe", "email": "bob@example.com"})])  # fmt: skip
        _store(connection, "raw_mycase.cases", [
            ("50", None, {"id": 50, "name": "Divorce of Quincyston", "clients": [{"id": 5}]}),
            ("51", None, {"id": 51, "name": "A shared boat", "clients": [{"id": 5}, {"id": 6}]})])  # fmt: skip
        mark_customers(AgencyDb(connection, AGENCY), ["client:5", "client:6"])
        refresh(connection, settings, _TODAY)

    store()
    _forget(connection, asked, settings)
    store()
    assert "quincyston" not in dump(connection)
    assert "a shared boat" in dump(connection)
    assert _names(connection) == ["Bob"]


_BOTH = RuleSettings(benefitpoint_contacts=True)


def _account(number: int, **members: Any) -> tuple[str, str, dict[str, Any]]:
    return (str(number), str(number), {"accountID": number, "active": True, **members})


def test_a_linked_benefitpoint_account_is_the_same_person(connection: psycopg.Connection[Any], source: Source) -> None:
    """The individual's account, its contact of the same name (B6) and its plans go with the AMS360 customer."""

    def store() -> None:
        _store(connection, "raw_benefitpoint.accounts", [_account(
            5001, accountClassification="Individual", accountName="Quincyston, Quincy",
            individualAccountInfo={
                "email": "quincy.unique@example.com", "personInfo": {"firstName": "Quincy", "lastName": "Quincyston"},
                "accountIntegrationInfo": {"amsCustomerId": customer_id(1)}},
        )])  # fmt: skip
        _store(connection, "raw_benefitpoint.contacts", [("91", "5001", {"contact": {
            "contactID": 91, "firstName": "Quincy", "lastName": "Quincyston", "email": "quincy.unique@example.com"}})])  # fmt: skip
        _store(
            connection,
            "raw_benefitpoint.plans",
            [("66", "5001", {"productID": 66, "accountID": 5001, "name": "Quincyston's dental"})],
        )
        source.store(connection, range(1, 6))
        refresh(connection, _BOTH, _TODAY)

    store()
    assert connection.execute("select state from ops.account_links").fetchall() == [("confirmed",)]
    _forget(connection, "1", _BOTH)
    store()
    assert "quincyston" not in dump(connection)
    assert "quincy.unique" not in dump(connection)


def test_a_dependent_inside_a_benefitpoint_account(connection: psycopg.Connection[Any], source: Source) -> None:
    def store() -> None:
        _store(connection, "raw_benefitpoint.accounts", [_account(
            5002, accountClassification="Individual", accountName="Doe, Ann", individualAccountInfo={
                "email": "ann.doe@example.com", "personInfo": {"firstName": "Ann", "lastName": "Doe"}, "dependents": [
                    {"dependentID": 77, "relationship": "Spouse", "personInfo": {"firstName": "Hildegarde", "lastName": "Doe"}}]},
        )])  # fmt: skip
        source.store(connection, range(1, 6))
        refresh(connection, _BOTH, _TODAY)

    store()
    row = connection.execute("select contact_id::text from mart.contacts where first_name = 'Hildegarde'").fetchone()
    assert row is not None
    _forget(connection, row[0], _BOTH)
    store()
    assert "hildegarde" not in dump(connection)
    assert "ann.doe@example.com" in dump(connection)


def test_the_contacts_of_a_forgotten_persons_account_do_not_become_contacts(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    """A firm's contacts are people of their own, a person's only fill gaps (C3): the stub still says which it is."""

    def store() -> None:
        _store(connection, "raw_benefitpoint.accounts", [_account(
            5003, accountClassification="Individual", accountName="Doe, Ann",
            individualAccountInfo={"email": "ann.doe@example.com", "personInfo": {"firstName": "Ann", "lastName": "Doe"}},
        )])  # fmt: skip
        _store(connection, "raw_benefitpoint.contacts", [("92", "5003", {"contact": {
            "contactID": 92, "firstName": "Mary", "lastName": "Roe", "email": "mary@example.com"}})])  # fmt: skip
        source.store(connection, range(1, 6))
        refresh(connection, _BOTH, _TODAY)

    store()
    assert "Ann" in _names(connection)
    _forget(connection, "ann.doe@example.com", _BOTH)
    for _ in range(2):
        assert "ann.doe" not in dump(connection)
        assert _names(connection) == ["Acme LLC", "Bob", "Quincy"]
        store()
