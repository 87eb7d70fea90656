"""Events of the platform that reach AMS360, BenefitPoint or both (B7), with both stand-ins and Postgres."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from ams_etl.settings import Agency, Ams360Settings, BenefitPointSettings, NewAccountSettings
from ams_etl.sync.accounts import publish_accounts
from ams_etl.sync.benefitpoint_extract import extract_benefitpoint
from ams_etl.sync.extract import extract
from ams_etl.sync.scope import SyncScope
from ams_etl.writeback.accept import accept_events
from ams_etl.writeback.drain_benefitpoint import drain_benefitpoint
from ams_etl.writeback.health import what_is_due
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox, running_sandbox
from ams_etl_tests.writeback.working_agency import QUICK, Office

BENEFITPOINT = BenefitPointSettings(
    wsdl="unused",
    login_wsdl="unused",
    username="etl",
    password_env="UNUSED",
    new_accounts=NewAccountSettings(office_id=1, administrator_user_id=1, primary_contact_user_id=1),
)
AGENCY = Agency(
    id="demo",
    name="Demo",
    ams360=Ams360Settings(wsdl="unused", agency_no=AGENCY_NO, login_id="etl", password_env="UNUSED"),
    benefitpoint=BENEFITPOINT,
    writeback=QUICK,
)
SAID = {"occurred_at": "2026-11-20T10:00:00Z", "actor": {"name": "Ann Lee"}}
PERSON = {"first_name": "Odile", "last_name": "Brandt", "city": "Boise", "state": "ID"}
CREATED = {
    **SAID, "kind": "contact_created", "idempotency_key": "c1", "contact": {"email": "odile@example.org"},
    "properties": PERSON,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Both:
    """An agency with both systems."""

    office: Office
    sandbox: Sandbox

    def deliver(self) -> None:
        """As the job `writeback` does."""
        self.office.drain()
        drain_benefitpoint(
            self.office.connection, self.office.agency, self.sandbox.benefitpoint.connection(), linger_seconds=3.0
        )

    def sync(self) -> None:
        """Everything of both."""
        extract(self.office.connection, "demo", self.sandbox.connection(), SyncScope())
        extract_benefitpoint(self.office.connection, "demo", self.sandbox.benefitpoint.connection())
        publish_accounts(self.office.connection, "demo")

    def customers(self) -> list[dict[str, Any]]:
        return [one for one in self.office.state("customers") if one.get("LastName") == "Brandt"]

    def accounts(self) -> list[dict[str, Any]]:
        return [
            one
            for one in self.sandbox.benefitpoint.rows("accounts")
            if ((one.get("individualAccountInfo") or {}).get("personInfo") or {}).get("lastName") == "Brandt"
        ]


@pytest.fixture
def both(connection: psycopg.Connection[Any]) -> Iterator[Both]:
    with running_sandbox(size=20, more=("--benefitpoint",)) as sandbox:
        made = Both(Office(connection, sandbox, AGENCY), sandbox)
        made.sync()
        yield made


@pytest.mark.parametrize("targets", [None, ("benefitpoint",), ("ams360", "benefitpoint")], ids=str)
def test_a_contact_is_created_and_changed_in_exactly_the_systems_it_is_meant_for(
    both: Both, targets: tuple[str, ...] | None
) -> None:
    """Once, though BenefitPoint's reply is lost and the contact told twice; in both it is one account."""
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
    assert {one["City"] for one in both.customers()} == ({"Tampa"} if "ams360" in systems else set())
    assert {one["mainAddress"]["city"] for one in both.accounts()} == (
        {"Tampa"} if "benefitpoint" in systems else set()
    )
    # Named targets leave the other one as it is, and add none that it is not synced with.
    both.office.tell(
        {**edit, "idempotency_key": "u2", "targets": ["benefitpoint"], "properties": {"city": "Salem", "state": "OR"}}
    )
    both.deliver()
    assert {one["City"] for one in both.customers()} == ({"Tampa"} if "ams360" in systems else set())
    assert {one["mainAddress"]["city"] for one in both.accounts()} == (
        {"Salem"} if "benefitpoint" in systems else set()
    )
    assert set(both.office.outbox("status")) == {"delivered"}


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


def test_what_benefitpoint_cannot_take_is_refused_with_the_reason(both: Both) -> None:
    """A group without a name; an agency whose settings do not say where new accounts belong."""
    both.office.tell({**CREATED, "record_type": "commercial", "targets": ["benefitpoint"]})
    both.office.drain()
    without = Office(both.office.connection, both.sandbox, AGENCY.model_copy(update={"benefitpoint": None}))
    without.tell({**CREATED, "idempotency_key": "c2", "targets": ["ams360", "benefitpoint"]})
    without.drain()
    assert both.office.connection.execute("select state, error from ops.events order by seq").fetchall() == [
        ("refused", "targets: a group account needs a company_name"),
        ("refused", "targets: this agency's settings have no benefitpoint.new_accounts"),
    ]
    assert both.office.outbox() == []
    [answer] = accept_events(both.office.connection, "demo", [{**CREATED, "idempotency_key": "c4", "targets": []}])
    assert answer.outcome == "refused"
