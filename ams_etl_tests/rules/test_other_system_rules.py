"""HawkSoft, QQ Catalyst and MyCase: the same rules, by example and for whatever their services may send."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ams_etl.rules.contacts.connections import CONNECTION_TYPES
from ams_etl.rules.contacts.merging import merge
from ams_etl.rules.model import Contact, Derivation
from ams_etl.rules.reach.emails import emails_in
from ams_etl.rules.settings import Ownership, RuleSettings
from ams_etl.rules.systems import benefitpoint, hawksoft, mycase, qq_catalyst
from ams_etl_tests.rules import generated, golden
from ams_etl_tests.rules.golden import TODAY

CASES = Path(__file__).parent / "cases" / "other_systems"
STAFF = {"1": "Lea Lead", "2": "Ola Orig", "12": "Lou Last"}
OFFICES = hawksoft.offices_of(
    [{"OfficeId": 1, "OfficeDescription": "Main"}, {"OfficeId": 2, "OfficeDescription": "North Side"}]
)
OWNERSHIP = {
    "hawksoft": {"commercial": "producer", "personal": "csr"},
    "qq_catalyst": {"commercial": "producer", "personal": "csr"},
    "mycase": {"commercial": "lead_attorney", "personal": "lead_attorney"},
    "benefitpoint": {},
}
NAMES = benefitpoint.names_of({"3": "Austin"}, {"8": "Delta Dental"}, {"2": "Dental"})
_SETTINGS: TypeAdapter[RuleSettings] = TypeAdapter(RuleSettings)


def _cases() -> list[Any]:
    return [
        pytest.param(file.stem, case, id=f"{file.stem}: {case['name']}")
        for file in sorted(CASES.glob("*.yaml"))
        for case in yaml.safe_load(file.read_text("utf-8"))
    ]


def derived(system: str, case: Mapping[str, Any], settings: RuleSettings) -> Derivation:
    if system == "hawksoft":
        return hawksoft.derive({"clientNumber": 1, **case["client"]}, OFFICES, settings, TODAY)
    if system == "qq_catalyst":
        contact = {"EntityID": 5, "ContactSubType": "C", "Status": "A", **case["contact"]}
        return qq_catalyst.derive(contact, case.get("account_info", {}), case.get("policies", ()), settings, TODAY)
    if system == "benefitpoint":
        return benefitpoint.derive(_account(case), NAMES, settings, TODAY)
    return mycase.derive(_party(case), STAFF, settings, TODAY)


def _account(case: Mapping[str, Any]) -> benefitpoint.AccountBundle:
    contacts = [
        {"accountID": 5, "primary": place == 0, **entry, "contact": {"contactID": 50 + place, **entry["contact"]}}
        for place, entry in enumerate(case.get("contacts", ()))
    ]
    plans = [
        {"productID": 70 + place, "accountID": 5, "productStatus": "Current", "productTypeID": 2, "carrierID": 8,
         "policyNumber": f"D-{place}", "effectiveAsOf": "2026-01-01T00:00:00Z", "renewalOn": "2027-01-01T00:00:00Z", **entry}
        for place, entry in enumerate(case.get("plans", ()))
    ]  # fmt: skip
    account = {"accountID": 5, "active": True, **case["account"]}
    return benefitpoint.AccountBundle(account, tuple(contacts), tuple(plans), case.get("linked_to"))


def _party(case: Mapping[str, Any]) -> mycase.Party:
    kind = mycase.CLIENT if "client" in case else mycase.COMPANY
    named = {
        "clients": [{"id": 7}] if kind == mycase.CLIENT else [],
        "companies": [] if kind == mycase.CLIENT else [{"id": 7}],
    }
    cases = tuple({"status": "open", **named, **entry} for entry in case.get("cases", ()))
    return mycase.Party(kind, {"id": 7, **case[kind]}, cases)


@pytest.mark.parametrize(("system", "case"), _cases())
def test_a_golden_case_holds(system: str, case: Mapping[str, Any]) -> None:
    """A1, A2, A3, A4, A5, A6, A7, A8, B10, B11: what the case expects is what the rules say."""
    given = dict(case.get("settings", {}))
    given["ownership"] = {**OWNERSHIP[system], **given.get("ownership", {})}
    settings = _SETTINGS.validate_python(given)
    found_derivation = derived(system, case, settings)
    found = golden._of_derivations([found_derivation])
    found["merged"], segmented = golden._merged(found_derivation.candidates, settings, case)
    found["skips"].update(segmented)
    assert list(golden._unlike(case["expect"], found, "expect")) == []


_words = st.one_of(generated.names, generated.emails, st.integers(-1, 3), st.booleans(), st.just({}), st.just([]))
_ids = st.sampled_from(("a", "A", "b", "c", "", None, 3))


def _records(
    required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[list[Any]]:
    record = st.fixed_dictionaries(required, optional=optional)
    return st.lists(st.one_of(record, record, record, _words), max_size=4)


_clients = st.fixed_dictionaries(
    {
        "clientNumber": st.integers(1, 9),
        "people": _records(
            {"id": _ids}, firstName=generated.names, lastName=generated.names, dateOfBirth=generated.days,
            relationship=st.sampled_from(("Insured", "Spouse", "Child", None)),
        ),
        "contacts": _records(
            {"type": st.sampled_from(("Email", "HomeEmail", "CellPhone", "Fax", None)), "data": generated.emails}, id=_ids,
            personId=_ids, priority=_words,
        ),
    },
    optional={
        "details": st.fixed_dictionaries(
            {},
            optional={
                "producer": _words, "csr": _words, "isPersonal": _words, "isCommercial": _words, "companyName": generated.names,
                "status": _words, "clientSince": generated.days, "mailingAddress": _words, "officeId": _words,
            },
        ),
        "policies": _records(
            {}, id=_ids, status=_words, effectiveDate=generated.days, expirationDate=generated.days, loBs=_words, carrier=_words
        ),
    },
)  # fmt: skip


@given(_clients, generated.settings)
def test_hawksoft_never_raises_and_tells_of_every_person(client: Any, settings: RuleSettings) -> None:
    """A1: whoever has a name or an email is a candidate, part of one, or a skip with its reason."""
    found = hawksoft.derive(client, OFFICES, settings, TODAY)
    told = {(candidate.entity, candidate.entity_id) for candidate in found.candidates} | {
        (skip.entity, skip.entity_id) for skip in found.skips
    }
    told |= {absorbed for candidate in found.candidates for absorbed in candidate.absorbed}
    people = [entry for entry in client.get("people", ()) if isinstance(entry, dict)]
    assert len(told) == 1 + len(people)
    assert len(found.candidates) + len(found.skips) + sum(
        len(candidate.absorbed) for candidate in found.candidates
    ) == len(told)
    _all_fit("hawksoft", found)
    hawksoft.explain(client, OFFICES, settings, TODAY)


@given(_clients)
def test_a_hawksoft_client_with_a_name_or_an_email_is_a_contact(client: Any) -> None:
    """A1: nothing of a client that is active and wanted gets lost by how it is written."""
    client.setdefault("details", {})["status"] = "Active"
    found = hawksoft.derive(client, OFFICES, RuleSettings(), TODAY)
    assert {skip.reason for skip in found.skips} <= {"no_name_no_email", "not_second_insured"}
    told = {email for candidate in found.candidates for email in candidate.emails}
    left_out = {skip.entity_id for skip in found.skips}
    for way in client.get("contacts", ()):
        if isinstance(way, dict) and "mail" in (way.get("type") or "") and isinstance(way.get("data"), str):
            owner = str(way.get("personId") or "").lower()
            if owner not in left_out:
                assert set(emails_in(way["data"])[0]) <= told


@given(_clients, st.randoms())
def test_the_order_of_a_hawksoft_list_says_nothing(client: Any, chance: Any) -> None:
    """A1: its own rule takes the highest on the list; ours has one answer for one set of people."""
    people = client.get("people", [])
    for place, entry in enumerate(people):
        if isinstance(entry, dict):
            entry["id"] = f"p{place}"
    before = hawksoft.derive(client, OFFICES, RuleSettings(), TODAY)
    shuffled = {**client, "people": chance.sample(people, len(people))}
    after = hawksoft.derive(shuffled, OFFICES, RuleSettings(), TODAY)
    assert set(before.candidates) == set(after.candidates)


_contacts: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"EntityID": st.integers(1, 9), "ContactSubType": st.sampled_from(("C", "C", "P", "V", None, []))},
    optional={
        "isAPerson": _words, "FirstName": generated.names, "LastName": generated.names, "BusinessName": generated.names,
        "DisplayName": generated.names, "PrimaryContact": generated.names, "Email": generated.emails, "Phone": generated.phones,
        "PhoneType": _words, "DOB": generated.days, "CreatedOn": generated.days, "Status": _words,
    },
)  # fmt: skip


@given(
    _contacts,
    st.dictionaries(st.sampled_from(("AgentID", "CsrID", "Agent", "CSR")), _words),
    _records(
        {}, PolicyId=_ids, Status=_words, EffectiveDate=generated.days, ExpirationDate=generated.days, IsDeleted=_words
    ),
    generated.settings,
)
def test_qq_catalyst_never_raises_and_loses_nobody(
    contact: Any, info: Any, policies: Any, settings: RuleSettings
) -> None:
    """A3: one contact gives one candidate or one skip; a customer with a name or an email is skipped only by a setting."""
    rows = [policy for policy in policies if isinstance(policy, dict)]
    found = qq_catalyst.derive(contact, info, rows, settings, TODAY)
    assert len(found.candidates) + len(found.skips) == 1
    _all_fit("qq_catalyst", found)
    qq_catalyst.explain(contact, info, rows, settings, TODAY)
    emails = emails_in(contact["Email"])[0] if isinstance(contact.get("Email"), str) else ()
    wanted = qq_catalyst.derive(contact, info, rows, RuleSettings(import_inactive=True), TODAY)
    if emails and contact["ContactSubType"] in ("C", "P"):
        assert set(wanted.candidates[0].emails) == set(emails)


_staff = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.integers(1, 15) | _words,
            "lead_lawyer": st.booleans() | _words,
            "originating_lawyer": st.booleans(),
        },
    ),
    max_size=4,
)
_moments = st.sampled_from(("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00", "soon", None, 5))
_mycases = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(1, 30), "updated_at": _moments},
        optional={"status": st.sampled_from(("open", "closed", None)), "staff": _staff | _words, "practice_area": _words,
                  "billing_contact": st.just({"id": 7}) | _words, "clients": st.just([{"id": 7}]) | _words},
    ),
    max_size=4, unique_by=lambda case: case["id"],
)  # fmt: skip
_mycase_clients = st.fixed_dictionaries(
    {"id": st.just(7)},
    optional={"first_name": generated.names, "last_name": generated.names, "email": generated.emails, "birthdate": generated.days,
              "archived": _words, "address": _words, "cell_phone_number": generated.phones, "created_at": generated.days},
)  # fmt: skip


@given(_mycase_clients, _mycases, generated.settings, st.randoms())
def test_mycase_never_raises_and_the_order_of_cases_says_nothing(
    client: Any, cases: Any, settings: RuleSettings, chance: Any
) -> None:
    """A4, A5, A7: one party gives one candidate or one skip, the same in whatever order its cases come."""
    found = mycase.derive(mycase.Party("client", client, tuple(cases)), STAFF, settings, TODAY)
    assert len(found.candidates) + len(found.skips) == 1
    _all_fit("mycase", found)
    mycase.explain(mycase.Party("client", client, tuple(cases)), settings, TODAY)
    shuffled = mycase.Party("client", client, tuple(chance.sample(cases, len(cases))))
    assert mycase.derive(shuffled, STAFF, settings, TODAY) == found
    emails = emails_in(client["email"])[0] if isinstance(client.get("email"), str) else ()
    if emails:
        everybody = RuleSettings(import_inactive=True)
        assert mycase.derive(shuffled, STAFF, everybody, TODAY).candidates[0].emails == emails


@given(_mycases)
def test_every_attorney_is_kept_and_the_newest_case_owns(cases: Any) -> None:
    """A6: each of the lead's cases adds a connection; only those of the most recently updated case decide the owner."""
    settings = RuleSettings(ownership=Ownership("lead_attorney", "lead_attorney"))
    party = mycase.Party("client", {"id": 7, "first_name": "Ann"}, tuple(cases))
    (candidate,) = mycase.derive(party, STAFF, settings, TODAY).candidates
    flagged = {
        (kind, str(entry["id"]))
        for case in cases
        for entry in _dicts(case.get("staff"))
        for kind, flag in (("Lead Attorney", "lead_lawyer"), ("Originating Attorney", "originating_lawyer"))
        if entry.get(flag) is True and isinstance(entry.get("id"), int)
    }
    assert {(connection.connection_type, connection.employee_code) for connection in candidate.connections} == flagged
    users = {key: f"user {key[1]}" for key in flagged}
    contact = merge([candidate], settings, users, {})
    assert isinstance(contact, Contact)
    newest = mycase.in_order_of_update(cases)[:1]
    held = {str(entry.get("id")) for case in newest for entry in _dicts(case.get("staff"))}
    assert contact.owner_user_id is None or contact.owner_user_id.removeprefix("user ") in held


def _dicts(value: Any) -> Sequence[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _all_fit(system: str, found: Derivation) -> None:
    assert {skip.system for skip in found.skips} <= {system}
    assert {candidate.system for candidate in found.candidates} <= {system}
    for candidate in found.candidates:
        assert {connection.connection_type for connection in candidate.connections} <= set(CONNECTION_TYPES[system])
        assert "AMS360" not in {tag.tag for tag in candidate.tags if tag.category == "default"}
        assert candidate.first_name or candidate.last_name
