"""Events of the platform that reach AMS360, BenefitPoint or both (B7), with both sandboxes and Postgres."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError
from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint
from ams_etl.writeback.events.accept import accept_events
from ams_etl.writeback.people.health import what_is_due
from ams_etl.writeback.people.preview import planned_records
from ams_etl.writeback.people.stuck_writes import replay, resolve
from ams_etl_tests.end_to_end.benefitpoint_agency import TODAY
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.sync.source_history import refresh
from ams_etl_tests.writeback.both_systems import AGENCY, Both
from ams_etl_tests.writeback.synced_office import sync
from ams_etl_tests.writeback.working_agency import QUICK, ZONE, Office

SAID = {"occurred_at": "2026-11-20T10:00:00Z", "actor": {"name": "Ann Lee"}}
PERSON = {"first_name": "Odile", "last_name": "Brandt", "city": "Boise", "state": "ID"}
CREATED = {
    **SAID, "kind": "contact_created", "idempotency_key": "c1", "contact": {"email": "odile@example.org"},
    "properties": PERSON,
}  # fmt: skip


@pytest.fixture
def both(connection: psycopg.Connection[Any]) -> Iterator[Both]:
    with running_sandbox(size=20, more=("--benefitpoint",)) as sandbox:
        yield Both(Office(connection, sandbox, AGENCY), sandbox)


@pytest.mark.parametrize("targets", [None, ("benefitpoint",), ("ams360", "benefitpoint")], ids=str)
def test_a_contact_is_created_and_changed_in_exactly_the_systems_it_is_meant_for(
    both: Both, targets: tuple[str, ...] | None
) -> None:
    """Once, though BenefitPoint's reply is lost and the event of the contact sent twice; in both it is one account."""
    systems = set(targets or ("ams360",))
    event = {**CREATED, **({"targets": list(targets)} if targets else {})}
    both.office.tell(event)
    both.office.tell(event, {**event, "idempotency_key": "c2"})
    if "benefitpoint" in systems:
        both.sandbox.benefitpoint.faults(next_lost=1, only=["createAccount"])
    both.deliver()
    both.deliver()
    both.sandbox.benefitpoint.faults(off=True)
    assert (len(both.customers()), len(both.accounts())) == ("ams360" in systems, "benefitpoint" in systems)
    both.sync()
    [(account_id, *synced)] = both.office.connection.execute(
        "select account_id, ams360_synced, benefitpoint_synced from mart.accounts where name = 'Odile Brandt'"
    ).fetchall()
    assert synced == ["ams360" in systems, "benefitpoint" in systems]

    edit = {**SAID, "kind": "contact_updated", "idempotency_key": "u1", "contact": {"account_id": str(account_id)}}
    both.office.tell({**edit, "properties": {"city": "Tampa", "state": "FL"}})
    both.deliver()
    assert {customer["City"] for customer in both.customers()} == ({"Tampa"} if "ams360" in systems else set())
    assert {account["mainAddress"]["city"] for account in both.accounts()} == (
        {"Tampa"} if "benefitpoint" in systems else set()
    )
    # Named targets leave the other one as it is, and add none that it is not synced with.
    both.office.tell(
        {**edit, "idempotency_key": "u2", "targets": ["benefitpoint"], "properties": {"city": "Salem", "state": "OR"}}
    )
    both.deliver()
    assert {customer["City"] for customer in both.customers()} == ({"Tampa"} if "ams360" in systems else set())
    assert {account["mainAddress"]["city"] for account in both.accounts()} == (
        {"Salem"} if "benefitpoint" in systems else set()
    )
    assert set(both.office.outbox("status")) == {"delivered"}
    # B6: the individual's primary contact moves and is renamed with it; somebody else's contact there is left alone.
    if "benefitpoint" in systems:
        both.sandbox.benefitpoint.faults(next_lost=1, only=["updateAccountContact"])
    renamed = {**edit, "idempotency_key": "u3", "properties": {"last_name": "Brandt-Roe", "address1": "9 Elm"}}
    both.named_too().office.tell(renamed)
    both.named_too().deliver()
    both.sandbox.benefitpoint.faults(off=True)
    both.named_too().deliver()
    people = [
        contact["contact"]
        for contact in both.sandbox.benefitpoint.rows("contacts")
        if contact["contact"]["firstName"] == "Odile"
    ]
    assert [(person["lastName"], person["address"]["street1"], person["address"]["city"]) for person in people] == (
        [("Brandt-Roe", "9 Elm", "Salem")] if "benefitpoint" in systems else []
    )


