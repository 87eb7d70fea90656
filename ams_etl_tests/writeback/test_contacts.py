"""Which contact an event is about: the contacts of a synced agency, and what writing does to the next sync."""

from typing import Any

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.writeback.planning.expand import expand_events
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.sample_events import event
from ams_etl_tests.writeback.synced_office import sync
from ams_etl_tests.writeback.working_agency import ZONE, Office, office


@pytest.fixture
def synced(connection: psycopg.Connection[Any], sandbox: Sandbox) -> Office:
    sandbox.edit("customers", "insert", "00000000-0000-0000-0000-0000000000a1", LastName="Shared", FirstName="Al",
                 Email="shared@x.example", CustomerType="P", IsPersonal=True, IsActive=True)  # fmt: skip
    sandbox.edit("customers", "insert", "00000000-0000-0000-0000-0000000000a2", LastName="Shared", FirstName="Al",
                 Email="SHARED@x.example", CustomerType="C", IsPersonal=True, IsActive=True)  # fmt: skip
    sandbox.edit("policies", "insert", "00000000-0000-0000-0000-0000000000b2", PolicyNumber="P1", PolicyStatus="A",
                 CustomerId="00000000-0000-0000-0000-0000000000a2", PolicySubType="P", FullTermPremium="10",
                 PolicyEffectiveDate="2026-01-01T00:00:00", PolicyExpirationDate="2027-01-01T00:00:00")  # fmt: skip
    demo = office(connection, sandbox)
    sync(demo)
    return demo


def test_an_event_reaches_the_customer_of_its_contact_however_it_names_it(synced: Office) -> None:
    """W11: of several customers the client's, though its number is higher; the one that is named wins."""
    row = synced.connection.execute("select contact_id::text from mart.contact_emails where email = 'shared@x.example'")
    (contact,) = row.fetchone() or ("",)
    prospect, client = (f"00000000-0000-0000-0000-0000000000a{entry}" for entry in (1, 2))
    number = synced.customer(CustomerId=prospect)["CustomerNumber"]
    ways: list[dict[str, Any]] = [
        {"contact_id": contact}, {"email": "Shared@X.example"}, {"customer_number": number}, {"customer_id": prospect},
        {"customer_id": prospect, "contact_id": contact}, {"contact_id": contact, "email": "nobody@x.example"},
    ]  # fmt: skip
    synced.tell(*[event("note", None, contact=way) for way in ways])
    synced.drain()
    assert synced.outbox("customer_id") == [client, client, prospect, prospect, prospect, client]
    assert len(synced.state("notes", client)) == 3


def test_a_created_contact_that_the_mart_knows_by_email_is_not_searched_for_in_ams360(synced: Office) -> None:
    """W6: our own crosswalk first."""
    synced.sandbox.ask("reset-stats", {})
    synced.tell(
        event("contact_created", None, contact={"email": "shared@x.example"}, properties={"last_name": "Other"})
    )
    synced.drain()
    assert synced.outbox("status, target_id") == [("delivered", "00000000-0000-0000-0000-0000000000a2")]
    assert "CustomerGetListByNamePrefix" not in synced.sandbox.stats()["calls"]


def test_a_policy_shell_makes_no_client_until_it_carries_a_premium(synced: Office) -> None:
    """W8, L1: the deal's own policy must not turn the prospect into a client by itself."""
    prospect = "00000000-0000-0000-0000-0000000000a1"
    synced.connection.execute("delete from mart.contact_emails where email = 'shared@x.example'")
    synced.sandbox.edit("customers", "update", prospect, Email="alone@x.example")
    synced.tell(event("deal_won", prospect))
    synced.drain()
    (shell,) = synced.state("policies", prospect)
    sync(synced)
    status = "select document ->> 'status' from stage.candidates where entity_id = %s"
    assert synced.connection.execute(status, (prospect,)).fetchone() == ("prospect",)
    synced.sandbox.edit("policies", "update", shell["PolicyId"], FullTermPremium="120.00")
    sync(synced)
    assert synced.connection.execute(status, (prospect,)).fetchone() == ("client",)


def test_a_contact_that_nobody_knows_waits_and_is_written_to_once_it_is_known(synced: Office) -> None:
    """And refused with its reason after the days that the agency gives it."""
    synced.tell(
        event("note", None, contact={"email": "later@x.example"}),
        event("meeting", None, contact={"email": "no@x.example"}),
    )
    synced.drain()
    assert synced.outbox() == []
    synced.tell(event("contact_created", None, contact={"email": "later@x.example"}, properties={"last_name": "Later"}))
    synced.connection.execute("update ops.events set look_again_at = now()")
    synced.connection.execute("update ops.events set received_at = now() - interval '15 days' where kind = 'meeting'")
    synced.drain()
    rows = synced.connection.execute("select kind, state from ops.events order by seq").fetchall()
    # The note was planned before the contact was: it waits for one more turn.
    synced.connection.execute("update ops.events set look_again_at = now()")
    synced.drain()
    assert dict(rows)["meeting"] == "refused"
    assert synced.outbox() == [("customer", "delivered"), ("note", "delivered")]
    (note,) = synced.state("notes")
    assert note["CustomerId"] == synced.outbox("target_id")[0]


