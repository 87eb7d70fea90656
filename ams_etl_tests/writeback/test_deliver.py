"""What is written to AMS360 because of each event: against the sandbox, with its own checks."""

from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError, TransientError
from ams_etl.rules.writeback.model import Happening
from ams_etl.writeback.outbox.outbox import Outbox
from ams_etl.writeback.people.claims import claims
from ams_etl.writeback.people.preview import planned_records
from ams_etl.writeback.people.stuck_writes import list_writebacks, replay, resolve
from ams_etl.writeback.planning import ams360_events
from ams_etl.writeback.planning.expand import expand_events
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.sample_events import ACTOR, event, file
from ams_etl_tests.writeback.working_agency import ZONE, Office, faults, office

_CONVERSATIONS = ("email", "call", "text", "handwritten_card", "meeting", "voice_note")


@pytest.fixture
def demo(connection: psycopg.Connection[Any], sandbox: Sandbox) -> Office:
    return office(connection, sandbox)


def test_notes_become_notes_and_conversations_activities_with_name_and_link(demo: Office) -> None:
    """W1, W2, W3: nothing else is written, and each text says who did it and where to read it."""
    key = demo.customer()["CustomerId"]
    demo.tell(*[event(kind, key) for kind in ("note", *_CONVERSATIONS)])
    demo.drain()
    (note,), found = demo.state("notes"), demo.state("activities")
    assert [write["operation"] for write in demo.sandbox.ask("writes")].count("CustomerNoteInsert") == 1
    assert len(found) == len(_CONVERSATIONS) == len(demo.sandbox.ask("writes")) - 1
    for text in (note["NoteText"], *(entry["Description"] for entry in found)):
        assert "Ann Lee" in text.splitlines()[0]
        assert "Link: https://platform.example/c/1" in text
    assert {entry["ActivityAction"] for entry in found} == {
        "E-mail Out", "Telephone Out", "Text Message", "Letter", "Appointment", "Voice Note",
    }  # fmt: skip
    assert {(entry["ActivityDate"], entry["ActivityTime"]) for entry in found} == {("2026-06-01T00:00:00", "PT13H30M")}
    (mail,) = [entry for entry in found if entry["ActivityAction"] == "E-mail Out"]
    assert "Dear Jo,\nsee below." in mail["Description"]


def test_the_employee_and_the_call_type_come_from_the_agency(demo: Office) -> None:
    """W2, W3: the user mapping gives EmployeeCode; `billing` is what the agency calls it."""
    customer = demo.customer(AccountExecCode="<&>")
    codes = sorted({"<&>", *(employee["EmployeeCode"] for employee in demo.state("employees"))})
    for code in codes[:3]:
        demo.connection.execute(
            "insert into ops.user_mappings values ('demo', 'Executive', %s, 'user-1', 'Ann')", (code,)
        )
    settings = demo.agency.settings.__class__(activity_actions={"Billing": "Billing inquiry", "call": "Call"})
    agency = demo.agency.model_copy(update={"settings": settings})
    changed = Office(demo.connection, demo.sandbox, agency)
    changed.tell(event("call", customer["CustomerId"]), event("call", customer["CustomerId"], call_type="other"))
    changed.drain()
    assert [(activity["ActivityAction"], activity["EmployeeCode"]) for activity in demo.state("activities")] == [
        ("Billing inquiry", codes[0]), ("Call", codes[0]),
    ]  # fmt: skip


def test_files_are_uploaded_whole_and_again_after_a_half_success(demo: Office) -> None:
    """W3: in chunks, name and type kept; one that is too large is named in the text instead."""
    key = demo.customer()["CustomerId"]
    small = demo.with_settings(chunk_bytes=1000, attachment_max_bytes=5000)
    small.tell(
        event("email", key, attachments=[file("a.pdf", bytes(2500)), file("big.zip", bytes(6000), "application/zip")])
    )
    with faults(demo.sandbox, cut={"next": 1, "operations": ["FileChunkEnd"]}):
        small.drain()
    (found,) = demo.state("activities")
    (document,) = found["Attachments"]["Doc360Document"]
    assert (document["SourceFileName"], document["DocumentType"], document["TotalBytes"]) == (
        "a.pdf",
        "application/pdf",
        2500,
    )
    assert "Not attached: big.zip (6,000 bytes)" in found["Description"]
    assert demo.sandbox.stats()["calls"]["FileChunkSend"] == 6