def test_a_failure_in_one_system_leaves_the_others_result_and_doubles_nothing(both: Both) -> None:
    """First BenefitPoint does not answer, then, for another contact, AMS360."""
    both.office.tell({**CREATED, "targets": ["ams360", "benefitpoint"]})
    both.office.drain()
    assert what_is_due(both.office.connection, "demo") is None
    assert what_is_due(both.office.connection, "demo", "benefitpoint") is not None
    assert (len(both.customers()), len(both.accounts())) == (1, 0)
    assert both.office.outbox("system, status") == [("ams360", "delivered"), ("benefitpoint", "pending")]
    both.deliver()
    both.deliver()
    [account] = both.accounts()
    [customer] = both.customers()
    told = account["individualAccountInfo"]["accountIntegrationInfo"]["amsCustomerId"]
    assert told == customer["CustomerId"]

    other = {"contact": {"email": "ida@example.org"}, "properties": {**PERSON, "first_name": "Ida"}}
    both.office.tell({**CREATED, **other, "idempotency_key": "c3", "targets": ["ams360", "benefitpoint"]})
    both.sandbox.faults(next_unavailable=1, only=["CustomerInsert"])
    both.office.with_settings(first_retry_seconds=900.0, longest_retry_seconds=900.0).drain()
    assert both.office.outbox("status", "system = 'ams360'") == ["delivered", "pending"]
    # Waits for its customer, and uses up no try.
    for _ in range(QUICK.max_attempts + 1):
        drain_benefitpoint(both.office.connection, AGENCY, both.sandbox.benefitpoint.connection(), linger_seconds=0.1)
    both.sandbox.faults(off=True)
    assert both.office.outbox("status, attempts", "system = 'benefitpoint'")[1] == ("pending", 0)
    both.office.connection.execute("update ops.writebacks set not_before = now() where system = 'ams360'")
    both.deliver()
    both.deliver()
    assert (len(both.customers()), len(both.accounts())) == (2, 2)
    assert set(both.office.outbox("status")) == {"delivered"}


def test_what_benefitpoint_cannot_take_holds_up_nothing_in_ams360(both: Both) -> None:
    """A group without a name fails with the reason; without the settings the account waits, and goes once they are there."""
    both.office.tell({**CREATED, "record_type": "commercial", "targets": ["benefitpoint"]})
    both.deliver()
    assert both.office.outbox("status, error") == [
        ("failed", "a group account needs a company_name"),
        ("failed", "the contact has no account in BenefitPoint: what should have made it failed"),
    ]
    without = Both(
        Office(both.office.connection, both.sandbox, AGENCY.model_copy(update={"benefitpoint": None})), both.sandbox
    )
    ida = {"contact": {"email": "ida@example.org"}, "properties": {**PERSON, "first_name": "Ida"}}
    without.office.tell({**CREATED, **ida, "idempotency_key": "c2", "targets": ["ams360", "benefitpoint"]})
    without.office.tell({**SAID, "kind": "contact_updated", "idempotency_key": "u1", "contact": ida["contact"],
                         "targets": ["benefitpoint"], "properties": {"city": "Tampa", "state": "FL"}})  # fmt: skip
    for _ in range(2):
        without.deliver()
    assert both.office.connection.execute("select distinct state from ops.events").fetchall() == [("planned",)]
    assert both.office.outbox("system, operation, status, attempts, error", "status <> 'failed'") == [
        ("ams360", "customer", "delivered", 1, None),
        ("benefitpoint", "account", "pending", 0, "waits for benefitpoint.new_accounts in the settings"),
        ("benefitpoint", "update_account", "waiting", 0, None),
    ]
    assert both.accounts() == []
    both.deliver()
    [customer] = both.customers()
    [account] = both.accounts()
    assert account["individualAccountInfo"]["accountIntegrationInfo"]["amsCustomerId"] == customer["CustomerId"]
    assert (customer["City"], account["mainAddress"]["city"]) == ("Boise", "Tampa")
    assert set(both.office.outbox("status", "event_id <> (select event_id from ops.events order by seq limit 1)")) == {
        "delivered"
    }
    [answer] = accept_events(both.office.connection, "demo", [{**CREATED, "idempotency_key": "c4", "targets": []}])
    assert answer.outcome == "refused"


