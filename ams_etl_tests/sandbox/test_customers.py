"""Customers over zeep: found by prefix, read, inserted, updated."""

from typing import Any

import pytest
import zeep

from ams_etl_tests.sandbox.service import Service, fault_of
from ams_etl_tests.sandbox_process import Sandbox

_FLAGS = ("IsBenefits", "IsCommercial", "IsFinancial", "IsHealth", "IsLife", "IsNonPropertyAndCasualty", "IsPersonal")


def _found(service: Service, prefix: str | None, **more: Any) -> list[dict[str, Any]]:
    answer = service("CustomerGetListByNamePrefix", NamePrefix=prefix, **more)
    return list((answer or {}).get("CustomerInfo") or ())


def _begins(customer: dict[str, Any], prefix: str) -> bool:
    names = (customer.get("LastName"), customer.get("FirmName"), customer.get("DoingBusinessAs"))
    return any((name or "").strip().casefold().startswith(prefix.casefold()) for name in names)


@pytest.mark.parametrize("prefix", ["S", "s", "smi", "SMITH", "É", "ñ", "3", "(", "#", "'", "Mary", "zzzz", "%", "_"])
def test_a_prefix_finds_whoever_has_it_in_one_of_three_names(
    reading: Service, shared_sandbox: Sandbox, prefix: str
) -> None:
    """Not in the first name; no character is a wild card."""
    everyone = shared_sandbox.ask("state/customers")
    wanted = {customer["CustomerId"] for customer in everyone if _begins(customer, prefix)}
    found = [row["CustomerId"] for row in _found(reading, prefix)]
    assert set(found) == wanted
    assert len(found) == len(wanted)


def test_a_list_is_in_no_order_yet_the_same_twice(reading: Service) -> None:
    rows = _found(reading, "S")
    for member in ("CustomerId", "CustomerNumber", "LastName"):
        values = [row[member] or "" if member != "CustomerNumber" else row[member] for row in rows]
        assert values != sorted(values)
    assert rows == _found(reading, "S")


def test_the_rows_flags_are_strings_and_inactive_and_all_types_are_among_them(reading: Service) -> None:
    rows = [row for letter in "SMGHJ" for row in _found(reading, letter)]
    assert {row[flag] for row in rows for flag in _FLAGS} == {"True", "False"}
    assert {row["CustomerType"] for row in rows} == {"C", "P", "S"}
    assert {row["IsActive"] for row in rows} == {True, False}


@pytest.mark.parametrize(("more", "member", "values"), [
    ({"CustomerType": "P"}, "CustomerType", {"P"}), ({"CustomerType": ""}, "CustomerType", {"C", "P", "S"}),
    ({"IsBrokersCustomer": False}, "IsBrokersCustomer", {False}),
])  # fmt: skip
def test_a_list_can_be_narrowed(
    reading: Service, letter: str, more: dict[str, Any], member: str, values: set[Any]
) -> None:
    assert {row[member] for row in _found(reading, letter, **more)} == values


def test_an_empty_prefix_is_a_switch(service: Service, sandbox: Sandbox) -> None:
    with pytest.raises(zeep.exceptions.Fault) as raised:
        _found(service, "")
    assert fault_of(raised.value)[0] == "WSAPIBusinessFault"
    sandbox.ask("faults", {"empty_prefix": "all"})
    assert len(_found(service, "")) == len(sandbox.ask("customers")) - 1  # one is under no prefix
    sandbox.ask("faults", {"empty_prefix": "none"})
    assert _found(service, None) == []
    sandbox.ask("faults", {"empty_prefix": "all", "row_limit": 10})
    assert len(_found(service, "")) == 10


def test_every_customer_reads_as_it_is_however_no_value_is_spelt(reading: Service, shared_sandbox: Sandbox) -> None:
    """nil, an empty element and no element all come out as nothing; the state has nothing beside what is given."""
    for customer in shared_sandbox.ask("state/customers")[:120]:
        read = reading("CustomerGetById", CustomerId=customer["CustomerId"])
        for name, value in read.items():
            given = customer.get(name)
            shown = f"{value:%Y-%m-%dT%H:%M:%S}".zfill(19) if hasattr(value, "strftime") else value
            assert shown == given, name
    raw = shared_sandbox.ask("state/customers")[0]
    by_number = reading("CustomerGetByNumber", CustomerNumber=str(raw["CustomerNumber"]))
    assert by_number == reading("CustomerGetById", CustomerId=raw["CustomerId"])