def test_a_ticket_is_a_suspense_due_at_its_time_with_the_activity_of_its_conversation(demo: Office) -> None:
    """W5: and completing the ticket completes the suspense, whichever is sent first."""
    key = demo.customer()["CustomerId"]
    demo.tell(event("ticket_completed", None), event("ticket_created", key))
    demo.drain()
    (suspense,), (activity,) = demo.state("suspenses"), demo.state("activities")
    assert (suspense["CustomerId"], suspense["DueDate"], suspense["IsCompleted"]) == (key, "2026-06-03T08:45:00", False)
    assert suspense["Description"].startswith("Ticket by Ann Lee: Send the certificate")
    assert "Needs a certificate." in activity["Description"]
    assert demo.connection.execute("select state from ops.events order by seq limit 1").fetchone() == ("waiting",)
    demo.connection.execute("update ops.events set look_again_at = now()")
    demo.drain()
    (after,) = demo.state("suspenses")
    assert {**after, "IsCompleted": False, "CompletedBy": None, "CompletedDate": None} == suspense
    assert after["IsCompleted"]


def test_a_created_contact_is_a_suspect_a_deal_makes_it_a_prospect_and_winning_a_customer(demo: Office) -> None:
    """W6, W7, W8: one customer all the way up, never down, and a policy shell that is known as one."""
    contact = {"contact_id": "00000000-0000-4000-8000-00000000c0de", "email": "jo@acme.example"}
    person = {"first_name": "Jo", "last_name": "Doe", "business_phone": "(217) 555-0123"}
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("contact_created", "S", {"record_type": "commercial", "account_name": "Acme Ltd", "properties": person}),
        ("deal_created", "P", {}), ("contact_created", "P", {}), ("deal_won", "C", {}), ("deal_created", "C", {}),
    ]  # fmt: skip
    before = {customer["CustomerId"] for customer in demo.state("customers")}
    for kind, expected, more in steps:
        demo.tell(event(kind, None, contact=contact, **more))
        demo.drain()
        (made,) = [customer for customer in demo.state("customers") if customer["CustomerId"] not in before]
        assert made["CustomerType"] == expected
    assert (made["FirmName"], made["FirstName"], made["Email"]) == ("Acme Ltd", "Jo", "jo@acme.example")
    assert (made["BusinessAreaCode"], made["BusinessPhone"], made["IsCommercial"]) == ("217", "5550123", True)
    (shell,) = demo.state("policies", made["CustomerId"])
    assert demo.connection.execute("select policy_id from ops.policy_shells").fetchall() == [(shell["PolicyId"],)]
    assert not shell.get("LineOfBusinessList")
    assert (shell["PolicyEffectiveDate"][:10], shell["PolicyExpirationDate"][:10]) == ("2026-06-01", "2027-06-01")


def test_a_contact_that_ams360_has_already_is_not_created_again(demo: Office) -> None:
    """W6, W12: by email, by name and phone, by name and ZIP; a namesake elsewhere is somebody else."""
    at = {"AddressLine1": "1 Way", "State": "IL"}
    there = {
        "by email": demo.sandbox.edit("customers", "insert", LastName="Zwick", Email="a@x.example; z@x.example", CustomerType="C"),
        "by phone": demo.sandbox.edit(
            "customers", "insert", LastName="Zzyx", HomeAreaCode="217", HomePhone="555-0199", CustomerType="C"),
        "by ZIP": demo.sandbox.edit(
            "customers", "insert", LastName="Zorn", FirstName="Al", ZipCode="62701-1234", CustomerType="P", **at),
    }  # fmt: skip
    demo.tell(
        event("contact_created", None, contact={"email": "z@x.example"}, properties={"last_name": "Zwick"}),
        event("contact_created", None, contact={"email": "p@x.example"},
              properties={"last_name": "Zzyx", "cell_phone": "+1 217 555 0199"}),
        event("contact_created", None, contact={"email": "q@x.example"},
              properties={"first_name": "AL", "last_name": "zorn", "postal_code": "62701"}),
        event("contact_created", None, contact={"email": "r@x.example"},
              properties={"first_name": "Al", "last_name": "Zorn", "postal_code": "10001"}),
    )  # fmt: skip
    demo.drain()
    targets = demo.outbox("target_id")
    assert targets[:3] == list(there.values())
    assert targets[3] not in there.values()
    # The one found by phone had no cell phone.
    assert sorted(write["operation"] for write in demo.sandbox.ask("writes")) == ["CustomerInsert", "CustomerUpdate"]
    assert demo.customer(CustomerId=there["by phone"])["CellPhone"] == "5550199"


