"""Writes to BenefitPoint while it is away or fails at reads: they wait, use up no try, and make nothing twice."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ams_etl.sources.calling.retry import RetryPolicy
from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.writeback.both_systems import AGENCY, Both
from ams_etl_tests.writeback.working_agency import Office

SAID = {"occurred_at": "2026-11-20T10:00:00Z", "actor": {"name": "Ann Lee"}}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(size=5, more=("--benefitpoint",)) as running:
        yield running


@pytest.fixture
def both(connection: psycopg.Connection[Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    """Both systems; reads are retried at once, writes when the test says so."""
    monkeypatch.setattr(RetryPolicy, "delay", lambda _policy, _failed, _asked: 0.0)
    office = Office(connection, sandbox, AGENCY)
    yield Both(office.with_settings(max_attempts=2, first_retry_seconds=60.0, longest_retry_seconds=60.0), sandbox)
    sandbox.benefitpoint.faults(off=True)


def create(both: Both, *names: str) -> None:
    """Report new contacts that are meant for BenefitPoint alone."""
    for name in names:
        both.office.tell(
            {**SAID, "kind": "contact_created", "idempotency_key": name, "contact": {"email": f"{name}@example.org"},
             "properties": {"first_name": name, "last_name": "Brandt"}, "targets": ["benefitpoint"]}
        )  # fmt: skip
    both.office.drain()


def deliver(both: Both) -> None:
    """Deliver what waits, whenever it was to be tried again."""
    both.office.connection.execute("update ops.writebacks set not_before = now() where status = 'pending'")
    drain_benefitpoint(
        both.office.connection, both.office.agency, both.sandbox.benefitpoint.connection(), linger_seconds=0.1
    )


@pytest.mark.parametrize("operation", ["findAccounts", "createAccount"])
def test_repeated_503s_use_up_no_try_of_two_writes(both: Both, operation: str) -> None:
    """More outages than a write has tries, before `begin` and after it; the reason names the tries of a read once."""
    names = [f"Ida{operation}", f"Odile{operation}"]
    create(both, *names)
    both.sandbox.benefitpoint.faults(unavailable={"rate": 1, "operations": [operation]})
    for outage in range(1, 5):
        deliver(both)
        rows = both.office.outbox("status, attempts, put_offs")
        assert rows == [("pending", 0, outage)] * 2
    for error in both.office.outbox("error"):
        assert "503" in error
        assert error.count("tries)") == (operation == "findAccounts")
        assert error.count("try again later") == (operation == "findAccounts")
    both.sandbox.benefitpoint.faults(off=True)
    deliver(both)
    assert both.office.outbox("status, attempts") == [("delivered", 1)] * 2
    made = [account["individualAccountInfo"]["personInfo"]["firstName"] for account in both.accounts()]
    assert sorted(name for name in made if name in names) == sorted(names)


def test_an_account_that_cannot_be_read_while_duplicates_are_searched_is_not_made_again(both: Both) -> None:
    """A general fault is no word that the account is not there; it is read again, then the write waits."""
    there = both.sandbox.benefitpoint.edit(
        "accounts", "insert", accountClassification="Individual", accountType="Client", officeID=1,
        administratorUserID=1, primaryContactUserID=1, active=True,
        individualAccountInfo={"personInfo": {"firstName": "Una", "lastName": "Brandt"}, "email": "Una@example.org"},
    )  # fmt: skip
    create(both, "Una")
    both.sandbox.benefitpoint.faults(fault={"rate": 1, "operations": ["getAccount"]})
    deliver(both)
    [(status, attempts, error)] = both.office.outbox("status, attempts, error")
    assert (status, attempts) == ("pending", 1)
    assert error.startswith("getAccount: Fault")
    both.sandbox.benefitpoint.faults(off=True, fault={"next": 1, "operations": ["getAccount"]})
    deliver(both)
    assert both.office.outbox("status, target_id, note") == [
        ("delivered", str(there), "exists already: same name and email")
    ]
    unas = [row for row in both.accounts() if row["individualAccountInfo"]["personInfo"]["firstName"] == "Una"]
    assert [account["accountID"] for account in unas] == [there]


def test_a_fault_that_passes_while_an_account_is_read_costs_its_edit_no_try(both: Both) -> None:
    create(both, "Nell")
    deliver(both)
    both.office.tell(
        {**SAID, "kind": "contact_updated", "idempotency_key": "u1", "contact": {"email": "Nell@example.org"},
         "properties": {"city": "Tampa", "state": "FL"}}
    )  # fmt: skip
    both.office.drain()
    both.sandbox.benefitpoint.faults(fault={"next": 1, "operations": ["getAccount"]})
    deliver(both)
    assert both.office.outbox("operation, status, attempts") == [
        ("account", "delivered", 1),
        ("update_account", "delivered", 1),
    ]
    [nell] = [row for row in both.accounts() if row["individualAccountInfo"]["personInfo"]["firstName"] == "Nell"]
    assert nell["mainAddress"]["city"] == "Tampa"