@pytest.mark.parametrize(
    ("there", "outcome"),
    [
        ({"email": "Odile@Example.org"}, "exists already: same name and email"),
        ({"zip": "83702"}, "exists already: same name and ZIP"),
        ({"email": "other@example.org"}, "created"),
        ({"email": "other@example.org", "zip": "83702"}, "asks"),
        ({}, "asks"),
    ],
    ids=str,
)
def test_an_account_that_benefitpoint_has_already_is_not_made_again(
    both: Both, there: dict[str, str], outcome: str
) -> None:
    """By email or ZIP besides the name; a name alone asks a user, who confirms or refuses."""
    made = both.sandbox.benefitpoint.edit(
        "accounts", "insert", accountClassification="Individual", accountType="Client", officeID=1,
        administratorUserID=1, primaryContactUserID=1, active=True, mainAddress={"zip": there.get("zip")},
        individualAccountInfo={"personInfo": {"firstName": "Odile", "lastName": "Brandt"}, "email": there.get("email")},
    )  # fmt: skip
    event = {**CREATED, "properties": {**PERSON, "postal_code": "83702-1111"}, "targets": ["ams360", "benefitpoint"]}
    both.office.tell(event)
    both.deliver()
    [customer] = both.customers()
    if outcome != "asks":
        assert both.office.outbox("note", "system = 'benefitpoint'") == [outcome]
        assert len(both.accounts()) == (2 if outcome == "created" else 1)
        linked = (both.accounts()[-1]["individualAccountInfo"].get("accountIntegrationInfo") or {}).get("amsCustomerId")
        assert linked == (None if outcome.endswith("ZIP") else customer["CustomerId"])
        return
    # Events that arrive meanwhile wait for the user's decision.
    both.office.tell({**SAID, "kind": "contact_updated", "idempotency_key": "u1", "contact": CREATED["contact"],
                      "properties": {"city": "Tampa", "state": "FL"}})  # fmt: skip
    both.deliver()
    [(write, status, error)] = both.office.outbox("writeback_id, status, error", "operation = 'account'")
    assert status == "uncertain"
    assert f"{made} (same name" in error
    assert len(both.accounts()) == 1
    if there:
        with pytest.raises(ConfigError, match="--target"):
            resolve(both.office.connection, "demo", write, "delivered")
        resolve(both.office.connection, "demo", write, "delivered", target_id=str(made))
    else:
        resolve(both.office.connection, "demo", write, "again")
    both.deliver()
    assert [account["mainAddress"].get("city") for account in both.accounts()] == (
        ["Tampa"] if there else [None, "Tampa"]
    )
    assert set(both.office.outbox("status")) == {"delivered"}


def test_one_person_told_of_in_two_ways_gets_one_account(both: Both) -> None:
    """By the contact's id, by its email, by the customer: all are one contact, whichever comes first."""
    both.sync()
    sync(both.office)
    [(contact, email, customer)] = both.office.connection.execute(
        """select c.contact_id::text, c.email, s.customer_id from mart.contacts c
        join mart.contact_sources s using (agency, contact_id) join mart.accounts a on a.ams360_customer_id = s.customer_id
        where not a.benefitpoint_synced and s.role = 'primary' and c.record_type = 'personal' and (
            select count(*) from mart.contact_emails e join mart.contact_emails o using (agency, email)
            where e.contact_id = c.contact_id) = 1 order by 1 limit 1"""
    ).fetchall()
    for number, reference in enumerate(({"contact_id": contact}, {"email": email}, {"customer_id": customer})):
        both.office.tell(
            {**CREATED, "idempotency_key": f"k{number}", "contact": reference, "targets": ["benefitpoint"]}
        )
        if number:
            both.deliver()
    [account] = both.accounts()
    assert account["individualAccountInfo"]["accountIntegrationInfo"]["amsCustomerId"] == customer
    assert both.office.outbox("status, target_id") == [("delivered", str(account["accountID"]))] * 3
    both.sync()
    assert both.office.connection.execute(
        "select benefitpoint_account_id from mart.accounts where ams360_customer_id = %s", (customer,)
    ).fetchall() == [(account["accountID"],)]


