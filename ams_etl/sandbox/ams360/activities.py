"""Activities: insert only. Nothing reads, lists, changes or deletes one afterwards."""

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.ams360.call import Call, Table, required
from ams_etl.sandbox.ams360.refusals import business
from ams_etl.sandbox.ams360.uploads import Uploads


def operations(uploads: Uploads) -> Table:
    """CustomerActivityInsert, with the files it may attach."""

    def insert(call: Call) -> Record:
        activity = call.record("CustomerActivity")
        call.customer(activity)
        call.must_be_employees(activity, "EmployeeCode")
        required(activity, "ActivityDate", "ActivityAction")
        _check_policy(call, activity)
        documents = (activity.get("Attachments") or {}).get("Doc360Document", [])
        uploads.attach(call.agency, [document.get("Doc360DocumentId") for document in documents])
        activity["ActivityId"] = call.agency.new_id()
        call.agency.put("activities", activity)
        return {"ActivityId": activity["ActivityId"]}

    return {"CustomerActivityInsert": insert}


def _check_policy(call: Call, activity: Record) -> None:
    policy_id = activity.get("PolicyId")
    if activity.get("ClaimId"):
        required(activity, "PolicyId", "TransactionEffectiveDate")
        raise business("The claim was not found.", "ClaimId", activity["ClaimId"])
    if not policy_id:
        return
    required(activity, "TransactionEffectiveDate")
    policy = call.agency.get("policies", policy_id)
    if policy is None or policy["CustomerId"] != activity["CustomerId"]:
        raise business("The policy was not found.", "PolicyId", policy_id)
    # A company beside a policy is ignored: the policy has one.
    activity["CompanyCode"] = None