def test_two_agencies_do_not_meet(synced: Office, database: str) -> None:
    """The same event of another agency is another event, and finds nobody there."""
    given = event("note", None, contact={"email": "shared@x.example"})
    synced.tell(given)
    with connect(database) as own:
        other = office(own, synced.sandbox)
        other = Office(own, synced.sandbox, other.agency.model_copy(update={"id": "other"}))
        other.tell(given)
        other.drain()
    assert synced.connection.execute("select agency, state from ops.events order by 1").fetchall() == [
        ("demo", "received"), ("other", "waiting"),
    ]  # fmt: skip


def test_a_contact_that_turns_out_to_be_a_customer_joins_the_customers_lane(synced: Office) -> None:
    """What waits for the contact comes after what waits for the customer, and no two of it are sent at once."""
    key = synced.sandbox.edit("customers", "insert", LastName="Zwick", Email="z@x.example", CustomerType="C")
    assert key is not None
    synced.tell(event("note", key, text="first"))
    synced.connection.execute("update ops.events set look_again_at = now()")
    with synced.connection.transaction():
        expand_events(synced.connection, synced.agency, ZONE)
        synced.connection.execute("update ops.writebacks set not_before = now() + interval '1 hour'")
    contact = {"email": "z@x.example"}
    synced.tell(
        event("contact_created", None, contact=contact, properties={"last_name": "Zwick"}),
        event("note", None, contact=contact, text="second"), event("note", key, text="third"),
        event("note", None, contact=contact, text="fourth"),
    )  # fmt: skip
    synced.drain()
    assert synced.outbox("operation, status, lane") == [
        ("note", "pending", key), ("customer", "delivered", "email:z@x.example"), *[("note", "waiting", key)] * 3,
    ]  # fmt: skip
    synced.connection.execute("update ops.writebacks set not_before = now()")
    synced.drain()
    told = [note["NoteText"].splitlines()[1] for note in synced.state("notes", key)]
    assert told == ["first", "second", "third", "fourth"]


def test_a_search_reads_so_many_namesakes_and_no_more(synced: Office) -> None:
    """W12: list rows carry no email, so each that raw lacks would be a call; a name like Smith has hundreds."""
    person: dict[str, Any] = {"IsPersonal": True, "CustomerType": "C", "IsActive": True, "LastName": "Crowd"}
    for number in range(40):
        synced.sandbox.edit(
            "customers", "insert", FirstName=f"Given{number}", Email=f"{number}@crowd.example", **person
        )
    before = synced.sandbox.stats()["calls"]["CustomerGetById"]
    name = {"first_name": "Zed", "last_name": "Crowd"}
    synced.tell(event("contact_created", None, contact={"email": "zed@new.example"}, properties=name))
    synced.drain()
    assert synced.sandbox.stats()["calls"]["CustomerGetById"] - before == 25
    assert synced.outbox("status") == ["delivered"]


def test_a_created_contact_is_found_by_email_whatever_it_is_called(synced: Office) -> None:
    """W12: inactive, skipped by the settings under another name, or not synced yet: nobody is made a second time."""
    sandbox = synced.sandbox
    person: dict[str, Any] = {"IsPersonal": True, "CustomerType": "C"}
    inactive = sandbox.edit(
        "customers",
        "insert",
        LastName="Quimby",
        FirstName="Robert",
        Email="bob@quimby.example",
        IsActive=False,
        **person,
    )
    skipped = sandbox.edit(
        "customers",
        "insert",
        LastName="Married",
        FirstName="Jo",
        Email="a@jo.example; jo@jo.example",
        IsActive=False,
        **person,
    )
    sync(synced)
    assert synced.connection.execute(
        "select count(*) from mart.contact_sources where customer_id = any(%s)", ([inactive, skipped],)
    ).fetchone() == (0,)
    unsynced = sandbox.edit(
        "customers", "insert", LastName="Vale", FirstName="William", Email="will@vale.example", IsActive=True, **person
    )
    # Namesakes that raw has are not read.
    before = sandbox.stats()["calls"]
    synced.tell(
        event("contact_created", None, contact={"email": "bob@quimby.example"},
              properties={"first_name": "Bob", "last_name": "Quimby"}),
        event("contact_created", None, contact={"email": "JO@jo.example"},
              properties={"first_name": "Jo", "last_name": "Maiden"}),
        event("contact_created", None, contact={"email": "will@vale.example"},
              properties={"first_name": "Bill", "last_name": "Vale"}),
    )  # fmt: skip
    synced.drain()
    assert synced.outbox("target_id, note") == [
        (key, "exists already: same email; nothing to change") for key in (inactive, skipped, unsynced)
    ]
    assert sandbox.ask("writes") == []
    assert sandbox.stats()["calls"]["CustomerGetById"] - before["CustomerGetById"] <= 6


