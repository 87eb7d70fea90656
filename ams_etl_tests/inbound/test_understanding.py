"""Reading a notification: any bytes give an answer, and secrets leave every body."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ams_etl.errors import ConfigError
from ams_etl.inbound.notifications.classify import ParkedNotification, Understood, understand
from ams_etl.inbound.notifications.mapping import FILE, load_mapping
from ams_etl.inbound.notifications.redaction import Gate, Presented
from ams_etl.sandbox.ams360.notifications.assumed_formats import FORMATS
from ams_etl.sandbox.ams360.notifications.changes import change_of
from ams_etl_tests.inbound.bodies import ASSUMED, ASSUMED_GUID
from ams_etl_tests.inbound.mutations import mutate
from ams_etl_tests.inbound.service_process import CODE

MAPPING = load_mapping("2.0")
RECORDS = {
    "customers": ({"CustomerId": ASSUMED_GUID, "LastName": "O'Neil & <Sons>"}, "customer"),
    "customer_contacts": ({"CustomerContactId": "c1", "CustomerId": ASSUMED_GUID, "ContactName": "Customer"}, "customer_contact"),
    "customer_dependents": ({"DependentId": "d1", "CustomerId": ASSUMED_GUID, "Relationship": "Update"}, "customer_dependent"),
    "policies": ({"PolicyId": "p1", "CustomerId": ASSUMED_GUID, "CompanyCode": "ACM"}, "policy"),
    "employees": ({"EmployeeCode": "<&\"", "LastName": "Doe"}, "employee"),
}  # fmt: skip


@pytest.mark.parametrize("version", ["1", "2.0", "3"])
@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_each_assumed_version_tells_record_change_and_keys(version: str, kind: str, change: str) -> None:
    """What the sandbox sends is what we understand, whatever data comes along."""
    record, object_type = RECORDS[kind]
    other = {**record, "Email": "before"}
    made = change_of("5551234-1", kind, None if change == "insert" else other, None if change == "delete" else record)
    assert made is not None
    content_type, write = FORMATS[version]
    (part,) = understand(write(made, CODE), content_type, load_mapping(version))
    keys = {name: value for name, value in record.items() if name.endswith("Id") or name == "EmployeeCode"}
    assert part == Understood(object_type, change, keys, agency_no="5551234-1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        "<n><Action>U</Action><Entity>Customer</Entity><Keys><CustomerId>k1</CustomerId><CustomerId>k2</CustomerId></Keys></n>",
        '{"entity": "Customer", "action": "U", "customerId": ["k1", "k2"]}',
        '{"type": "customer.updated", "keys": [{"name": "CustomerId", "value": "k1"}, {"name": "CustomerId", "value": "k2"}]}',
        "<n Type='Customer' OperationType='Update'><Key>k1</Key><Key>k2</Key></n>",
        '<n type="Customer" change="Update"><CustomerId>k1</CustomerId><CustomerId>k2</CustomerId></n>',
        "xml=%3Cn%3E%3CAction%3EU%3C%2FAction%3E%3CEntity%3ECustomer%3C%2FEntity%3E%3CKey%3Ek1%3C%2FKey%3E%3CKey%3Ek2%3C%2FKey%3E%3C%2Fn%3E",
        "entity=Customer&action=U&customerId=k1&customerId=k2",
    ],
)  # fmt: skip
def test_several_keys_are_several_notifications(body: str) -> None:
    """No record that is named is left out."""
    parts = understand(body.encode(), "text/xml", MAPPING)
    assert parts == tuple(Understood("customer", "update", {"CustomerId": key}) for key in ("k1", "k2"))


def test_a_policy_of_two_customers_is_parked() -> None:
    """Which of them is meant is a person's to say."""
    body = b"<n><Action>U</Action><Entity>Policy</Entity><CustomerId>k1</CustomerId><CustomerId>k2</CustomerId></n>"
    (part,) = understand(body, None, MAPPING)
    assert isinstance(part, ParkedNotification)
    assert "CustomerId" in part.reason


@given(body=st.one_of(st.binary(max_size=400), st.integers().map(lambda seed: mutate(random.Random(seed)))))
@example(b"")
@example(b"<a>" * 5000)
@example(b'{"a":' * 100_000)
def test_any_bytes_give_an_answer_that_can_be_stored(body: bytes) -> None:
    """Never an exception, not even one that was caught at the last moment; nothing Postgres would refuse."""
    parts = understand(body, "text/xml", MAPPING)
    assert parts
    for part in parts:
        if isinstance(part, ParkedNotification):
            assert not part.reason.startswith("the reader failed")
            said = part.reason
        else:
            assert part.keys or not part.is_used
            said = json.dumps(dict(part.keys), ensure_ascii=False) + part.object_type
        assert "\0" not in said
        said.encode()


_SHAPES = [
    "<{0}>{1}</{0}>", '<{0} {0}="{1}"/>', '"{0}": "{1}"', "{1}", "&lt;x:{0}&gt;{1}&lt;", "<{0}><![CDATA[{1}]]>",
]  # fmt: skip


@given(
    where=st.floats(0, 1), seed=st.integers(), name=st.sampled_from(["AuthenticationCode", "Auth_Code", "Other"]),
    shape=st.sampled_from(_SHAPES),
)  # fmt: skip
def test_the_code_leaves_whatever_body_it_stands_in(where: float, seed: int, name: str, shape: str) -> None:
    """In a name we know or in none, in a document or in what is left of one."""
    body = mutate(random.Random(seed), 2000)
    place = int(where * len(body))
    given_body = body[:place] + b" " + shape.format(name, CODE).encode() + b" " + body[place:]
    redacted = Gate(CODE, ["AuthenticationCode", "AuthCode"]).redact(given_body)
    assert CODE.encode() not in redacted.body.replace(b"\0", b"")


