"""Notes of a customer: insert."""

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.ams360.call import Call, Table, required
from ams_etl.sandbox.ams360.refusals import business

_PRIORITIES = frozenset("NCL")


def _insert(call: Call) -> Record:
    """Ignore a NoteId in the request. A note has no employee."""
    note = call.record("CustomerNote")
    call.customer(note)
    required(note, "NoteText")
    if note.get("Priority") and note["Priority"] not in _PRIORITIES:
        raise business("Priority must be N, C or L.", "Priority", note["Priority"])
    if note.get("PurgeDate") and note["PurgeDate"][:10] < call.agency.today.isoformat():
        raise business("PurgeDate must be today or later.", "PurgeDate", note["PurgeDate"])
    if note.get("PolicyId"):
        call.found("policies", note["PolicyId"], "PolicyId")
    note["NoteId"] = call.agency.new_id()
    call.agency.put("notes", note)
    return {"NoteId": note["NoteId"]}


OPERATIONS: Table = {"CustomerNoteInsert": _insert}
