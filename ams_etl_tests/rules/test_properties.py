"""What holds for every customer there could be."""

from datetime import date, timedelta
from typing import Any

from hypothesis import assume, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from ams_etl.rules.contacts.candidates import Trace, derive
from ams_etl.rules.contacts.explain import explain, explain_contact
from ams_etl.rules.contacts.marked_people import is_deceased, refused_emails
from ams_etl.rules.contacts.merging import components, merge, stable_id
from ams_etl.rules.model import Contact, Derivation, NameOverride
from ams_etl.rules.names.marks import SUPPRESSING, mark_in
from ams_etl.rules.names.names import NameFields, derive_name
from ams_etl.rules.names.persons import split_whole_name
from ams_etl.rules.reach.emails import emails_in, emails_of
from ams_etl.rules.records.ams360 import (
    Customer,
    CustomerBundle,
    CustomerContact,
    CustomerDependent,
    Employee,
    Policy,
    Source,
    key_of,
)
from ams_etl.rules.settings import RuleSettings
from ams_etl_tests.rules import generated as made
from ams_etl_tests.rules.golden import REFERENCE, TODAY

Junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.text(max_size=3), max_size=2)
)
MEMBERS = (
    "CustomerId", "CustomerNumber", "IsActive", "IsCommercial", "FirstName", "LastName", "FirmName", "Email", "CellPhone",
    "DateOfBirth", "CustomerContactId", "ContactName", "EmailAddress", "SortOrder", "DependentId", "Relationship", "DOB",
    "PolicyId", "PolicyStatus", "PolicyEffectiveDate", "PolicyExpirationDate", "IsContinuous", "FullTermPremium",
    "LineOfBusinessList", "EmployeeCode", "ShortName",
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(MEMBERS), Junk), min_size=4, max_size=4), made.settings)
def test_nothing_that_a_source_sends_raises(payloads: list[dict[str, Any]], settings: RuleSettings) -> None:
    """Q3: bad data gives a candidate or a skip, never an exception."""
    one, two, three, four = payloads
    Employee.from_payload(one)
    bundle = CustomerBundle(
        Customer.from_payload(one),
        (CustomerContact.from_payload(two),),
        (CustomerDependent.from_payload(three),),
        (Policy.from_payload(four),),
    )
    derive(bundle, REFERENCE, settings, TODAY)


@given(made.bundles(), made.settings)
def test_every_record_is_told_exactly_once(bundle: CustomerBundle, settings: RuleSettings) -> None:
    """Q3: a candidate of its own, part of the primary, or a skip: the crosswalk is complete."""
    derivation = derive(bundle, REFERENCE, settings, TODAY)
    told = [(candidate.entity, candidate.entity_id) for candidate in derivation.candidates]
    told += [key for candidate in derivation.candidates for key in candidate.absorbed]
    told += [(skip.entity, skip.entity_id) for skip in derivation.skips]
    assert sorted(told) == sorted(map(key_of, _records(bundle)))


@given(made.bundles())
def test_nobody_with_a_name_or_an_email_is_lost(bundle: CustomerBundle) -> None:
    """Q1: only a record with neither is skipped for having neither."""
    derivation = derive(bundle, REFERENCE, RuleSettings(import_inactive=True), TODAY)
    records = {key_of(record): record for record in _records(bundle)}
    for skip in derivation.skips:
        if skip.reason == "no_name_no_email":
            record = records[skip.entity, skip.entity_id]
            assert emails_of(record) == ()
            names = [getattr(record, name, None) or "" for name in ("first_name", "last_name", "contact_name")]
            assert not any(given in name for given in made.GIVEN + made.FAMILY for name in names)
    for candidate in derivation.candidates:
        assert candidate.first_name or candidate.last_name


@given(made.bundles(), made.bundles())
def test_a_lent_value_and_an_absorbed_record_are_not_lost(one: CustomerBundle, other: CustomerBundle) -> None:
    """N8: the emails and phones of a contact that merged into its firm are the firm's."""
    for bundle in (one, other):
        for candidate in derive(bundle, REFERENCE, RuleSettings(import_inactive=True), TODAY).candidates:
            for contact in bundle.contacts:
                if ("customer_contact", contact.contact_id) in candidate.absorbed:
                    assert set(emails_of(contact)) <= set(candidate.emails)