@given(st.integers().map(lambda seed: mutate(random.Random(seed), 5000)))
def test_a_body_without_secrets_is_kept_byte_for_byte(body: bytes) -> None:
    redacted = Gate(CODE, ["AuthenticationCode"]).redact(body)
    assert (redacted.body, redacted.presented) == (body, Presented.NOTHING)


@pytest.mark.parametrize(("presented", "body"), [
    (Presented.RIGHT, '<n><AuthenticationCode>{0}</AuthenticationCode></n>'),
    (Presented.RIGHT, '<n auth-code=\'{0}\'/>'), (Presented.RIGHT, '{{"auth_code": "{0}"}}'), (Presented.RIGHT, "<n>{0}</n>"),
    (Presented.WRONG, '<n><AuthenticationCode>guess</AuthenticationCode></n>'),
    (Presented.WRONG, "<n><AuthenticationCode>guess</AuthenticationCode><x>{0}</x></n>"),
    (Presented.WRONG, "<x><AuthCode>{0}0</AuthCode></x>"), (Presented.WRONG, '{{"AuthCode": 12345}}'),
    (Presented.NOTHING, "<n>{0}0</n>"), (Presented.NOTHING, "<n>a{0}</n>"), (Presented.NOTHING, "<n><AuthCode/></n>"),
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_a_body_presents(presented: Presented, body: str, encoding: str) -> None:
    """A wrong code where a code belongs is wrong, even if the right one is elsewhere."""
    gate = Gate(CODE, ["AuthenticationCode", "AuthCode"])
    assert gate.redact(body.format(CODE).encode(encoding)).presented is presented


@pytest.mark.parametrize(("body", "reason"), [
    (b"", "the body is empty"), (b"hello", "neither XML nor JSON"), (b"<a><b></a>", "not well-formed XML (line 1)"),
    (b"{]", "not well-formed JSON"), (b"<!DOCTYPE a><a/>", "XML with a DOCTYPE is not read"),
    (b"<a/>", "no element says what kind of record changed and how"),
    (b'{"objectType": "Customer", "change": "Explode", "customerId": "1"}', "the change 'Explode' is not in the mapping"),
    (b'{"objectType": "<b>", "change": "Update", "customerId": "1"}', "the object type that was sent is not in the mapping"),
    (b'{"objectType": "Customer", "change": "Update"}', "no key of the customer was found"),
    (b"[" + b",".join([b'{"objectType":"Customer","change":"D","id":"1"}'] * 1001) + b"]", "more than 1,000 notifications"),
    (b"<a>" + b"<b/>" * 20_000 + b"</a>", "more than 20,000 members"), (b"[" * 200 + b"]" * 200, "nested too deeply"),
])  # fmt: skip
def test_what_is_not_understood_says_why(body: bytes, reason: str) -> None:
    (part,) = understand(body, None, MAPPING)
    assert isinstance(part, ParkedNotification)
    assert part.reason.startswith(reason)


@pytest.mark.parametrize(("wrong", "said"), [
    ("changes: {insert: [A], update: [A], delete: [D]}", "'a' stands for insert and for update"),
    ("fields: {any: {objects: [x]}}", "fields.any.objects"), ("fields: [", "cannot be read as YAML"),
])  # fmt: skip
def test_a_mistake_in_the_mapping_is_told_with_its_place(tmp_path: Path, wrong: str, said: str) -> None:
    path = tmp_path / FILE
    start = "fields: {any: {}}\nchanges: {insert: [I], update: [U], delete: [D]}\nobjects: {}\n"
    key = wrong.partition(":")[0]
    path.write_text("".join(line for line in start.splitlines(keepends=True) if not line.startswith(key)) + wrong)
    with pytest.raises(ConfigError) as error:
        load_mapping("2.0", path)
    assert str(path) in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("body", [
    # Two members that may hold either: the one with a known word counts.
    '{"entityName": "Customer", "notificationType": "Update", "customerId": "%s"}',
    '{"notificationType": "Customer", "eventType": "Update", "customerId": "%s"}',
    # A record's own data beside it, with members of the same names.
    '{"objectType": "Customer", "action": "Update", "keys": {"customerId": "%s"},'
    ' "data": {"action": "Call back", "recordType": "VIP", "entity": "LLC"}}',
    # An operation around it that is named like an event.
    "<CustomerUpdateNotification><Item><Entity>Client</Entity><Change>M</Change><CustId>%s</CustId></Item></CustomerUpdateNotification>",
    # The key outside, where there is one notification alone.
    "<n><CustomerId>%s</CustomerId><d><ObjectType>Customer</ObjectType><ChangeType>Changed</ChangeType></d></n>",
    "<i:N xmlns:i='x'><i:Entity-Type>client</i:Entity-Type><i:CHANGE_TYPE>updated</i:CHANGE_TYPE><i:ObjectId>%s</i:ObjectId></i:N>",
])  # fmt: skip
def test_other_spellings_of_the_same(body: str) -> None:
    assert understand((body % ASSUMED_GUID).encode(), None, MAPPING) == (
        Understood("customer", "update", {"CustomerId": ASSUMED_GUID}),
    )


def test_assumed_bodies_are_spellings_of_one_notification() -> None:
    for name, body in ASSUMED.items():
        assert understand(body, None, MAPPING) == (Understood("customer", "update", {"CustomerId": ASSUMED_GUID}),), (
            name
        )
