"""M9: customers that people merged in AMS360, seen from the mart, its feed, events and the outbox."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from ams_etl.errors import ConfigError
from ams_etl.store.sending.consents import Consent, store_consents
from ams_etl.store.sending.suppressions import release, suppress
from ams_etl.sync.contacts.why import contacts_meant, survivor_of
from ams_etl.sync.customer_merges.merge_decisions import decide_merge, list_merges, undo_merge_decision
from ams_etl.sync.identity import candidate_id
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.sample_events import event
from ams_etl_tests.writeback.synced_office import sync
from ams_etl_tests.writeback.working_agency import Office, office

DUPLICATE, SURVIVOR, ALIKE = (f"00000000-0000-0000-0000-0000000000c{number}" for number in (1, 2, 3))
POLICY = "00000000-0000-0000-0000-0000000000d1"


def person(sandbox: Sandbox, key: str, **fields: Any) -> None:
    sandbox.edit(
        "customers", "insert", key,
        **{"FirstName": "Tom", "LastName": "Vale", "CustomerType": "C", "IsPersonal": True, "IsActive": True, **fields},
    )  # fmt: skip


def contact(key: str) -> str:
    return str(candidate_id("demo", "ams360", "customer", key))


@pytest.fixture
def two(connection: psycopg.Connection[Any], sandbox: Sandbox) -> Office:
    """One person twice, with different emails; the duplicate has the policy."""
    person(sandbox, DUPLICATE, Email="tom@old.example")
    person(sandbox, SURVIVOR, Email="tom@new.example")
    sandbox.edit("policies", "insert", POLICY, PolicyNumber="HO-123456", PolicyStatus="A", CustomerId=DUPLICATE,
                 PolicySubType="P", PolicyEffectiveDate="2026-01-01T00:00:00",
                 PolicyExpirationDate="2027-01-01T00:00:00")  # fmt: skip
    demo = office(connection, sandbox)
    sync(demo)
    return demo


def merges(demo: Office) -> list[Any]:
    return demo.connection.execute(
        "select contact_id::text, merged_into::text, evidence from mart.contact_merges where contact_id = any(%s)",
        ([contact(DUPLICATE), contact(SURVIVOR)],),
    ).fetchall()


def named(demo: Office, key: str = SURVIVOR) -> Any:
    return demo.connection.execute(
        "select first_name, suppressed_reason, status from mart.contacts where contact_id = %s", (contact(key),)
    ).fetchone()


def test_a_merged_customers_contact_goes_on_with_all_that_was_said_of_it(two: Office) -> None:
    """The feed says where it went; its given name, refusals, open writes and later events reach the survivor; and back."""
    number = two.customer(CustomerId=DUPLICATE)["CustomerNumber"]
    two.tell(event("name_changed", None, contact={"contact_id": contact(DUPLICATE)}, first_name="Tommy"))
    two.drain()
    two.tell(event("note", None, contact={"customer_id": DUPLICATE}))
    two.sandbox.faults(refuse=["CustomerNoteInsert"])
    two.drain()
    assert two.outbox("customer_id, status") == [(DUPLICATE, "failed")]
    two.sandbox.faults(off=True)
    store_consents(two.connection, "demo", "page", [_no_mail(two)])
    two.sandbox.ask("merge", {"duplicate": DUPLICATE, "into": SURVIVOR})
    sync(two)

    assert merges(two) == [(contact(DUPLICATE), contact(SURVIVOR), "policy_id")]
    row = two.connection.execute(
        "select op, merged_into::text from mart.changes where entity_id = %s order by seq desc limit 1",
        (contact(DUPLICATE),),
    )
    assert row.fetchone() == ("delete", contact(SURVIVOR))
    assert named(two) == ("Tommy", None, "client")
    ((mail, email),) = two.connection.execute(
        "select mart.may_send_to('demo', 'mail', %(id)s), mart.may_send_to('demo', 'email', %(id)s)",
        {"id": contact(SURVIVOR)},
    ).fetchall()
    assert (mail, email) == (False, True)
    for asked in (contact(DUPLICATE), str(number)):
        assert contacts_meant(two.connection, "demo", asked, two.agency.settings)[0].hex == contact(SURVIVOR).replace(
            "-", ""
        )
    assert survivor_of(two.connection, "demo", UUID(contact(DUPLICATE))) == UUID(contact(SURVIVOR)), "pages lead there"
    ways = [{"contact_id": contact(DUPLICATE)}, {"customer_id": DUPLICATE}, {"customer_number": number}]
    two.tell(*[event("note", None, contact=way) for way in ways])
    two.drain()
    assert two.outbox("customer_id, status") == [(SURVIVOR, "delivered")] * 4
    assert len(two.state("notes", SURVIVOR)) == 4
    two.tell(event("name_changed", None, contact={"contact_id": contact(DUPLICATE)}, first_name="Tomas"))
    two.drain()
    sync(two)
    assert named(two)[0] == "Tomas"

    person(two.sandbox, DUPLICATE, Email="tom@old.example", CustomerNumber=number)
    sync(two)
    assert merges(two) == []
    assert (named(two, DUPLICATE)[0], named(two)[0]) == ("Tommy", "Tomas")
    two.tell(event("note", None, contact={"contact_id": contact(DUPLICATE)}))
    two.drain()
    assert len(two.state("notes", DUPLICATE)) == 1


def _no_mail(demo: Office) -> Consent:
    ((moment,),) = demo.connection.execute("select now()").fetchall()
    return Consent("mail", contact(DUPLICATE), "no", moment)


@pytest.mark.parametrize(
    ("duplicate", "survivor", "suppressed"),
    [
        ("Tom (DNC)", "Tom", "do_not_contact"),
        ("Tom (Deceased)", "Tom", "deceased"),
        # Somebody else's death silences nobody.
        ("John (Deceased)", "Jane", None),
        ("Tom", "Tom", None),
    ],
)
def test_what_suppressed_the_duplicate_suppresses_the_survivor(
    two: Office, duplicate: str, survivor: str, suppressed: str | None
) -> None:
    two.sandbox.edit("customers", "update", DUPLICATE, FirstName=duplicate)
    two.sandbox.edit("customers", "update", SURVIVOR, FirstName=survivor)
    person(two.sandbox, ALIKE, FirstName="Ann", LastName="Other", Email="tom@old.example")
    sync(two)
    two.sandbox.ask("merge", {"duplicate": DUPLICATE, "into": SURVIVOR})
    sync(two)
    assert named(two)[1] == suppressed
    # A refusal stays with its address, whoever has it.
    assert named(two, ALIKE)[1] == ("do_not_contact" if suppressed == "do_not_contact" else None)


def test_an_equal_name_is_a_suggestion_that_a_user_confirms_or_refuses(two: Office) -> None:
    """Couples share names and addresses, so nothing but a record that moved, or a person, merges two."""
    two.connection.execute(
        "update raw_ams360.policies set payload = payload - 'PolicyNumber' where entity_id = %s", (POLICY,)
    )
    two.sandbox.ask("edit", {"entity": "customers", "op": "delete", "key": DUPLICATE})
    sync(two)
    assert merges(two) == []
    (suggested,) = [row for row in list_merges(two.connection, "demo") if row.customer_id == DUPLICATE]
    assert (suggested.state, suggested.evidence, suggested.other_id) == ("suggested", "name", SURVIVOR)
    with pytest.raises(ConfigError, match="expected a customer of demo that AMS360 deleted"):
        decide_merge(two.connection, "demo", SURVIVOR, DUPLICATE, "confirmed", decided_by="Ann")
    decide_merge(two.connection, "demo", DUPLICATE, SURVIVOR, "confirmed", decided_by="Ann")
    sync(two)
    assert merges(two) == [(contact(DUPLICATE), contact(SURVIVOR), "confirmed")]
    decide_merge(two.connection, "demo", DUPLICATE, SURVIVOR, "refused", decided_by="Ann")
    sync(two)
    assert merges(two) == []
    assert [row.state for row in list_merges(two.connection, "demo") if row.customer_id == DUPLICATE] == ["refused"]
    assert undo_merge_decision(two.connection, "demo", DUPLICATE, SURVIVOR)
    assert not undo_merge_decision(two.connection, "demo", DUPLICATE, SURVIVOR)


def test_a_tie_by_records_is_a_suggestion(two: Office) -> None:
    """Two customers have a policy each of the one that is gone: nobody knows who it was merged into, so a user is asked."""
    person(two.sandbox, ALIKE, FirstName="Ann", LastName="Other", Email="ann@other.example")
    second = POLICY[:-1] + "2"
    two.sandbox.edit("policies", "insert", second, PolicyNumber="AU-654321", PolicyStatus="A", CustomerId=DUPLICATE,
                     PolicySubType="P", PolicyEffectiveDate="2026-01-01T00:00:00",
                     PolicyExpirationDate="2027-01-01T00:00:00")  # fmt: skip
    sync(two)
    two.sandbox.edit("policies", "update", POLICY, CustomerId=SURVIVOR)
    two.sandbox.edit("policies", "update", second, CustomerId=ALIKE)
    two.sandbox.ask("edit", {"entity": "customers", "op": "delete", "key": DUPLICATE})
    sync(two)
    assert merges(two) == []
    found = {row.other_id: row.evidence for row in list_merges(two.connection, "demo") if row.customer_id == DUPLICATE}
    assert found == {SURVIVOR: "name, records", ALIKE: "records"}
    decide_merge(two.connection, "demo", DUPLICATE, ALIKE, "refused", decided_by="Ann")
    sync(two)
    assert merges(two) == [(contact(DUPLICATE), contact(SURVIVOR), "policy_id")]


def test_a_wrong_step_of_a_chain_is_refused_where_its_middle_is_gone(two: Office) -> None:
    """A user confirmed the first step; then its survivor was merged into a third customer."""
    person(two.sandbox, ALIKE, FirstName="Ann", LastName="Other", Email="ann@third.example")
    two.sandbox.edit("policies", "update", POLICY, PolicyNumber=None)
    sync(two)
    two.sandbox.ask("edit", {"entity": "customers", "op": "delete", "key": DUPLICATE})
    sync(two)
    decide_merge(two.connection, "demo", DUPLICATE, SURVIVOR, "confirmed", decided_by="Ann")
    two.sandbox.ask("edit", {"entity": "customers", "op": "delete", "key": SURVIVOR})
    sync(two)
    decide_merge(two.connection, "demo", SURVIVOR, ALIKE, "confirmed", decided_by="Ann")
    sync(two)
    assert merges(two) == [(contact(key), contact(ALIKE), "confirmed") for key in (DUPLICATE, SURVIVOR)]
    with pytest.raises(ConfigError, match="expected a customer of demo in AMS360"):
        decide_merge(two.connection, "demo", DUPLICATE, SURVIVOR, "confirmed", decided_by="Ann")
    decide_merge(two.connection, "demo", DUPLICATE, SURVIVOR, "refused", decided_by="Ann")
    sync(two)
    assert merges(two) == [(contact(SURVIVOR), contact(ALIKE), "confirmed")]


def test_an_open_write_follows_its_customer_and_comes_back_with_it(two: Office) -> None:
    two.tell(event("note", None, contact={"customer_id": DUPLICATE}))
    two.sandbox.faults(refuse=["CustomerNoteInsert"])
    two.sandbox.ask("merge", {"duplicate": DUPLICATE, "into": SURVIVOR})
    two.drain()
    sync(two)
    two.drain()
    assert two.outbox("customer_id, lane, former_customer_id, status") == [(SURVIVOR, SURVIVOR, DUPLICATE, "failed")]
    person(two.sandbox, DUPLICATE, Email="tom@old.example")
    sync(two)
    two.sandbox.faults(off=True)
    two.drain()
    assert two.outbox("customer_id, lane, former_customer_id, status") == [(DUPLICATE, DUPLICATE, None, "delivered")]


def test_two_contacts_that_become_one_by_a_shared_email_are_a_merge_too(two: Office) -> None:
    older, newer = sorted((contact(DUPLICATE), contact(SURVIVOR)))
    two.sandbox.edit("customers", "update", DUPLICATE, Email="tom@new.example")
    sync(two)
    ((gone, into, evidence),) = merges(two)
    assert {gone, into} == {older, newer}
    assert evidence == "email"
    row = two.connection.execute(
        "select op, merged_into::text from mart.changes where entity_id = %s order by seq desc limit 1", (gone,)
    )
    assert row.fetchone() == ("delete", into)
    two.tell(event("note", None, contact={"contact_id": gone}))
    two.drain()
    assert two.outbox("status") == ["delivered"]
    two.sandbox.edit("customers", "update", DUPLICATE, Email="tom@old.example")
    sync(two)
    assert merges(two) == []


def test_a_suppression_by_hand_goes_along(two: Office) -> None:
    """N17: whoever said that nobody writes to the duplicate said it of the person; the survivor can be released."""
    suppress(two.connection, "demo", UUID(contact(DUPLICATE)), by="Ann")
    two.sandbox.ask("merge", {"duplicate": DUPLICATE, "into": SURVIVOR})
    sync(two)
    assert named(two)[1] == "by_hand"
    assert release(two.connection, "demo", UUID(contact(SURVIVOR))) == 1
    sync(two)
    assert named(two)[1] is None