@given(made.marked, made.names, st.sampled_from(["FirstName", "LastName", "InformalSalutation", "FormalSalutation"]))
@example("Jon (Deceased)", "Jon", "InformalSalutation")
def test_a_mark_is_never_in_a_greeting(text: str, other: str | None, member: str) -> None:
    """N10: whatever field it is in and however it is written."""
    payload = {"CustomerId": "1", "LastName": "Doe", "FirstName": other, member: text}
    derivation = derive(CustomerBundle(Customer.from_payload(payload)), REFERENCE, RuleSettings(), TODAY)
    for candidate in derivation.candidates:
        for said in (candidate.first_name, candidate.nickname, candidate.last_name):
            words = [word.strip("()[]").casefold() for word in (said or "").split()]
            assert not {"deceased", "dnc", "minor", "former", "dec'd", "decd", "contact", "call", "mail"} & set(words)


@given(made.marked)
def test_a_grave_mark_suppresses_wherever_it_stands(text: str) -> None:
    """N10: and no nickname beside it lifts that."""
    grave = any(mark_in(mark, {}) in {"deceased", "do_not_contact"} and mark in text for mark in made.MARKS)
    for member in ("FirstName", "LastName", "InformalSalutation", "FormalSalutation"):
        payload = {"CustomerId": "1", "Email": "a@x.com", member: text}
        (candidate,) = derive(
            CustomerBundle(Customer.from_payload(payload)), REFERENCE, RuleSettings(), TODAY
        ).candidates
        assert bool(candidate.suppressed_reason) == grave


@given(made.names, made.names)
def test_a_derived_name_derives_to_itself(first: str | None, last: str | None) -> None:
    """N2, N3, N7, N14: what was cleaned once is clean, and holds no bracket."""
    payload = Customer.from_payload({"CustomerId": "1", "FirstName": first, "LastName": last})
    once = derive_name(NameFields(payload.first_name, payload.last_name), {})
    if once.first and once.last:
        assert not set('()[]{}<>"') & set(once.first.text + once.last.text)
        again = derive_name(NameFields(once.first.text, once.last.text), {})
        assert again.last
        assert again.first
        assert (again.first.text, again.last.text) == (once.first.text, once.last.text)


@given(
    st.sampled_from([name for name in made.GIVEN if name != "Mary Ann"]),
    st.sampled_from(made.FAMILY),
    st.sampled_from(made.SEPARATORS),
    st.sampled_from(made.GIVEN),
)
def test_two_names_come_apart_and_keep_their_separator(one: str, family: str, sign: str, two: str) -> None:
    """N4, N5: whatever parts them, with and without blanks."""
    split = split_whole_name(f"{one}{sign}{two} {family}", family)
    assert split.given == f"{one}{sign}{two}"
    assert split.family == family


@given(made.emails)
def test_emails_are_clean_and_stay_so(field: str | None) -> None:
    """C7: reading what was read gives the same."""
    found, _ = emails_in(field or "")
    assert emails_in("; ".join(found))[0] == found
    assert all(email == email.strip().lower() and "@" in email for email in found)


@given(st.lists(st.sampled_from(("none@none.com", "noemail@x.com", "jane@", "a@x.com", "b@agency.com")), max_size=4))
def test_an_address_is_an_email_or_a_finding_with_its_rule(written: list[str]) -> None:
    """M5: placeholders, what the agency lists, and what cannot be read are dropped, each with its reason."""
    customer = Customer.from_payload({"CustomerId": "1", "FirstName": "Ann", "Email": "; ".join(written)})
    settings = RuleSettings(placeholder_emails=("@agency.com",))
    found = explain(CustomerBundle(customer), REFERENCE, settings, TODAY)
    kept = {part.value for part in found if part.field == "email"}
    dropped = {part.value: part.rule for part in found if part.field == "dropped_email"}
    assert kept == {"a@x.com"} & set(written)
    assert set(dropped) == set(written) - kept
    assert all(rule == ("C7" if entry.startswith("jane") else "M5") for entry, rule in dropped.items())