def test_a_suspect_that_is_there_gets_its_firm_name_and_a_customer_keeps_its_own(demo: Office) -> None:
    """W6: the account's name, where the suspect has none."""
    suspect = demo.sandbox.edit("customers", "insert", LastName="Zwick", Email="s@x.example", CustomerType="S")
    client = demo.sandbox.edit("customers", "insert", LastName="Zorn", Email="c@x.example", CustomerType="C")
    for email, name in (("s@x.example", "Zwick"), ("c@x.example", "Zorn")):
        demo.tell(event("contact_created", None, contact={"email": email}, record_type="commercial", account_name=name,
                        properties={"last_name": name}))  # fmt: skip
    demo.drain()
    assert demo.outbox("target_id") == [suspect, client]
    assert demo.customer(CustomerId=suspect)["FirmName"] == "Zwick"
    assert demo.customer(CustomerId=client).get("FirmName") is None


def _known(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


def test_only_named_properties_change_and_nothing_is_blanked(demo: Office) -> None:
    """W4: blanks and names are left alone, the tax number survives, and raw has the customer as it is now."""
    from ams_etl.sync.extract.ams360 import extract
    from ams_etl.sync.scope import SyncScope

    before = demo.customer(IsPersonal=True)
    key = before["CustomerId"]
    demo.sandbox.edit("customers", "update", key, FederalTaxIdNumber="12-3456789", Occupation="Clerk")
    extract(demo.connection, "demo", demo.sandbox.connection(), SyncScope((key,)))
    demo.connection.execute("delete from stage.dirty_customers")
    before = demo.customer(CustomerId=key)
    given = {"occupation": "Baker", "city": " ", "email": None, "last_name": "Other", "home_phone": "217-555-0142"}
    demo.tell(event("call", key, properties=given))
    demo.drain()
    wanted = {"Occupation": "Baker", "HomeAreaCode": "217", "HomePhone": "5550142"}
    assert _known(demo.customer(CustomerId=key)) == {**_known(before), **wanted}
    raw = demo.connection.execute("select payload from raw_ams360.customers where entity_id = %s", (key,)).fetchone()
    assert raw is not None
    assert wanted.items() <= raw[0].items()
    assert "12-3456789" not in str(raw[0])
    assert demo.connection.execute("select customer_id from stage.dirty_customers").fetchall() == [(key,)]
    again = extract(demo.connection, "demo", demo.sandbox.connection(), SyncScope((key,)))
    assert again.tables["customers"].updated == 0


def test_what_is_not_written_is_named_in_the_event(demo: Office) -> None:
    """W4: an invalid phone number is left out with a note, not silently, and its value is not repeated."""
    key = demo.customer()["CustomerId"]
    demo.tell(event("properties_found", key, properties={"cell_phone": "call me", "occupation": "Baker"}))
    demo.tell(event("properties_found", key, properties={"occupation": "Baker"}))
    demo.drain()
    assert demo.connection.execute("select state, note from ops.events order by seq").fetchall() == [
        ("planned", "cell_phone is not written: not a ten-digit phone number"), ("planned", None),
    ]  # fmt: skip
    assert demo.customer(CustomerId=key)["Occupation"] == "Baker"


def test_the_claims_of_a_killed_deliverer_are_named_with_what_waits_for_them(demo: Office) -> None:
    """How many writes, whose claim, until when; nothing behind it is delivered meanwhile."""
    key = demo.customer()["CustomerId"]
    demo.tell(event("note", key), event("note", key))
    demo.connection.execute("update ops.events set look_again_at = now()")
    expand_events(demo.connection, demo.agency, ZONE)
    killed = Outbox(demo.connection, "demo", "ams360", "host/1/killed", 180.0, frozenset())
    assert len(killed.claim(10)) == 1
    demo.drain()
    (claim,) = claims(demo.connection, "demo")
    assert (claim.system, claim.claimed_by, claim.claimed, claim.behind) == ("ams360", "host/1/killed", 1, 1)
    assert str(claim).startswith("2 writes to ams360 wait for the claim of host/1/killed until ")
    assert demo.outbox("status") == ["claimed", "waiting"]


def test_a_customer_that_somebody_changes_meanwhile_keeps_both_changes(demo: Office) -> None:
    """W4: what was read is read again before it is written; the person's change, made in between, stays."""
    import threading
    import time

    key = demo.customer()["CustomerId"]
    demo.tell(event("properties_found", key))

    def person() -> None:
        while not demo.sandbox.stats()["calls"].get("CustomerGetById"):
            time.sleep(0.01)
        demo.sandbox.edit("customers", "update", key, City="Elsewhere")

    with faults(demo.sandbox, slow_ms={"CustomerGetById": 400}):
        editor = threading.Thread(target=person)
        editor.start()
        demo.drain()
        editor.join()
    after = demo.customer(CustomerId=key)
    assert (after["Occupation"], after["City"]) == ("Baker", "Elsewhere")


def test_a_long_text_is_told_in_parts_and_nothing_of_it_is_lost(demo: Office) -> None:
    """W13: each part says who and which; they come in order."""
    key = demo.customer()["CustomerId"]
    text = " ".join(f"word{number}" for number in range(300))
    demo.with_settings(text_limits={"CustomerNote.NoteText": 400}).tell(event("note", key, text=text))
    demo.with_settings(text_limits={"CustomerNote.NoteText": 400}).drain()
    notes = [note["NoteText"] for note in demo.state("notes")]
    assert all(len(note) <= 400 for note in notes)
    assert [note.splitlines()[0] for note in notes] == [
        f"Note by Ann Lee ({number}/{len(notes)})" for number in range(1, len(notes) + 1)
    ]
    assert "".join(note.split("\n", 1)[1].rsplit("\nLink:", 1)[0] for note in notes) == text


def test_a_new_name_stays_here_and_its_contact_is_planned_again(demo: Office) -> None:
    """N12: nothing goes to AMS360."""
    contact = "00000000-0000-4000-8000-00000000c0de"
    demo.tell(event("name_changed", None, contact={"contact_id": contact}, first_name="Jo", last_name="Doe"))
    demo.tell(event("name_changed", None, contact={"contact_id": contact}, first_name="Joe"))
    demo.drain()
    row = demo.connection.execute("select first_name, last_name, set_by from ops.name_overrides").fetchone()
    assert row == ("Joe", "Doe", ACTOR["name"])
    assert demo.connection.execute("select kind, id from stage.touched").fetchall() == [("candidate", contact)]
    assert demo.sandbox.ask("writes") == []


def test_an_event_that_a_person_inserts_counts_too(demo: Office) -> None:
    """With nothing but its kind and payload; a bad one says what is wrong with it."""
    key = demo.customer()["CustomerId"]
    demo.connection.execute(
        """insert into ops.events (agency, kind, payload) values ('demo', 'note', jsonb_build_object('text', 'By hand',
            'occurred_at', now(), 'actor', '{"name": "Ann"}'::jsonb, 'contact', jsonb_build_object('customer_id', %s::text))),
            ('demo', 'note', '{}')""",
        (key,),
    )
    demo.drain()
    (note,) = demo.state("notes")
    assert "By hand" in note["NoteText"]
    states = demo.connection.execute("select state, left(error, 4) from ops.events order by seq").fetchall()
    assert states == [("planned", None), ("refused", "note")]


def test_a_lost_reply_to_what_can_be_looked_up_is_looked_up_and_not_sent_again(demo: Office) -> None:
    """W9: suspense, customer, policy, property and completed suspense, each carried out and its reply lost."""
    key = demo.customer()["CustomerId"]
    lost = ["CustomerSuspenseInsert", "CustomerInsert", "PolicyInsert", "CustomerUpdate", "CustomerSuspenseUpdate"]
    demo.tell(
        event("ticket_created", key, conversation=None), event("ticket_completed", None), event("properties_found", key),
        event("deal_won", None, contact={"email": "new@x.example"}, properties={"last_name": "New"}),
    )  # fmt: skip
    for operation in lost:
        with faults(demo.sandbox, lost={"next": 1, "operations": [operation]}):
            demo.drain()
    assert set(demo.outbox("status")) == {"delivered"}
    writes = [write["operation"] for write in demo.sandbox.ask("writes")]
    assert sorted(writes) == sorted(lost)


def test_a_lost_reply_to_what_cannot_be_read_waits_for_a_person_and_holds_nobody_up(demo: Office) -> None:
    """W9: an activity and a note; `again` sends it, `delivered` does not."""
    key = demo.customer()["CustomerId"]
    demo.tell(event("meeting", key), event("note", key), event("call", key))
    with faults(demo.sandbox, lost={"next": 2, "operations": ["CustomerNoteInsert", "CustomerActivityInsert"]}):
        demo.drain()
    assert demo.outbox("status") == ["uncertain", "uncertain", "delivered"]
    first, second = list_writebacks(demo.connection, "demo")
    assert "may have been carried out" in (first.error or "")
    resolve(demo.connection, "demo", first.writeback_id, "delivered", target_id="seen")
    resolve(demo.connection, "demo", second.writeback_id, "again")
    with pytest.raises(ConfigError, match="no uncertain writeback"):
        resolve(demo.connection, "demo", first.writeback_id, "again")
    demo.drain()
    assert demo.outbox("status") == ["delivered"] * 3
    assert (len(demo.state("activities")), len(demo.state("notes"))) == (2, 2)


def test_what_ams360_refuses_fails_with_its_words_and_is_replayed_once_the_cause_is_gone(demo: Office) -> None:
    """A mapping to an employee that is gone; what depends on a failed write fails with it and comes back with it."""
    key = demo.customer()["CustomerId"]
    demo.connection.execute("insert into ops.user_mappings values ('demo', 'Executive', '~~~', 'user-1', 'Ann')")
    demo.tell(event("ticket_created", key), event("ticket_completed", None), event("note", key))
    demo.drain()
    assert demo.outbox("status") == ["failed", "failed", "failed", "delivered"]
    assert "The employee was not found. [InitiatedByEmployeeCode ~~~]" in demo.outbox("error")[0]
    demo.connection.execute("delete from ops.user_mappings")
    assert replay(demo.connection, demo.agency, ZONE) == 3
    demo.drain()
    assert set(demo.outbox("status")) == {"delivered"}
    assert (len(demo.state("activities")), len(demo.state("suspenses")), len(demo.state("notes"))) == (1, 1, 1)


def test_nothing_is_spent_while_ams360_is_away(demo: Office) -> None:
    """An outage stops the run and the outbox waits: nobody's tries are used up, and nothing is lost."""
    keys = [customer["CustomerId"] for customer in demo.state("customers")]
    demo.tell(*[event("note", key) for key in keys])
    with faults(demo.sandbox, unavailable={"rate": 1, "operations": ["CustomerNoteInsert"]}):
        report = demo.drain()
    assert report.delivery.stopped_by is not None
    assert "failed" not in demo.outbox("status")
    demo.connection.execute("update ops.writebacks set not_before = now()")
    demo.drain()
    assert set(demo.outbox("status")) == {"delivered"}
    assert len(demo.state("notes")) == len(keys)


@pytest.mark.parametrize(
    ("switch", "kind", "operation"),
    [
        ("unavailable", "note", "CustomerNoteInsert"),
        ("throttled", "note", "CustomerNoteInsert"),
        ("drop", "properties_found", "CustomerGetById"),
    ],
)
def test_an_outage_uses_up_no_try_of_the_only_write(demo: Office, switch: str, kind: str, operation: str) -> None:
    """Neither before `begin` nor after it: one more try would have failed this write, and it is delivered in the end."""
    demo.tell(event(kind, demo.customer()["CustomerId"]))
    few = demo.with_settings(max_attempts=1, first_retry_seconds=60.0, longest_retry_seconds=60.0)
    with faults(demo.sandbox, **{switch: {"rate": 1, "operations": [operation]}}):
        few.drain()
    ((status, attempts, put_offs, error),) = demo.outbox("status, attempts, put_offs, error")
    assert (status, attempts, put_offs, error.count("tries") <= 1) == ("pending", 0, 1, True)
    demo.connection.execute("update ops.writebacks set not_before = now()")
    few.drain()
    assert demo.outbox("status, attempts, put_offs") == [("delivered", 1, 0)]


def test_a_general_fault_while_a_file_is_uploaded_is_tried_again(demo: Office) -> None:
    """The activity was surely not sent: one try is used up, and the next one delivers it."""
    key = demo.customer()["CustomerId"]
    demo.tell(event("email", key, attachments=[file("a.pdf", b"x")]))
    with faults(demo.sandbox, fault={"next": 1, "operations": ["FileChunkSend"]}):
        demo.drain()
    assert demo.outbox("status, attempts") == [("delivered", 2)]
    assert len(demo.state("activities")) == 1


def test_a_refused_login_stops_the_run_and_costs_no_write_a_try(demo: Office) -> None:
    """The message is the login's, and everything is delivered once it is right."""
    demo.tell(event("note", demo.customer()["CustomerId"]))
    with pytest.raises(ConfigError, match="refuses the login"):
        demo.drain(password="wrong")
    assert demo.outbox("status, attempts")[0][0] == "pending"
    demo.drain()
    assert demo.outbox("status") == ["delivered"]


def test_an_unreachable_server_is_no_failure_of_any_write(demo: Office) -> None:
    """The run says so and ends."""
    demo.tell(event("note", demo.customer()["CustomerId"]))
    with pytest.raises(TransientError):
        demo.drain(wsdl="http://127.0.0.1:9/x?wsdl")
    assert demo.outbox("status, attempts") == [("pending", 0)]


def test_a_general_fault_after_the_deed_is_no_refusal(demo: Office) -> None:
    """W9: AMS360 says that something went wrong, and has the record all the same."""
    key = demo.customer()["CustomerId"]
    demo.tell(event("note", key), event("ticket_created", key, conversation=None))
    with faults(demo.sandbox, fault_after={"next": 2, "operations": ["CustomerNoteInsert", "CustomerSuspenseInsert"]}):
        demo.drain()
    assert demo.outbox("operation, status, note") == [
        ("note", "uncertain", None), ("suspense", "delivered", "found by its marker"),
    ]  # fmt: skip
    assert (len(demo.state("notes")), len(demo.state("suspenses"))) == (1, 1)


def test_a_missing_right_says_which_and_nothing_is_lost(demo: Office) -> None:
    """Granted afterwards, the write is replayed."""
    demo.tell(event("note", demo.customer()["CustomerId"]))
    with faults(demo.sandbox, denied=["CustomerNoteInsert"]):
        demo.drain()
    (error,) = demo.outbox("error", "status = 'failed'")
    assert "refuses CustomerNoteInsert although the login works" in error
    replay(demo.connection, demo.agency, ZONE)
    demo.drain()
    assert (demo.outbox("status"), len(demo.state("notes"))) == (["delivered"], 1)


def test_files_are_forgotten_when_they_are_old_and_their_event_is_delivered(demo: Office) -> None:
    """Not before: an uncertain email may have to be sent again with them."""
    key = demo.customer()["CustomerId"]
    demo.tell(*[event("email", key, attachments=[file("a.pdf", b"x")]) for _ in range(2)])
    with faults(demo.sandbox, lost={"next": 1, "operations": ["CustomerActivityInsert"]}):
        demo.drain()
    kept = "select count(*) from ops.event_attachments"
    assert demo.connection.execute(kept).fetchone() == (2,)
    demo.connection.execute("update ops.events set received_at = now() - interval '31 days'")
    demo.drain()
    assert demo.connection.execute(kept).fetchone() == (1,)


@pytest.mark.parametrize("broken", ["from_payload", "plan_writes"])
def test_an_event_that_the_rules_fail_on_is_refused_alone(
    demo: Office, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """W14: with type and place of the exception and without its message; the others are delivered."""
    key = demo.customer()["CustomerId"]
    module, name = (Happening, broken) if broken == "from_payload" else (ams360_events, broken)
    works = getattr(module, name)

    def fail_on_the_meeting(*arguments: Any, **options: Any) -> Any:
        if "meeting" in (arguments[0], getattr(arguments[0], "kind", None)):
            raise OverflowError("Jo Doe said so")
        return works(*arguments, **options)

    monkeypatch.setattr(module, name, fail_on_the_meeting)
    demo.tell(event("meeting", key), event("note", key))
    planned = planned_records(demo.connection, demo.agency, ZONE)
    assert [record.kind for record in planned] == ["note"], "`--plan` shows the others"
    demo.drain()
    states = demo.connection.execute("select state, error from ops.events order by seq").fetchall()
    assert [state for state, _ in states] == ["refused", "planned"]
    assert "cannot be planned: OverflowError in fail_on_the_meeting, line" in states[0][1]
    assert "Jo Doe" not in states[0][1]
    assert demo.outbox("status") == ["delivered"]
