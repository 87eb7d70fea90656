"""The control API: edits as a person in AMS360 would make them, and mistakes in asking for them."""

import urllib.error
from typing import Any

import pytest

from ams_etl_tests.sandbox.service import Service, connect
from ams_etl_tests.sandbox.wire import Wire
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox


def test_an_edit_shows_in_the_next_read_and_touches_nothing_else(service: Service, sandbox: Sandbox) -> None:
    """Rendered answers are kept; an edit must not leave an old one behind."""
    customer_id, other_id = (row[0] for row in sandbox.ask("customers")[:2])
    before = {key: service("CustomerGetById", CustomerId=key) for key in (customer_id, other_id)}
    sandbox.edit(
        "customers", "update", customer_id, LastName="Qwerty", IsActive=False, DateOfBirth="1970-02-28T00:00:00"
    )
    after = service("CustomerGetById", CustomerId=customer_id)
    changed = {name for name, value in after.items() if value != before[customer_id][name]}
    assert changed <= {"LastName", "IsActive", "DateOfBirth"}
    assert (after["LastName"], after["IsActive"], after["DateOfBirth"].year) == ("Qwerty", False, 1970)
    assert service("CustomerGetById", CustomerId=other_id) == before[other_id]
    (row,) = service("CustomerGetListByNamePrefix", NamePrefix="qwerty")["CustomerInfo"]
    assert (row["CustomerId"], row["IsActive"]) == (customer_id, False)


@pytest.mark.parametrize(("entity", "fields", "operation", "argument"), [
    ("customer_contacts", {"ContactName": "A"}, "CustomerContactGet", "CustomerContactId"),
    ("customer_dependents", {"FirstName": "A"}, "CustomerDependentGet", "DependentId"),
    ("policies", {"PolicyNumber": "A"}, "PolicyGet", "PolicyId"),
])  # fmt: skip
def test_children_can_be_inserted_updated_and_deleted(
    service: Service, sandbox: Sandbox, entity: str, fields: dict[str, Any], operation: str, argument: str
) -> None:
    customer_id = sandbox.ask("customers")[0][0]
    key = sandbox.edit(entity, "insert", CustomerId=customer_id, **fields)
    ((member, value),) = fields.items()
    assert service(operation, **{argument: key})[member] == value
    sandbox.edit(entity, "update", key, **{member: "B"})
    assert service(operation, **{argument: key})[member] == "B"
    assert sandbox.ask("edit", {"entity": entity, "op": "delete", "key": key}) == {"deleted": True}
    assert sandbox.ask("edit", {"entity": entity, "op": "delete", "key": key}) == {"deleted": False}
    assert all(record[argument] != key for record in sandbox.ask(f"state/{entity}"))


def test_a_deleted_customer_takes_everything_beneath_it_along(service: Service, sandbox: Sandbox) -> None:
    policy = sandbox.ask("state/policies")[0]
    sandbox.ask("edit", {"entity": "customers", "op": "delete", "key": policy["CustomerId"]})
    for kind in ("customers", "policies", "customer_contacts", "customer_dependents", "service_personnel"):
        assert all(record["CustomerId"] != policy["CustomerId"] for record in sandbox.ask(f"state/{kind}"))
    sandbox.edit("customers", "insert", policy["CustomerId"], LastName="Back", CustomerType="C")
    assert service("CustomerGetById", CustomerId=policy["CustomerId"])["LastName"] == "Back"


def test_profile_answers_and_employees_can_be_edited(service: Service, sandbox: Sandbox) -> None:
    answer = sandbox.ask("state/profile_answers")[0]
    sandbox.edit("profile_answers", "update", f"{answer['CustomerId']}/{answer['QuestionId']}", AnswerText="No")
    listed = service("CustomerProfileAnswerGetList", CustomerId=answer["CustomerId"])["CustomerProfileAnswer"]
    assert [row["AnswerText"] for row in listed] == ["No"]
    sandbox.edit("employees", "update", "<&>", EmployeeStatus="I")
    assert service("EmployeeGetByCode", EmployeeCode="<&>")["EmployeeStatus"] == "I"


@pytest.mark.parametrize(("path", "body", "status"), [
    ("nothing", None, 404), ("state/nothing", None, 404), ("state/customers/nobody", None, 404),
    ("customers?agency=other", None, 404),
    ("faults", {"no_such_switch": 1}, 400), ("faults", {"unavailable": {"rate": 2}}, 400),
    ("faults", {"denied": ["Nonsense"]}, 400),
    ("faults", {"latency_ms": -1}, 400), ("faults", {"unavailable": {"every": 2}}, 400),
    ("edit", {"entity": "customers", "op": "update", "key": "nobody", "fields": {}}, 404),
    ("edit", {"entity": "customers", "op": "insert", "fields": {"NoSuchMember": 1}}, 400),
    ("edit", {"entity": "customers", "op": "insert", "fields": {"DateOfBirth": "yesterday"}}, 400),
    ("edit", {"entity": "policies", "op": "insert", "fields": {"CustomerId": "00000000-0000-0000-0000-000000000000"}}, 400),
    ("edit", {"entity": "companies", "op": "insert", "fields": {}}, 400), ("edit", {"op": "insert"}, 400),
])  # fmt: skip
def test_a_mistake_in_asking_is_answered_and_changes_nothing(
    sandbox: Sandbox, path: str, body: dict[str, Any] | None, status: int
) -> None:
    before = sandbox.ask("state/customers")
    with pytest.raises(urllib.error.HTTPError) as raised:
        sandbox.ask(path, body)
    with raised.value:
        assert raised.value.code == status
        assert b"error" in raised.value.read()
    assert sandbox.ask("state/customers") == before


def test_several_agencies_live_side_by_side_and_a_ticket_opens_one() -> None:
    with running_sandbox(more=("--agency", "second:7770000-1:8:20")) as sandbox:
        first, second = connect(sandbox), connect(sandbox, "7770000-1")
        theirs = sandbox.ask("customers?agency=second")
        assert len(theirs) == 20
        assert second("CustomerGetById", CustomerId=theirs[0][0])["CustomerNumber"] == theirs[0][1]
        wire = Wire(sandbox, first.ticket)
        assert (
            wire.call("CustomerGetById", f"<a:CustomerId>{theirs[0][0]}</a:CustomerId>").fault == "WSAPIBusinessFault"
        )
