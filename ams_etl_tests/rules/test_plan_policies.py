"""Plans as policies of AMS360: by example, and for any plan, mapping and list of codes."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import ams_etl.sandbox
from ams_etl.rules.accounts.benefitpoint_records import BenefitPlan
from ams_etl.rules.accounts.plan_codes import CodeMapping, Listed, ListedCode, Named, PlanMappings
from ams_etl.rules.accounts.plan_policies import PlanDecision, policy_for_ams360

TODAY = date(2026, 11, 21)
CASES = yaml.safe_load((Path(__file__).parent / "cases" / "benefitpoint" / "plans.yaml").read_text("utf-8"))
CARRIERS: dict[int, dict[str, Any]] = {
    1: {"carrierID": 1, "carrierName": "Anthem", "carrierAlias": None},
    2: {"carrierID": 2, "carrierName": "Delta Dental"},
    3: {"carrierID": 3, "carrierName": "Blue  Cross", "carrierAlias": "BCBS"},
}
PRODUCT_TYPES: dict[int, dict[str, Any]] = {
    2: {"shortDescription": "Dent", "longDescription": "Dental PPO", "lineOfCoverage": "Dental"},
    5: {"shortDescription": "LTD", "longDescription": "LTD Plan", "lineOfCoverage": "Long_Term_Disability"},
}
LISTED = Listed(
    {
        code: ListedCode.company({"Name": code, "CompanyType": "W", "IsInactive": code == "OLD"})
        for code in ("ANT", "GRD", "B<&", "OLD")
    },
    {
        code: ListedCode.line({"Description": code, "TypeOfBusinessCode": kind, "IsInactive": "False"})
        for code, kind in (("DENT", 3), ("MED", 3), ("LTD", None))
    },
)


_WSDL = etree.parse(Path(ams_etl.sandbox.__file__).parent / "ams360" / "WSAPIService.wsdl")
MEMBERS = _WSDL.xpath("//*[local-name() = 'complexType'][@name = 'Policy']//*[local-name() = 'element']/@name")
"""Policy, as the contract orders it."""


def decided(members: Mapping[str, Any], mappings: PlanMappings, listed: Listed = LISTED) -> PlanDecision:
    plan = BenefitPlan.from_payload({
        "productID": 9, "accountID": 2, "name": "PPO", "effectiveAsOf": "2026-02-01T00:00:00", "policyNumber": "N 1",
        "carrierID": 1, "productTypeID": 2, **members,
    })  # fmt: skip
    carrier = Named.carrier(plan.carrier_id, CARRIERS.get(plan.carrier_id)) if plan.carrier_id else None
    kind = plan.product_type_id
    product_type = Named.product_type(kind, PRODUCT_TYPES.get(kind)) if kind else None
    return policy_for_ams360(plan, carrier, product_type, mappings, listed, TODAY)


def mapping(default: dict[str, str], given: Mapping[Any, Any]) -> CodeMapping:
    """The case's own, beside the default that it does not take away."""
    folded = {str(key).replace("_", " ").strip().casefold() for key in given}
    kept = {name: code for name, code in default.items() if name.casefold() not in folded}
    return CodeMapping.of({key: code for key, code in {**kept, **given}.items() if code is not None})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_plans_by_example(case: Mapping[str, Any]) -> None:
    """B5: each case of plans.yaml."""
    mappings = PlanMappings(
        mapping({"Anthem": "ANT"}, case.get("carriers", {})),
        mapping({"Dental PPO": "DENT"}, case.get("lines_of_business", {})),
    )
    found = decided(case.get("plan", {}), mappings)
    if case.get("over"):
        assert found == PlanDecision()
    elif "waits" in case:
        assert found.policy is None
        reasons = {waiting.waits_for: waiting.reason for waiting in found.waiting}
        assert reasons.keys() == case["waits"].keys()
        assert {key: reasons[key] for key, said in case["waits"].items() if said} == {
            key: said for key, said in case["waits"].items() if said
        }
    else:
        policy = found.policy
        assert policy is not None
        assert found.waiting == ()
        lines = [
            entry["PolicyLineOfBusiness"]
            for entry in policy.get("LineOfBusinessList", {}).get("PolicyLineOfBusiness", ())
        ]
        told = {**policy, "lines": lines}
        assert {key: told.get(key) for key in case["policy"]} == case["policy"]


_KEYS = st.sampled_from(
    ["1", "2", "9", "anthem", "Delta  dental", "BLUE_CROSS", "dent", "Dental", "long term disability"]
)
_CODES = st.sampled_from(["ANT", "GRD", "OLD", "DENT", "MED", "LTD", "B<&", "???"])
_MAPPINGS = st.dictionaries(_KEYS, _CODES).map(CodeMapping.of)
_PLANS = st.fixed_dictionaries({}, optional={
    "carrierID": st.sampled_from([None, 0, 1, 2, 3, 9]), "productTypeID": st.sampled_from([None, 2, 5, 9]),
    "productStatus": st.sampled_from(["Current", "Cancelled", "Expired", "Pending", "None_Selected"]),
    "effectiveAsOf": st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(str),
    "renewalOn": st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(str),
    "continousPolicy": st.booleans(), "totalEstimatedMonthlyPremium": st.none() | st.floats(0, 1e6),
    "policyNumber": st.none() | st.text(max_size=40), "name": st.text(max_size=150),
})  # fmt: skip


@given(_PLANS, _MAPPINGS, _MAPPINGS)
def test_a_plan_becomes_a_policy_with_listed_codes_or_waits_or_is_over(
    members: dict[str, Any], carriers: CodeMapping, lines: CodeMapping
) -> None:
    """B5: exactly one of the three; with all codes it goes, unless it has no first day; in the contract's order."""
    found = decided(members, PlanMappings(carriers, lines))
    assert not (found.policy and found.waiting)
    everything = {str(key): "GRD" for key in (1, 2, 3, 9)}, {str(key): "MED" for key in (2, 5, 9)}
    complete = PlanMappings(*map(CodeMapping.of, everything))
    with_codes = decided(members, complete)
    over = found == PlanDecision()
    assert over == (with_codes == PlanDecision())
    assert over or (with_codes.policy is None) == (members.get("effectiveAsOf", "2026") is None)
    if found.policy is not None:
        assert sorted(found.policy, key=MEMBERS.index) == list(found.policy)
        assert found.policy.get("WritingCompanyCode", "ANT") in LISTED.companies.keys() - {"OLD"}
        for policy in found.policy.get("LineOfBusinessList", {"PolicyLineOfBusiness": []})["PolicyLineOfBusiness"]:
            assert policy["PolicyLineOfBusiness"] in LISTED.lines_of_business


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"Anthem": "ANT", "anthem ": "GRD"}, "anthem : occurs twice"),
        ({5: "ANT", "5": "ANT"}, "5: occurs twice"),
        ({"Anthem": 12}, "Anthem: expected AMS360's code in quotes, found 12"),
        ({"Anthem": False}, "Anthem: expected AMS360's code in quotes, found False"),
        ({"Anthem": " "}, "Anthem: expected AMS360's code in quotes, found ' '"),
        ({True: "ANT"}, "True: expected an id, or a name"),
        ({"": "ANT"}, "'': expected an id, or a name"),
    ],
)
def test_a_mapping_that_says_nothing_clear_is_refused(written: dict[Any, Any], said: str) -> None:
    """B5: which key, and why; YAML reads NO as false and 012 as ten."""
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        CodeMapping.of(written)