@pytest.mark.parametrize(("operation", "argument"), [
    ("CustomerGetById", {"CustomerId": "00000000-0000-0000-0000-000000000000"}),
    ("CustomerGetByNumber", {"CustomerNumber": "999999999"}),
    ("PolicyGet", {"PolicyId": "00000000-0000-0000-0000-000000000000"}),
    ("CustomerContactGet", {"CustomerContactId": "00000000-0000-0000-0000-000000000000"}),
    ("CustomerDependentGet", {"DependentId": "00000000-0000-0000-0000-000000000000"}),
    ("CustomerSuspenseGetBySuspenseId", {"SuspenseId": "00000000-0000-0000-0000-000000000000"}),
    ("EmployeeGetByCode", {"EmployeeCode": "???"}),
    ("ValueListGet", {"ListName": "NoSuchList"}),
])  # fmt: skip
def test_what_is_not_there_is_a_business_fault_that_names_it(
    reading: Service, operation: str, argument: dict[str, str]
) -> None:
    with pytest.raises(zeep.exceptions.Fault) as raised:
        reading(operation, **argument)
    kind, details = fault_of(raised.value)
    ((name, value),) = argument.items()
    assert kind == "WSAPIBusinessFault"
    assert [(detail["DataName"], detail["EntityKey"]) for detail in details] == [(name, value)]
    assert details[0]["Message"]


def test_an_inserted_customer_is_found_at_once_under_a_number_of_its_own(service: Service, sandbox: Sandbox) -> None:
    highest = max(number for _, number in sandbox.ask("customers"))
    customer_id = service(
        "CustomerInsert", Customer={"LastName": "Zzyzx <&> Sons", "CustomerType": "S", "CustomerNumber": 3}
    )
    (row,) = _found(service, "zzy")
    assert (row["CustomerId"], row["CustomerNumber"], row["LastName"]) == (customer_id, highest + 1, "Zzyzx <&> Sons")
    assert service("CustomerGetById", CustomerId=customer_id)["IsActive"] is True


def test_an_update_takes_the_whole_customer_and_what_is_left_out_is_cleared(service: Service, sandbox: Sandbox) -> None:
    customer_id, number = sandbox.ask("customers")[3]
    before = service("CustomerGetById", CustomerId=customer_id)
    changed = {**before, "LastName": "Xanadu", "City": None, "CustomerNumber": 1}
    service("CustomerUpdate", Customer=changed)
    after = service("CustomerGetById", CustomerId=customer_id)
    assert after == {**before, "LastName": "Xanadu", "City": None, "CustomerNumber": number}
    assert customer_id in [row["CustomerId"] for row in _found(service, "xan")]
    service("CustomerUpdate", Customer={"CustomerId": customer_id, "FirmName": "Only", "CustomerType": "C"})
    assert _found(service, "xan") == []
    assert service("CustomerGetById", CustomerId=customer_id)["AccountExecCode"] is None


@pytest.mark.parametrize(("before", "after", "allowed"), [
    ("S", "P", True), ("S", "C", True), ("P", "C", True), ("C", "P", True), ("S", "S", True),
    ("P", "S", False), ("C", "S", False), ("C", "X", False), ("C", None, False),
])  # fmt: skip
def test_the_type_never_goes_back_to_suspect(
    service: Service, before: str, after: str | None, *, allowed: bool
) -> None:
    customer_id = service("CustomerInsert", Customer={"LastName": "Ladder", "CustomerType": before})
    change = {"CustomerId": customer_id, "LastName": "Ladder", "CustomerType": after}
    if allowed:
        service("CustomerUpdate", Customer=change)
    else:
        with pytest.raises(zeep.exceptions.Fault) as raised:
            service("CustomerUpdate", Customer=change)
        assert fault_of(raised.value)[1][0]["DataName"] == "CustomerType"
    kept = service("CustomerGetById", CustomerId=customer_id)["CustomerType"]
    assert kept == (after if allowed else before)


@pytest.mark.parametrize(("customer", "member"), [
    ({"CustomerType": "C", "FirstName": "Cher"}, "LastName"), ({"LastName": "A"}, "CustomerType"),
    ({"LastName": "A", "CustomerType": "C", "AccountExecCode": "???"}, "AccountExecCode"),
    ({"LastName": "A", "CustomerType": "C", "AccountRepCode": "???"}, "AccountRepCode"),
    ({"LastName": "A", "CustomerType": "C", "GLBranchCode": "B9"}, "GLBranchCode"),
])  # fmt: skip
def test_an_insert_that_breaks_a_rule_is_refused_and_nothing_is_stored(
    service: Service, sandbox: Sandbox, customer: dict[str, Any], member: str
) -> None:
    before = sandbox.ask("customers")
    with pytest.raises(zeep.exceptions.Fault) as raised:
        service("CustomerInsert", Customer=customer)
    assert fault_of(raised.value)[1][0]["DataName"] == member
    assert sandbox.ask("customers") == before
