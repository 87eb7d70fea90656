"""Activities, notes, suspenses and uploads over zeep, with AMS360's own checks."""

from datetime import timedelta
from typing import Any

import pytest
import zeep

from ams_etl_tests.sandbox.service import Service, connect, fault_of
from ams_etl_tests.sandbox_process import Sandbox

_NOWHERE = "00000000-0000-0000-0000-000000000000"


def _refused(service: Service, operation: str, **argument: Any) -> str | None:
    with pytest.raises(zeep.exceptions.Fault) as raised:
        service(operation, **argument)
    return fault_of(raised.value)[1][0]["DataName"]


def _activity(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    return {"CustomerId": sandbox.ask("customers")[0][0], "ActivityDate": "2026-11-21T00:00:00", "ActivityAction": "Email",
            "ActivityTime": timedelta(hours=14, minutes=30), "Description": "By Ann", "EmployeeCode": "<&>", **more}  # fmt: skip


def test_an_activity_is_stored_and_only_the_stand_ins_own_state_shows_it(service: Service, sandbox: Sandbox) -> None:
    activity = _activity(sandbox)
    activity_id = service("CustomerActivityInsert", CustomerActivity=activity)
    (kept,) = sandbox.ask(f"state/activities?customer={activity['CustomerId']}")
    assert (kept["ActivityId"], kept["EmployeeCode"], kept["ActivityTime"]) == (activity_id, "<&>", "PT14H30M")


@pytest.mark.parametrize(("more", "member"), [
    ({"CustomerId": _NOWHERE}, "CustomerId"), ({"EmployeeCode": "???"}, "EmployeeCode"),
    ({"ActivityAction": None}, "ActivityAction"), ({"ActivityDate": None}, "ActivityDate"),
    ({"PolicyId": "a policy"}, "TransactionEffectiveDate"), ({"ClaimId": _NOWHERE}, "PolicyId"),
    ({"PolicyId": _NOWHERE, "TransactionEffectiveDate": "2026-01-01T00:00:00"}, "PolicyId"),
    ({"Attachments": {"Doc360Document": [{"Doc360DocumentId": _NOWHERE}]}}, "Doc360DocumentId"),
])  # fmt: skip
def test_an_activity_that_breaks_a_rule_is_refused(
    service: Service, sandbox: Sandbox, more: dict[str, Any], member: str
) -> None:
    if more.get("PolicyId") == "a policy":
        more = {"PolicyId": sandbox.ask("state/policies")[0]["PolicyId"]}
    assert _refused(service, "CustomerActivityInsert", CustomerActivity=_activity(sandbox, **more)) == member
    assert sandbox.ask("state/activities") == []


def test_a_company_beside_a_policy_is_ignored(service: Service, sandbox: Sandbox) -> None:
    policy = sandbox.ask("state/policies")[0]
    service("CustomerActivityInsert", CustomerActivity=_activity(
        sandbox, CustomerId=policy["CustomerId"], PolicyId=policy["PolicyId"], CompanyCode="PRG",
        TransactionEffectiveDate="2026-01-01T00:00:00",
    ))  # fmt: skip
    (kept,) = sandbox.ask("state/activities")
    assert (kept["PolicyId"], kept["CompanyCode"]) == (policy["PolicyId"], None)


def _uploaded(service: Service, *chunks: bytes) -> str:
    stage = service("FileChunkBegin", NumberOfChunks=len(chunks), TotalBytes=sum(map(len, chunks)))
    for number, data in enumerate(chunks, start=1):
        answer = service("FileChunkSend", FileChunk={"DocStageId": stage, "Data": data, "SequenceNumber": number})
        assert answer["ChunksReceived"] == number
    return str(service("FileChunkEnd", DocStageId=stage))


def test_an_uploaded_file_can_be_attached_once(service: Service, sandbox: Sandbox) -> None:
    document = {"Doc360DocumentId": _uploaded(service, b"\x00\xff" * 1000, b"end"), "Description": "a file"}
    attached = _activity(sandbox, Attachments={"Doc360Document": [document]})
    service("CustomerActivityInsert", CustomerActivity=attached)
    assert _refused(service, "CustomerActivityInsert", CustomerActivity=attached) == "Doc360DocumentId"
    assert len(sandbox.ask("state/activities")) == 1


def test_an_upload_must_be_complete_and_keep_to_its_size(service: Service) -> None:
    stage = service("FileChunkBegin", NumberOfChunks=2, TotalBytes=4)
    service("FileChunkSend", FileChunk={"DocStageId": stage, "Data": b"ab", "SequenceNumber": 2})
    assert _refused(service, "FileChunkEnd", DocStageId=stage) == "DocStageId"
    for number, data, member in ((3, b"c", "SequenceNumber"), (1, b"cde", "Data")):
        chunk = {"DocStageId": stage, "Data": data, "SequenceNumber": number}
        assert _refused(service, "FileChunkSend", FileChunk=chunk) == member
    service("FileChunkSend", FileChunk={"DocStageId": stage, "Data": b"cd", "SequenceNumber": 1})
    assert service("FileChunkEnd", DocStageId=stage)
    assert _refused(service, "FileChunkEnd", DocStageId=stage) == "DocStageId"


@pytest.mark.parametrize(("more", "member"), [
    ({}, None), ({"Priority": "N"}, None), ({"Priority": "C"}, None), ({"Priority": "L"}, None), ({"Priority": "H"}, "Priority"),
    ({"PurgeDate": "2026-11-21T00:00:00"}, None), ({"PurgeDate": "2026-11-20T00:00:00"}, "PurgeDate"),
    ({"CustomerId": _NOWHERE}, "CustomerId"), ({"NoteText": None}, "NoteText"), ({"NoteId": _NOWHERE}, None),
])  # fmt: skip
def test_a_note_keeps_its_rules(frozen_sandbox: Sandbox, more: dict[str, Any], member: str | None) -> None:
    service = connect(frozen_sandbox)
    before = len(frozen_sandbox.ask("state/notes"))
    note = {
        "CustomerId": frozen_sandbox.ask("customers")[0][0],
        "NoteText": "By Ann",
        "NoteDate": "2026-11-21T00:00:00",
        **more,
    }
    if member:
        assert _refused(service, "CustomerNoteInsert", CustomerNote=note) == member
    else:
        assert service("CustomerNoteInsert", CustomerNote=note) != _NOWHERE
    assert len(frozen_sandbox.ask("state/notes")) == before + (member is None)


def test_a_suspenses_completion_is_the_services_own_to_say(service: Service, sandbox: Sandbox) -> None:
    customer_id = sandbox.ask("customers")[0][0]
    given = {"CustomerId": customer_id, "DueDate": "2026-12-01T09:30:00", "Description": "Call back",
             "AssignedToEmployeeCode": "E01", "SuspenseId": _NOWHERE, "CompletedBy": "R01",
             "CompletedDate": "2020-01-01T00:00:00", "IsCompleted": False}  # fmt: skip
    suspense_id = service("CustomerSuspenseInsert", Suspense=given)
    read = service("CustomerSuspenseGetBySuspenseId", SuspenseId=suspense_id)
    assert (read["CompletedBy"], read["CompletedDate"], f"{read['DueDate']:%d %H:%M}") == (None, None, "01 09:30")
    service("CustomerSuspenseUpdate", Suspense={**given, "SuspenseId": suspense_id, "IsCompleted": True})
    done = service("CustomerSuspenseGetBySuspenseId", SuspenseId=suspense_id)
    assert done["CompletedBy"] == "E01"
    assert done["CompletedDate"].year > 2020
    for wanted, ids in ((True, [suspense_id]), (False, []), (None, [suspense_id])):
        listed = service("CustomerSuspenseGetListByCustomerId", CustomerId=customer_id, IsComplete=wanted)
        assert [row["SuspenseId"] for row in (listed or {}).get("CustomerSuspenseInfo") or ()] == ids


@pytest.mark.parametrize(("change", "member"), [
    ({"CustomerId": _NOWHERE}, "CustomerId"), ({"DueDate": None}, "DueDate"),
    ({"AssignedToEmployeeCode": "???"}, "AssignedToEmployeeCode"), ({"PolicyId": _NOWHERE}, "PolicyEffectiveDate"),
])  # fmt: skip
def test_a_suspense_that_breaks_a_rule_is_refused(
    service: Service, sandbox: Sandbox, change: dict[str, Any], member: str
) -> None:
    suspense = {"CustomerId": sandbox.ask("customers")[0][0], "DueDate": "2026-12-01T00:00:00", **change}
    assert _refused(service, "CustomerSuspenseInsert", Suspense=suspense) == member
    assert sandbox.ask("state/suspenses") == []


@pytest.mark.parametrize("typed", ["217-555-0142", "(217) 555 0142", "+1 217 555 0142", "5550142"])
def test_a_customer_is_found_by_phone_however_it_is_typed(service: Service, sandbox: Sandbox, typed: str) -> None:
    customer_id = sandbox.ask("customers")[0][0]
    sandbox.edit("customers", "update", customer_id, CellAreaCode="217", CellPhone="555-0142")
    found = service("SearchByPhoneNumber", PhoneNumber=typed)["SearchResultInfo"]
    assert [(row["EntityId"], row["EntityType"]) for row in found] == [(customer_id, "Customer")]
    sandbox.edit("customers", "update", customer_id, CellPhone=None)
    assert not (service("SearchByPhoneNumber", PhoneNumber=typed) or {}).get("SearchResultInfo")


def test_what_was_written_is_in_the_log_in_order(service: Service, sandbox: Sandbox) -> None:
    customer_id = service("CustomerInsert", Customer={"LastName": "A", "CustomerType": "S"})
    service("CustomerNoteInsert", CustomerNote={"CustomerId": customer_id, "NoteText": "x"})
    assert [(write["operation"], write["customer_id"], write["members"]) for write in sandbox.ask("writes")] == [
        ("CustomerInsert", customer_id, ["CustomerType", "LastName"]),
        ("CustomerNoteInsert", customer_id, ["CustomerId", "NoteText"]),
    ]