def test_what_ams360_refuses_benefitpoint_still_gets_and_both_are_one_account_later(both: Both) -> None:
    """AMS360 gives no right to add customers; once it does, the account names its customer."""
    both.office.tell({**CREATED, "targets": ["ams360", "benefitpoint"]})
    both.sandbox.faults(denied=["CustomerInsert"])
    both.deliver()
    both.deliver()
    both.sandbox.faults(off=True)
    assert (len(both.customers()), len(both.accounts())) == (0, 1)
    assert both.office.outbox("operation, status", "system = 'benefitpoint'") == [
        ("account", "delivered"), ("link_account", "pending"),
    ]  # fmt: skip
    assert replay(both.office.connection, AGENCY, ZONE) == 1
    both.deliver()
    [customer], [account] = both.customers(), both.accounts()
    assert account["individualAccountInfo"]["accountIntegrationInfo"]["amsCustomerId"] == customer["CustomerId"]
    assert set(both.office.outbox("status")) == {"delivered"}


def test_an_account_that_benefitpoint_had_first_becomes_one_with_the_customer(both: Both) -> None:
    """Created there by one event, in AMS360 by another, before or after anything was delivered."""
    for number, early in enumerate((True, False)):
        who = {"contact": {"email": f"p{number}@example.org"}, "properties": {**PERSON, "first_name": f"Ida{number}"}}
        both.office.tell({**CREATED, **who, "idempotency_key": f"b{number}", "targets": ["benefitpoint"]})
        if not early:
            both.deliver()
        both.office.tell({**CREATED, **who, "idempotency_key": f"a{number}"})
        both.deliver()
        both.deliver()
    both.sync()
    assert (
        both.office.connection.execute(
            "select ams360_synced, benefitpoint_synced from mart.accounts where name like 'Ida_ Brandt'"
        ).fetchall()
        == [(True, True)] * 2
    )
    assert set(both.office.outbox("status")) == {"delivered"}


def test_an_event_about_a_contact_that_benefitpoint_alone_knows_reaches_its_account(both: Both) -> None:
    """By the contact's id, of a firm whose account has no email; AMS360 hears nothing of it."""
    both.office.tell(
        {**CREATED, "record_type": "commercial", "account_name": "Brandt & Sons", "targets": ["benefitpoint"]}
    )
    both.deliver()
    both.sync()
    connection = both.office.connection
    refresh(connection, both.office.agency.settings, TODAY, agency="demo")
    [(contact_id,)] = connection.execute(
        "select contact_id from mart.contacts where company_name = 'Brandt & Sons'"
    ).fetchall()
    told = {"contact": {"contact_id": str(contact_id)}, "properties": {"city": "Salem", "state": "OR"}}
    both.office.tell({**SAID, "kind": "contact_updated", "idempotency_key": "u1", **told})
    both.deliver()
    [place] = [
        account["mainAddress"]["city"]
        for account in both.sandbox.benefitpoint.rows("accounts")
        if (account.get("groupAccountInfo") or {}).get("accountName") == "Brandt & Sons"
    ]
    assert place == "Salem"
    assert {row[0] for row in both.office.outbox("system, status")} == {"benefitpoint"}