@given(made.bundles(), made.settings, st.integers(-400, 400))
@budget(max_examples=200)
def test_nothing_changes_before_the_day_of_review(bundle: CustomerBundle, settings: RuleSettings, shift: int) -> None:
    """L1, L6, K1, K2: until `review_on` the same records give the same, and on that day there is a reason to look."""
    today = TODAY + timedelta(days=shift)
    now = derive(bundle, REFERENCE, settings, today)
    turns = {
        day for day in _days_near(bundle, settings) if day > today and (now.review_on is None or day < now.review_on)
    }
    for day in turns | (
        {now.review_on - timedelta(days=1)} if now.review_on and now.review_on - timedelta(days=1) > today else set()
    ):
        assert _told(derive(bundle, REFERENCE, settings, day)) == _told(now), day


def _records(bundle: CustomerBundle) -> list[Source]:
    """Every record that may become a contact."""
    return [bundle.customer, *bundle.contacts, *bundle.dependents]


def _told(derivation: Derivation) -> tuple[Any, ...]:
    return derivation.candidates, derivation.skips


def _days_near(bundle: CustomerBundle, settings: RuleSettings) -> set[date]:
    """Every day on which a rule could turn, and the days around it."""
    dates = [bundle.customer.date_of_birth, bundle.customer.date_added]
    dates += [dependent.date_of_birth for dependent in bundle.dependents]
    dates += [day for policy in bundle.policies for day in (policy.effective, policy.expiration)]
    within = getattr(settings.prospects, "within_days", 0)
    found = set()
    for day in dates:
        if day and date(1900, 1, 1) < day < date(9900, 1, 1):
            found |= {day + timedelta(days=shift) for shift in (-1, 0, 1, within - 1, within, within + 1)}
            found |= {
                date(day.year + 120, day.month, min(day.day, 28)) + timedelta(days=shift) for shift in range(-1, 4)
            }
    return found


