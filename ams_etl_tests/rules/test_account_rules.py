"""Accounts and links of BenefitPoint: by example, and for whatever the systems may hold."""

import random
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ams_etl.rules.accounts.accounts import CustomerAccount, account_of, named_by, told_of_an_edit
from ams_etl.rules.accounts.benefit_plans import named_by_plan, pair_plans, policy_from_ams360, policy_from_plan
from ams_etl.rules.accounts.benefitpoint_records import BenefitPlan, BenefitPointAccount
from ams_etl.rules.accounts.links import link
from ams_etl.rules.accounts.same_accounts import the_same_account
from ams_etl.rules.records.ams360 import Policy
from ams_etl_tests.rules.account_payloads import account_payload

CASES, SAME = (
    yaml.safe_load((Path(__file__).parent / "cases" / "benefitpoint" / f"{name}.yaml").read_text("utf-8"))
    for name in ("links", "same_accounts")
)


def customer(given: Mapping[str, Any]) -> CustomerAccount:
    left = {name: value for name, value in given.items() if name not in {"id", "number"}}
    return CustomerAccount.from_payload({"CustomerId": given["id"], "CustomerNumber": given["number"], **left})


def account(given: Mapping[str, Any]) -> BenefitPointAccount:
    return BenefitPointAccount.from_payload(account_payload(given))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_links_by_example(case: Mapping[str, Any]) -> None:
    """B1, B8: each case of links.yaml."""
    people = {(pair.split()[0], int(pair.split()[1])): yes for pair, yes in case.get("people", {}).items()}
    links = link(map(customer, case["customers"]), map(account, case["accounts"]), people)
    assert [f"{pair.customer_id} {pair.account_id} {pair.state} {pair.evidence}" for pair in links] == case["links"]
    if "score" in case:
        assert [pair.score for pair in links if pair.state == "suggested"] == [case["score"]]


@pytest.mark.parametrize("case", SAME, ids=lambda case: case["name"])
def test_the_same_account_by_example(case: Mapping[str, Any]) -> None:
    """B9: each case of same_accounts.yaml, in whichever order the accounts are found."""
    wanted, there = account({"id": 0, **case["wanted"]}), [account(entry) for entry in case["there"]]
    for found in (there, there[::-1]):
        alike = the_same_account(wanted, found)
        assert [f"{pair.account_id} {pair.reason}" for pair in alike if pair.sure] == [
            entry for entry in [case.get("same")] if entry
        ]
        assert [pair.account_id for pair in alike if not pair.sure] == case.get("ask", [])


_NAMES = st.sampled_from(["Nova LLC", "nova", "Acme Inc.", "Acme", "", None])
_CUSTOMERS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from([f"c{n}" for n in range(7)]), "number": st.integers(0, 5), "FirmName": _NAMES}),
    unique_by=lambda one: one["id"], max_size=7,
)  # fmt: skip
_ACCOUNTS = st.lists(
    st.fixed_dictionaries({
        "id": st.integers(1, 8), "name": _NAMES, "ams_id": st.none() | st.sampled_from([f"C{n}" for n in range(9)]),
        "ams_number": st.none() | st.integers(0, 6), "active": st.booleans(),
    }),
    unique_by=lambda one: one["id"], max_size=8,
)  # fmt: skip
_PEOPLE = st.dictionaries(
    st.tuples(st.sampled_from([f"c{n}" for n in range(7)]), st.integers(1, 8)), st.booleans(), max_size=5
)


@settings(max_examples=500)
@given(_CUSTOMERS, _ACCOUNTS, _PEOPLE, st.randoms(use_true_random=False))
def test_links_do_not_depend_on_order_and_are_one_to_one(
    customers: list[Any], accounts: list[Any], people: dict[tuple[str, int], bool], chance: random.Random
) -> None:
    """B1, B3: every account is in one pair at most, no name links, a no is a no, and any order gives the same."""
    links = link(map(customer, customers), map(account, accounts), people)
    shuffled = [list(customers), list(accounts), list(people.items())]
    for entry in shuffled:
        chance.shuffle(entry)
    assert link(map(customer, shuffled[0]), map(account, shuffled[1]), dict(shuffled[2])) == links
    confirmed = [pair for pair in links if pair.state == "confirmed"]
    assert (
        len({pair.customer_id for pair in confirmed}) == len({pair.account_id for pair in confirmed}) == len(confirmed)
    )
    assert all(pair.evidence != "name" for pair in confirmed)
    assert all(people.get((pair.customer_id, pair.account_id)) is not False for pair in confirmed)
    assert {(pair.customer_id, pair.account_id) for pair in links} >= people.keys()


@given(_CUSTOMERS, _ACCOUNTS)
def test_customers_that_nobody_means_change_no_link(customers: list[Any], accounts: list[Any]) -> None:
    """The sync gives only the customers that an account could mean."""
    links = link(map(customer, customers), map(account, accounts), {})
    others = [{"id": f"z{number}", "number": 100 + number, "FirmName": f"Other {number}"} for number in range(3)]
    assert link(map(customer, [*others, *customers]), map(account, accounts), {}) == links


