"""What every agency has, over zeep."""

from typing import Any

import pytest

from ams_etl_tests.sandbox.service import Service


@pytest.mark.parametrize(("operation", "inside", "members"), [
    ("EmployeeGetListAll", "EmployeeInfo", ("EmployeeCode", "EmployeeStatus")),
    ("CompanyGetListAll", "CompanyInfo", ("CompanyCode", "Name")),
    ("LineOfBusinessGetAllList", "LineOfBusinessInfo", ("LineOfBusinessCode", "Description")),
    ("GLDivisionGetListAll", "GLDivision", ("GLDivisionCode", "Name")),
    ("GLBranchGetListAll", "GLBranch", ("GLBranchCode", "Name")),
    ("GLDepartmentGetListAll", "GLDepartment", ("GLDepartmentCode", "Name")),
    ("GLGroupGetListAll", "GLGroup", ("GLGroupCode", "Name")),
])  # fmt: skip
def test_a_reference_list_has_rows_with_keys(
    reading: Service, operation: str, inside: str, members: tuple[str, ...]
) -> None:
    rows = reading(operation)[inside]
    assert len(rows) > 1
    assert all(row[member] for row in rows for member in members)


def test_employee_codes_are_odd_and_come_through_unharmed(reading: Service) -> None:
    """Three characters of printable ASCII, blanks in front and behind included; two differ by case alone."""
    codes = [row["EmployeeCode"] for row in reading("EmployeeGetListAll")["EmployeeInfo"]]
    assert {len(code) for code in codes} == {3}
    assert set("!\"#&'<>\\^ ") <= set("".join(codes))
    assert {"ABC", "abc", "  7", "QQ "} <= set(codes)
    for code in codes:
        employee: Any = reading("EmployeeGetByCode", EmployeeCode=code)
        assert employee["EmployeeCode"] == code


def test_some_employees_have_left(reading: Service) -> None:
    assert {row["EmployeeStatus"] for row in reading("EmployeeGetListAll")["EmployeeInfo"]} == {"A", "I"}


@pytest.mark.parametrize(
    "name", ["CustomerType", "PolicyStatus", "TransactionType", "SuspenseCenter", "NoteCenter", "Doc360SecurityClass"]
)
def test_the_known_value_lists_are_there(reading: Service, name: str) -> None:
    assert all(row["Code"] and row["Description"] for row in reading("ValueListGet", ListName=name)["AllowedValue"])


def test_service_personnel_and_profile_answers_are_listed(reading: Service, shared_sandbox: Any) -> None:
    for kind, operation, inside in (
        ("service_personnel", "CustomerServicePersonnelGetList", "CustomerServicePersonnel"),
        ("profile_answers", "CustomerProfileAnswerGetList", "CustomerProfileAnswer"),
    ):
        kept = shared_sandbox.ask(f"state/{kind}")[0]
        assert kept in reading(operation, CustomerId=kept["CustomerId"])[inside]