def test_the_person_of_a_group_is_its_contact_and_edits_find_them(both: Both) -> None:
    """Once, though the reply is lost and the event of the contact sent twice; what is the account's own goes to the account."""
    event = {**CREATED, "record_type": "commercial", "account_name": "Brandt & Sons", "targets": ["benefitpoint"]}
    both.office.tell(event, {**event, "idempotency_key": "c2"})
    both.sandbox.benefitpoint.faults(next_lost=1, only=["createAccountContact"])
    for _ in range(2):
        both.deliver()
    both.sandbox.benefitpoint.faults(off=True)
    both.sync()
    connection = both.office.connection
    refresh(connection, both.office.agency.settings, TODAY, agency="demo")
    [(contact_id, first, email)] = connection.execute(
        "select contact_id, first_name, email from mart.contacts where company_name = 'Brandt & Sons'"
    ).fetchall()
    assert (first, email) == ("Odile", "odile@example.org")

    def edit(key: str, contact: dict[str, str], **properties: str) -> tuple[Any, ...]:
        both.office.tell(
            {**SAID, "kind": "contact_updated", "idempotency_key": key, "contact": contact, "properties": properties}
        )
        both.deliver()
        [account] = [
            account
            for account in both.sandbox.benefitpoint.rows("accounts")
            if (account.get("groupAccountInfo") or {}).get("accountName") == "Brandt & Sons"
        ]
        [person] = [
            contact
            for contact in both.sandbox.benefitpoint.rows("contacts")
            if contact["accountID"] == account["accountID"]
        ]
        assert person["primary"] is True
        return account["mainAddress"]["city"], person["contact"]["email"]

    assert edit("u1", {"contact_id": str(contact_id)}, email="o@example.org") == ("Boise", "o@example.org")
    assert edit("u2", {"email": "odile@example.org"}, city="Salem", state="OR") == ("Salem", "o@example.org")
    assert set(both.office.outbox("status")) == {"delivered"}


def test_a_group_out_of_an_event_is_created_and_changed(both: Both) -> None:
    """A commercial contact: the firm's name is the account's, and its address follows; an email is the person's."""
    firm = {**CREATED, "record_type": "commercial", "account_name": "Brandt Roofing, LLC", "targets": ["benefitpoint"]}
    both.office.tell(firm)
    both.deliver()
    [group] = [account for account in both.sandbox.benefitpoint.rows("accounts") if account.get("groupAccountInfo")
               and account["groupAccountInfo"]["accountName"] == "Brandt Roofing, LLC"]  # fmt: skip
    assert (group["accountClassification"], group["mainAddress"]["state"]) == ("Group", "Idaho")
    both.office.tell({**SAID, "kind": "contact_updated", "idempotency_key": "u1", "contact": CREATED["contact"],
                      "properties": {"city": "Tampa", "email": "new@example.org"}})  # fmt: skip
    both.deliver()
    after = both.sandbox.benefitpoint.ask(f"state/accounts/{group['accountID']}")
    assert (after["mainAddress"]["city"], after.get("individualAccountInfo")) == ("Tampa", None)
    [person] = [
        contact for contact in both.sandbox.benefitpoint.rows("contacts") if contact["accountID"] == group["accountID"]
    ]
    assert (person["contact"]["firstName"], person["contact"]["email"]) == ("Odile", "new@example.org")
    assert both.office.outbox("operation, status, target_id") == [
        ("account", "delivered", str(group["accountID"])),
        ("account_contact", "delivered", str(person["contact"]["contactID"])),
        ("update_account", "delivered", str(group["accountID"])),
    ]


def test_the_plan_shows_what_benefitpoint_would_get(both: Both) -> None:
    """The Account by its own names, for a new one and for a change, and what it waits for; nothing is kept."""
    both.office.tell({**CREATED, "targets": ["benefitpoint"]})
    both.office.tell({**SAID, "kind": "contact_updated", "idempotency_key": "u1", "contact": CREATED["contact"],
                      "properties": {"city": "Tampa"}})  # fmt: skip
    shown = list(planned_records(both.office.connection, AGENCY, ZONE))
    assert [(write.system, write.operation, write.record_id) for write in shown] == [
        ("benefitpoint", "createAccount", None), ("benefitpoint", "updateAccount", None),
    ]  # fmt: skip
    assert shown[0].arguments["account"]["individualAccountInfo"]["personInfo"] == {
        "firstName": "Odile", "lastName": "Brandt",
    }  # fmt: skip
    assert shown[1].arguments == {"account": {"mainAddress": {"city": "Tampa"}}}
    without = AGENCY.model_copy(update={"benefitpoint": None})
    assert "benefitpoint.new_accounts" in (next(planned_records(both.office.connection, without, ZONE)).remark or "")
    assert both.office.outbox() == []