def test_a_linked_account_has_ams360s_values_and_benefitpoints_classification() -> None:
    """B4, B6: even an empty value of AMS360's stays."""
    left = customer({"id": "C1", "number": 7, "FirmName": "Nova", "IsActive": False, "City": "Tampa"})
    right = account({"id": 1, "first": "N", "last": "Ova", "email": "n@x.com", "zip": "10001"})
    found = account_of(left, right, {3: "Austin"})
    assert (found.name, found.is_active, found.email, found.address.city, found.address.postal_code) == (
        "Nova", False, None, "Tampa", None,
    )  # fmt: skip
    assert (found.classification, found.account_type, found.office, found.department) == (
        "individual", "client", "Austin", "12",
    )  # fmt: skip
    assert (found.ams360_synced, found.benefitpoint_synced) == (True, True)
    assert (found.ams360_customer_id, found.benefitpoint_account_id) == ("C1", 1)


def test_an_account_of_benefitpoint_alone_has_its_values() -> None:
    """B2: and two letters for the state, as AMS360 has."""
    found = account_of(None, account({"id": 1, "first": "Ida", "last": "Bo", "email": "I@x.com"}), {})
    assert (found.name, found.email, found.address.state, found.office) == ("Ida Bo", "i@x.com", "NY", None)
    assert (found.ams360_synced, found.benefitpoint_synced) == (False, True)


def test_an_account_of_ams360_alone_has_its_values() -> None:
    """B2: and nothing that only BenefitPoint could say; a number without a country is one of the US."""
    found = account_of(customer({"id": "C1", "number": 7, "FirmName": "Nova", "BusinessPhone": "2175550101"}), None, {})
    assert (found.name, found.phone, found.customer_number) == ("Nova", "+12175550101", 7)
    assert (found.classification, found.account_type, found.office, found.department) == (None, None, None, None)
    assert (found.ams360_synced, found.benefitpoint_synced) == (True, False)


def test_an_account_is_named_by_the_record_that_was_seen_first() -> None:
    """B3: before and after the other system reports it."""
    left, right = customer({"id": "C1", "number": 7}), account({"id": 1})
    assert named_by(left, None) == named_by(left, right) == ("ams360", "c1")
    assert named_by(None, right) == named_by(left, right, account_first=True) == ("benefitpoint", "1")


def test_an_edit_goes_to_the_systems_of_the_account() -> None:
    """B7: to one, to the other, to both; of these, to those that are named."""
    assert told_of_an_edit(ams360_synced=True, benefitpoint_synced=False) == ("ams360",)
    assert told_of_an_edit(ams360_synced=False, benefitpoint_synced=True) == ("benefitpoint",)
    assert told_of_an_edit(ams360_synced=True, benefitpoint_synced=True) == ("ams360", "benefitpoint")
    assert told_of_an_edit(ams360_synced=True, benefitpoint_synced=True, named=["benefitpoint"]) == ("benefitpoint",)
    assert told_of_an_edit(ams360_synced=True, benefitpoint_synced=False, named=["benefitpoint"]) == ()


def test_plans_and_policies_are_paired_once() -> None:
    """B5: what was made of a plan, then what a plan names, then nothing."""
    plans = [(3, "p1"), (2, "p1"), (1, None), (4, "gone"), (5, "p2")]
    assert pair_plans(plans, {}, ["P1", "p2", "p3"]) == {"P1": 2, "p2": 5}
    assert pair_plans(plans, {1: "P3", 3: "P1"}, ["P1", "p2", "p3"]) == {"p3": 1, "P1": 3, "p2": 5}
    assert named_by_plan(1, "P3", {1: "p3"})
    assert named_by_plan(1, None, {})
    assert not named_by_plan(5, "p2", {})
    assert not named_by_plan(None, "p2", {})


def test_a_policys_values_are_ams360s_and_a_plans_its_own() -> None:
    """B5: with the origin, a continuous plan by the contract's own spelling, and a year's premium."""
    policy = Policy.from_payload({
        "PolicyId": "p1", "PolicyNumber": " A  1 ", "PolicyStatus": "N", "WritingCompanyCode": "TRV", "FullTermPremium": "10.50",
        "PolicyEffectiveDate": "2026-01-01T00:00:00", "LineOfBusinessList": [{"PolicyLineOfBusiness": "GL"}],
    })  # fmt: skip
    from_policy = policy_from_ams360(policy, has_plan=True, companies={"TRV": "Travelers"}, lines={"GL": "Liability"})
    assert (from_policy.origin, from_policy.status, from_policy.carrier) == ("benefitpoint", "non_renewed", "Travelers")
    assert (from_policy.policy_number, from_policy.line_of_business) == ("A 1", "Liability")
    plan = BenefitPlan.from_payload({
        "productID": 1, "accountID": 2, "name": "PPO", "productStatus": "Current", "productTypeID": 4, "carrierID": 5,
        "renewalOn": "2027-01-01T00:00:00", "continousPolicy": True, "totalEstimatedMonthlyPremium": 10.25,
    })  # fmt: skip
    from_plan = policy_from_plan(plan, carriers={5: "VSP"}, product_types={})
    assert (from_plan.origin, from_plan.status, from_plan.line_of_business) == ("benefitpoint", "active", "PPO")
    assert (from_plan.is_continuous, from_plan.premium, from_plan.carrier) == (True, Decimal("123.00"), "VSP")
