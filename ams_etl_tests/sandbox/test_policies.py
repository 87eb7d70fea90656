"""Policies over zeep."""

from typing import Any

import pytest
import zeep

from ams_etl_tests.sandbox.service import Service, fault_of
from ams_etl_tests.sandbox_process import Sandbox

_TERM = {"PolicyEffectiveDate": "2026-01-01T00:00:00", "PolicyExpirationDate": "2027-01-01T00:00:00"}


def _rows(answer: Any) -> list[dict[str, Any]]:
    return list((answer or {}).get("PolicyInfo") or ())


@pytest.fixture
def mixed(service: Service, sandbox: Sandbox) -> str:
    """A customer with one policy of each kind; the policy number says which."""
    customer_id = sandbox.edit("customers", "insert", LastName="Mixed", CustomerType="C")
    policies: dict[str, dict[str, Any]] = {
        "active": {"PolicyStatus": "A"}, "cancelled": {"PolicyStatus": "C"}, "non-renewed": {"PolicyStatus": "N"},
        "submission": {"PolicyStatus": "A", "PolicySubType": "S"}, "accounting": {"PolicyStatus": "A", "PolicySubType": "A"},
        "entities": {"PolicyStatus": "A", "IsMultiEntity": True},
    }  # fmt: skip
    for number, fields in policies.items():
        sandbox.edit("policies", "insert", CustomerId=customer_id, PolicyNumber=number,
                     **{"PolicySubType": "P", **_TERM, **fields})  # fmt: skip
    return str(customer_id)


@pytest.mark.parametrize(("switches", "numbers"), [
    ({}, {"active", "cancelled", "non-renewed"}),
    ({"PolicyStatus": {"string": []}}, {"active", "cancelled", "non-renewed"}),
    ({"PolicyStatus": {"string": ["A"]}}, {"active"}),
    ({"PolicyStatus": {"string": ["C", "N"]}}, {"cancelled", "non-renewed"}),
    ({"PolicyStatus": {"string": ["A"]}, "IncludeSubmissionSubType": True}, {"active", "submission"}),
    ({"PolicyStatus": {"string": ["A"]}, "IncludeAccountingSubType": True}, {"active", "accounting"}),
    ({"PolicyStatus": {"string": ["A"]}, "IncludeMultiEntity": True}, {"active", "entities"}),
    ({"IncludePolicySubType": False, "IncludeSubmissionSubType": True}, {"submission"}),
    ({"IncludeMultiEntity": True, "IncludeAccountingSubType": True, "IncludeSubmissionSubType": True, "IncludePolicySubType": True},
     {"active", "cancelled", "non-renewed", "submission", "accounting", "entities"}),
])  # fmt: skip
def test_the_list_shows_what_its_switches_ask_for(
    service: Service, mixed: str, switches: dict[str, Any], numbers: set[str]
) -> None:
    rows = _rows(service("PolicyGetListByCustomerId", CustomerId=mixed, **switches))
    assert {row["PolicyNumber"] for row in rows} == numbers


def test_a_row_has_no_lines_of_business_and_the_policy_has(reading: Service, shared_sandbox: Sandbox) -> None:
    policy = next(
        policy
        for policy in shared_sandbox.ask("state/policies")
        if policy["PolicySubType"] == "P" and not policy["IsMultiEntity"]
    )
    rows = _rows(reading("PolicyGetListByCustomerId", CustomerId=policy["CustomerId"]))
    row = next(row for row in rows if row["PolicyId"] == policy["PolicyId"])
    assert "LineOfBusinessList" not in row
    read = reading("PolicyGet", PolicyId=policy["PolicyId"])
    assert [line["PolicyLineOfBusiness"] for line in read["LineOfBusinessList"]["PolicyLineOfBusiness"]] == [
        line["PolicyLineOfBusiness"] for line in policy["LineOfBusinessList"]["PolicyLineOfBusiness"]
    ]
    assert str(read["FullTermPremium"]) == policy["FullTermPremium"]


def test_numbers_with_and_without_blanks_are_different_policies(service: Service, sandbox: Sandbox) -> None:
    customer_id = sandbox.ask("customers")[0][0]
    for number in ("HO 1", "HO-1", "HO1"):
        sandbox.edit("policies", "insert", CustomerId=customer_id, PolicyNumber=number, PolicySubType="P", **_TERM)
    rows = _rows(service("PolicyGetListByPolicyNumber", PolicyNumber="HO 1"))
    assert [row["PolicyNumber"] for row in rows] == ["HO 1"]


def test_an_inserted_policy_is_active_at_once(service: Service, sandbox: Sandbox) -> None:
    customer_id = sandbox.ask("customers")[0][0]
    policy_id = service("PolicyInsert", Policy={
        "CustomerId": customer_id, "PolicyNumber": "NEW-1", "PolicyStatus": "N", "WritingCompanyCode": "M<>",
        "LineOfBusinessList": {"PolicyLineOfBusiness": [{"PolicyLineOfBusiness": "HOME"}]}, **_TERM,
    })  # fmt: skip
    read = service("PolicyGet", PolicyId=policy_id)
    assert (read["PolicyStatus"], read["PolicyNumber"], read["WritingCompanyCode"]) == ("A", "NEW-1", "M<>")
    rows = _rows(service("PolicyGetListByCustomerId", CustomerId=customer_id, PolicyStatus={"string": ["A"]}))
    assert policy_id in [row["PolicyId"] for row in rows]


@pytest.mark.parametrize(("change", "member"), [
    ({"CustomerId": "00000000-0000-0000-0000-000000000000"}, "CustomerId"), ({"PolicyNumber": None}, "PolicyNumber"),
    ({"PolicyEffectiveDate": None}, "PolicyEffectiveDate"), ({"PolicyExpirationDate": None}, "PolicyExpirationDate"),
    ({"PolicyExpirationDate": "2025-01-01T00:00:00"}, "PolicyExpirationDate"),
    ({"WritingCompanyCode": "???"}, "WritingCompanyCode"), ({"AccountRepCode": "???"}, "AccountRepCode"),
    ({"WritingCompanyCode": "ERI"}, "WritingCompanyCode"), ({"WritingCompanyCode": "TRV", "CompanyType": "P"}, "CompanyType"),
    ({"LineOfBusinessList": {"PolicyLineOfBusiness": [{"PolicyLineOfBusiness": "???"}]}}, "PolicyLineOfBusiness"),
    ({"LineOfBusinessList": {"PolicyLineOfBusiness": [{}]}}, "PolicyLineOfBusiness"),
    ({"TypeOfBusiness": 1, "LineOfBusinessList": {"PolicyLineOfBusiness": [{"PolicyLineOfBusiness": "DENT"}]}}, "TypeOfBusiness"),
])  # fmt: skip
def test_a_policy_that_breaks_a_rule_is_refused(
    service: Service, sandbox: Sandbox, change: dict[str, Any], member: str
) -> None:
    policy = {"CustomerId": sandbox.ask("customers")[0][0], "PolicyNumber": "X", **_TERM, **change}
    with pytest.raises(zeep.exceptions.Fault) as raised:
        service("PolicyInsert", Policy=policy)
    assert fault_of(raised.value)[1][0]["DataName"] == member