@given(made.candidates(), made.settings, st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(found: Any, settings: RuleSettings, random: Any) -> None:
    """M4: any order gives the equal contact, or the same skips."""
    users = {("Executive", "E 1"): "eve", ("Representative", "R<1"): "rob"}
    overrides = {("ams360", "customer", "customer-2"): NameOverride("Johnny", None)}
    shuffled = list(found)
    random.shuffle(shuffled)
    assert merge(shuffled, settings, users, overrides) == merge(found, settings, users, overrides)


@given(made.bundles(), st.randoms(use_true_random=False))
def test_the_order_in_which_records_arrive_does_not_matter(bundle: CustomerBundle, random: Any) -> None:
    """M4: contacts, dependents and policies may come in any order."""
    contacts, dependents, policies = (
        random.sample(records, len(records)) for records in (bundle.contacts, bundle.dependents, bundle.policies)
    )
    shuffled = CustomerBundle(
        bundle.customer, tuple(contacts), tuple(dependents), tuple(policies), bundle.shell_policy_ids
    )
    settings = RuleSettings(import_inactive=True)
    one, other = derive(bundle, REFERENCE, settings, TODAY), derive(shuffled, REFERENCE, settings, TODAY)
    assert sorted(skip.entity_id for skip in one.skips) == sorted(skip.entity_id for skip in other.skips)
    for mine, theirs in zip(
        sorted(one.candidates, key=lambda c: c.entity_id),
        sorted(other.candidates, key=lambda c: c.entity_id),
        strict=True,
    ):
        merged, other_merged = merge([mine], settings, {}, {}), merge([theirs], settings, {}, {})
        assert isinstance(merged, Contact)
        assert isinstance(other_merged, Contact)
        assert (merged.first_name, merged.emails, merged.tags, merged.key_facts, merged.connections) == (
            other_merged.first_name, other_merged.emails, other_merged.tags, other_merged.key_facts, other_merged.connections
        )  # fmt: skip


@given(made.candidates())
def test_a_merged_contact_holds_what_its_members_hold(found: Any) -> None:
    """M2, M6: tags, renewals and connections of all are united, birthdays, emails and phones of the living; best first."""
    merged = merge(found, RuleSettings(), {}, {})
    assert isinstance(merged, Contact)
    living = [source for source in merged.sources if not is_deceased(source)] or list(merged.sources)
    best = living[0]
    assert set(merged.tags) == {tag for entry in found for tag in entry.tags}
    renewals = {fact for candidate in found for fact in candidate.key_facts if fact.kind == "renewal"}
    assert {fact for fact in merged.key_facts if fact.kind == "renewal"} == renewals
    birthdays = {fact.fact_date for candidate in living for fact in candidate.key_facts if fact.kind == "birthday"}
    assert {fact.fact_date for fact in merged.key_facts if fact.kind == "birthday"} == birthdays
    assert set(merged.emails) == {email for candidate in living for email in candidate.emails}
    assert {phone.number for phone in merged.phones} == {
        phone.number for candidate in living for phone in candidate.phones
    }
    assert not best.emails or merged.emails[0] == best.emails[0]
    assert not best.phones or merged.phones[0] == best.phones[0]
    assert len(merged.emails) == len(set(merged.emails))
    assert len({(phone.number, phone.kind) for phone in merged.phones}) == len(merged.phones)


@given(made.candidates(), made.settings)
def test_the_dead_silence_nobody_and_a_refusal_everybody(found: Any, settings: RuleSettings) -> None:
    """M6: a contact is deceased exactly when every member is; nobody is sendable at an address that anybody refuses."""
    refused = refused_emails(found)
    merged = merge(found, settings, {}, {}, refused)
    assume(isinstance(merged, Contact))
    assert isinstance(merged, Contact)
    assert (merged.suppressed_reason == "deceased") == all(map(is_deceased, found))
    for candidate in found:
        alone = merge([candidate], settings, {}, {}, refused)
        if isinstance(alone, Contact) and not refused.isdisjoint(alone.emails):
            assert alone.suppressed_reason
    if any("do_not_contact" in candidate.marks for candidate in found):
        assert merged.suppressed_reason
    if not merged.suppressed_reason:
        assert refused.isdisjoint(merged.emails)


_couple = st.tuples(st.sampled_from(("Tom", "Cyrus", "Al B.")), st.sampled_from(("Sarah", "Mary Ann", "Dee")))


@given(
    _couple,
    st.sampled_from(made.SEPARATORS),
    st.sampled_from(made.PERSONAL_MARKS),
    st.integers(0, 1),
    st.sampled_from(("FirstName", "InformalSalutation", "FormalSalutation", "ContactName", "FirmName")),
    st.sampled_from((None, "{0} and {1}", "{1} & {0}", "{1}", "Mr. and Mrs. Vale")),
)
def test_of_a_couple_only_the_marked_one_leaves(
    couple: tuple[str, str], sign: str, mark: str, place: int, member: str, other: str | None
) -> None:
    """M6: in whatever field they are, and whatever other field names them too."""
    marked = [f"{name} {mark}" if at == place else name for at, name in enumerate(couple)]
    field = sign.join(marked) if member in {"FirstName", "InformalSalutation"} else f"{sign.join(marked)} Vale"
    payload = {"CustomerId": "1", "LastName": "Vale", "Email": "a@x.com", "IsPersonal": True}
    contacts: tuple[CustomerContact, ...] = ()
    if member == "ContactName":
        payload = {"CustomerId": "1", "FirmName": "Acme LLC", "Email": "a@x.com"}
        contacts = (CustomerContact.from_payload({"CustomerContactId": "2", "ContactName": field}),)
    else:
        payload[member] = field
        if other and member == "FirstName":
            payload["InformalSalutation"] = other.format(*couple)
    customer = Customer.from_payload(payload)
    (primary,) = derive(CustomerBundle(customer, contacts), REFERENCE, RuleSettings(), TODAY).candidates
    said = f"{primary.first_name} {primary.nickname}"
    assert primary.suppressed_reason is None
    assert couple[1 - place] in said
    assert couple[place] not in said
    assert primary.last_name == "Vale"


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=4), max_size=12), st.randoms(use_true_random=False))
def test_components_are_the_closure_of_sharing(groups: list[list[int]], random: Any) -> None:
    """M1: two keys are together exactly when a chain of groups joins them, in whatever order the groups come."""
    expected = [{key} for group in groups for key in group]
    for group in groups:
        touched = [entry for entry in expected if entry & set(group)]
        expected = [entry for entry in expected if not entry & set(group)] + (
            [set().union(*touched)] if touched else []
        )
    shuffled = [random.sample(group, len(group)) for group in random.sample(groups, len(groups))]
    assert sorted(map(sorted, components(shuffled))) == sorted(map(sorted, expected))


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 3), min_size=1),
    st.randoms(use_true_random=False),
)
def test_a_contact_s_id_survives_merges_and_splits(first_seen: dict[str, int], random: Any) -> None:
    """M3: the oldest member's; who joins later takes nothing away, and after a split it stays with that member."""
    members = list(first_seen)
    random.shuffle(members)
    oldest = stable_id(members, first_seen)
    assert all((first_seen[oldest], oldest) <= (first_seen[member], member) for member in members)
    half = [entry for at, entry in enumerate(members) if entry == oldest or at % 2]
    assert stable_id(half, first_seen) == oldest


