"""Contacts and dependents over zeep: both kinds alike."""

from typing import Any

import pytest
import zeep

from ams_etl_tests.sandbox.service import Service, fault_of
from ams_etl_tests.sandbox_process import Sandbox

_KINDS = [
    ("CustomerContact", "CustomerContactId", "ContactName"),
    ("CustomerDependent", "DependentId", "LastName"),
]

_LIST = "CustomerContactResponsibilityList"
"""zeep reads an absent list and an empty one differently."""


@pytest.mark.parametrize(("kind", "key", "name"), _KINDS)
def test_a_person_can_be_inserted_read_updated_and_deleted(
    service: Service, sandbox: Sandbox, kind: str, key: str, name: str
) -> None:
    customer_id = sandbox.edit("customers", "insert", LastName="Alone", CustomerType="C")
    person_id = service(f"{kind}Insert", **{kind: {"CustomerId": customer_id, name: "Ann & Bob"}})
    read = service(f"{kind}Get", **{key: person_id})
    assert (read[name], read["CustomerId"]) == ("Ann & Bob", customer_id)
    assert service(f"{kind}GetList", CustomerId=customer_id) == {kind: [read]}
    service(f"{kind}Update", **{kind: {**read, name: "Cy"}})
    after = service(f"{kind}Get", **{key: person_id})
    assert {member for member, value in after.items() if value != read[member]} - {_LIST} == {name}
    assert after[name] == "Cy"
    service(f"{kind}Delete", **{key: person_id, "CustomerId": customer_id})
    assert not (service(f"{kind}GetList", CustomerId=customer_id) or {}).get(kind)


@pytest.mark.parametrize(("kind", "key", "name"), _KINDS)
@pytest.mark.parametrize(("operation", "fault_names"), [
    ("Insert", "CustomerId"), ("Insert nameless", "name"), ("Update", "CustomerId"), ("Delete", "CustomerId"),
])  # fmt: skip
def test_a_person_of_nobody_or_without_a_name_is_refused(
    service: Service, sandbox: Sandbox, kind: str, key: str, name: str, operation: str, fault_names: str
) -> None:
    first, second = (row[0] for row in sandbox.ask("customers")[:2])
    person_id = service(f"{kind}Insert", **{kind: {"CustomerId": first, name: "Ann"}})
    verb = operation.split(maxsplit=1)[0]
    argument: dict[str, Any] = {
        "Insert": {kind: {"CustomerId": "00000000-0000-0000-0000-000000000000", name: "X"}},
        "Insert nameless": {kind: {"CustomerId": first, "City" if kind == "CustomerContact" else "Email": "X"}},
        "Update": {kind: {key: person_id, "CustomerId": second, name: "X"}},
        "Delete": {key: person_id, "CustomerId": second},
    }[operation]
    with pytest.raises(zeep.exceptions.Fault) as raised:
        service(f"{kind}{verb}", **argument)
    named = fault_of(raised.value)[1][0]["DataName"]
    assert named == fault_names or (fault_names == "name" and named in {"ContactName", "FirstName"})
    assert service(f"{kind}Get", **{key: person_id})[name] == "Ann"