def test_an_address_that_is_nobodys_or_many_peoples_identifies_nobody(synced: Office) -> None:
    """M5: a customer each, and nobody's note in a stranger's record."""
    for number in range(6):
        synced.sandbox.edit("customers", "insert", LastName=f"Office{number}", Email="office@many.example",
                            CustomerType="C", IsPersonal=True, IsActive=True)  # fmt: skip
    sync(synced.with_merging("source_id"))
    given = [(f"New{number}", email) for number in range(2) for email in ("none@none.com", "office@many.example")]
    synced.tell(
        *[event("contact_created", None, contact={"email": email}, properties={"last_name": name}) for name, email in given],
        event("note", None, contact={"email": "none@none.com"}),
        event("note", None, contact={"email": "office@many.example"}),
    )  # fmt: skip
    synced.drain()
    assert synced.outbox("note") == ["created"] * 4
    assert len(set(synced.outbox("target_id"))) == 4
    states = synced.connection.execute("select state from ops.events where kind = 'note'").fetchall()
    assert states == [("waiting",)] * 2


def test_a_new_name_reaches_its_contact_however_the_event_names_it(synced: Office) -> None:
    """N12, W11: by customer id, by customer number, by contact id and by email, whatever the case of the id."""
    key = synced.sandbox.edit("customers", "insert", LastName="Renamed", Email="re@named.example", CustomerType="C",
                              IsPersonal=True, IsActive=True)  # fmt: skip
    sync(synced)
    (contact,) = synced.connection.execute(
        "select contact_id::text from mart.contact_sources where customer_id = %s", (key,)
    ).fetchone() or ("",)
    number = synced.customer(CustomerId=key)["CustomerNumber"]
    ways: list[dict[str, Any]] = [
        {"customer_id": key}, {"customer_id": str(key).upper()}, {"customer_number": number}, {"contact_id": contact},
        {"email": "RE@named.example"},
    ]  # fmt: skip
    for place, way in enumerate(ways):
        synced.tell(event("name_changed", None, contact=way, first_name=f"Name{place}"))
        synced.drain()
        rows = synced.connection.execute("select contact_id::text, first_name from ops.name_overrides").fetchall()
        assert rows == [(contact, f"Name{place}")]
    assert synced.sandbox.ask("writes") == []


def test_a_name_for_an_address_that_several_contacts_have_renames_none_of_them(synced: Office) -> None:
    """With `merge_by: source_id` two contacts share it: the event is refused, and says who the candidates are."""
    apart = synced.with_merging("source_id")
    sync(apart)
    contacts = [
        row[0]
        for row in synced.connection.execute(
            "select contact_id::text from mart.contact_emails where email = 'shared@x.example' order by 1"
        )
    ]
    assert len(contacts) == 2
    apart.tell(event("name_changed", None, contact={"email": "shared@x.example"}, first_name="Jo"))
    apart.drain()
    ((state, error),) = synced.connection.execute("select state, error from ops.events").fetchall()
    assert state == "refused"
    assert ", ".join(contacts) in error
    assert synced.connection.execute("select count(*) from ops.name_overrides").fetchone() == (0,)


def test_a_time_is_not_written_in_a_zone_that_nobody_said(synced: Office) -> None:
    """The note waits and says for which setting; an event that names its zone, or needs none, does not."""
    key = synced.customer()["CustomerId"]
    synced.tell(
        event("note", key), event("ticket_created", key, timezone="America/Los_Angeles", conversation=None),
        event("properties_found", key),
    )  # fmt: skip
    expand_events(synced.connection, synced.agency, None)
    states = synced.connection.execute("select state, left(error, 27) from ops.events order by seq").fetchall()
    assert states == [("waiting", "set `writeback.timezone` of"), ("planned", None), ("planned", None)]
    (due,) = synced.outbox("request -> 'Suspense' ->> 'DueDate'", "operation = 'suspense'")
    assert due == "2026-06-03T06:45:00"
    synced.connection.execute("update ops.events set look_again_at = now()")
    expand_events(synced.connection, synced.with_settings(timezone="America/New_York").agency, None)
    (date_of_note,) = synced.outbox("request -> 'CustomerNote' ->> 'NoteDate'", "operation = 'note'")
    assert date_of_note == "2026-06-01T14:30:00"