@given(made.bundles(), made.settings)
def test_findings_are_what_was_derived(bundle: CustomerBundle, settings: RuleSettings) -> None:
    """Q3: `explain` names every value of every candidate and every skip, and nothing else."""
    trace = Trace([])
    derivation = derive(bundle, REFERENCE, settings, TODAY, trace)
    findings = explain(bundle, REFERENCE, settings, TODAY)
    for candidate, given_to in trace.given:
        told: dict[str, list[str]] = {}
        for finding in findings:
            if (finding.entity, finding.entity_id) == (candidate.entity, candidate.entity_id):
                assert finding.rule
                told.setdefault(finding.field, []).append(finding.value)
        expected: dict[str, list[str]] = {
            name: [value]
            for name in (
                "first_name",
                "last_name",
                "nickname",
                "middle_name",
                "company_name",
                "suppressed_reason",
                "record_type",
                "status",
            )
            if (value := getattr(candidate, name))
        }
        expected |= {
            "email": list(candidate.emails), "phone": [phone.number for phone in candidate.phones],
            "tag": [tag.tag for tag in candidate.tags],
            "connection": [f"{c.connection_type}: {c.employee_name or c.employee_code}" for c in candidate.connections],
            "birthday": [str(candidate.birthday)] if candidate.birthday else [],
            "renewal": [f"{f.label}: {f.fact_date or 'continuous'}" for f in candidate.key_facts if f.kind == "renewal"],
            "absorbed": [f"{entity} {entity_id}" for entity, entity_id in candidate.absorbed],
            "name_mark": [mark for mark in candidate.marks if mark not in SUPPRESSING],
            "left_out": [f"{person}: {flag}" for person, flag in given_to.name.left_out],
        }  # fmt: skip
        told.pop("address", None)
        told.pop("dropped_email", None)  # what is not a value of the candidate has a test of its own
        assert told == {field: values for field, values in expected.items() if values}
    skipped = [(f.entity_id, f.value, f.rule) for f in findings if f.field == "skipped"]
    assert skipped == [(skip.entity_id, skip.reason, skip.rule) for skip in derivation.skips]


@given(made.bundles(), made.settings)
def test_a_finding_names_a_source_that_is_there(bundle: CustomerBundle, settings: RuleSettings) -> None:
    """Q3: a person can look up what is said."""
    keys = set(map(key_of, _records(bundle)))
    keys |= {("policy", policy.policy_id) for policy in bundle.policies}
    for finding in explain(bundle, REFERENCE, settings, TODAY):
        assert (finding.source_entity, finding.source_entity_id) in keys


@given(made.candidates(), made.settings)
def test_findings_of_a_contact_are_what_was_merged(found: Any, settings: RuleSettings) -> None:
    """M2, O1: `explain_contact` tells the owner, and each value once with the member it came from."""
    users = {("Executive", "E 1"): "eve", ("Representative", "R<1"): "rob"}
    merged = merge(found, settings, users, {})
    findings = explain_contact(found, settings, users, {})
    if not isinstance(merged, Contact):
        assert [(finding.entity_id, finding.rule) for finding in findings] == [
            (skip.entity_id, "T4") for skip in merged
        ]
        return
    told: dict[str, list[str]] = {}
    for finding in findings:
        told.setdefault(finding.field, []).append(finding.value)
    assert told["owner_user_id"] == [merged.owner_user_id or "nobody"]
    assert told.get("tag", []) == [tag.tag for tag in merged.tags]
    assert told.get("email", []) == list(merged.emails)
    for field in ("first_name", "last_name", "nickname", "middle_name", "company_name", "suppressed_reason", "status"):
        assert told.get(field, [None])[0] == getattr(merged, field)
