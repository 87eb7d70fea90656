"""Policies: the lists, one policy, insert."""

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.ams360.call import Call, Table, required
from ams_etl.sandbox.ams360.refusals import business

_INFO = (
    "CompanyType", "CustomerId", "IsMultiEntity", "PolicyEffectiveDate", "PolicyExpirationDate", "PolicyId",
    "PolicyNumber", "PolicySubType", "PolicyTypeOfBusiness", "PolicyStatus", "WritingCompanyCode",
)  # fmt: skip
_SWITCHES = {
    "A": ("IncludeAccountingSubType", False),
    "S": ("IncludeSubmissionSubType", False),
    "P": ("IncludePolicySubType", True),
}
"""The switch for each sub-type, and what leaving it out means."""


def _by_customer(call: Call) -> Record:
    return _rows(call, call.agency.under("policies", call.arguments.get("CustomerId") or ""))


def _by_customer_number(call: Call) -> Record:
    number = (call.arguments.get("CustomerNumber") or "").strip()
    return _rows(call, call.agency.under("policies", call.directory.customer_by_number(number) or ""))


def _by_number(call: Call) -> Record:
    """Exactly this number: with and without blanks or dashes are different policies."""
    rows = [
        call.found("policies", key, "PolicyId")
        for key in call.directory.policies_by_number(call.arguments.get("PolicyNumber") or "")
    ]
    for member in ("PolicyEffectiveDate", "PolicyExpirationDate"):
        wanted = call.arguments.get(member)
        if wanted:
            rows = [row for row in rows if (row.get(member) or "")[:10] == wanted[:10]]
    return _rows(call, rows)


def _rows(call: Call, policies: list[Record]) -> Record:
    statuses = (call.arguments.get("PolicyStatus") or {}).get("string")
    left_out = {
        kind
        for kind, (switch, default) in _SWITCHES.items()
        if not (default if call.arguments.get(switch) is None else call.arguments[switch])
    }
    shown = [
        row
        for row in policies
        if (not statuses or row.get("PolicyStatus") in statuses)
        and row.get("PolicySubType") not in left_out
        and (call.arguments.get("IncludeMultiEntity") or not row.get("IsMultiEntity"))
    ]
    rows = [{name: row.get(name) for name in _INFO} for row in shown]
    for key in call.habits.vanishing.intersection(row["PolicyId"] for row in shown):
        call.habits.vanishing.discard(key)
        call.agency.remove("policies", key)
    return {"PolicyInfoList": {"PolicyInfo": rows}}


def _get(call: Call) -> Record:
    key = call.arguments.get("PolicyId")
    policy = call.agency.get("policies", key or "")
    if policy is None:
        raise business("The policy was not found.", "PolicyId", key)
    return {"Policy": call.directory.element("Policy", policy["PolicyId"], lambda: policy)}


def _personnel(call: Call) -> Record:
    policy = call.found("policies", call.arguments.get("PolicyId"), "PolicyId")
    return {"PolicyServicePersonnelList": policy.get("PersonnelList") or {}}


def _insert(call: Call) -> Record:
    """Stored with status A at once, whatever status is given."""
    policy = call.record("Policy")
    call.customer(policy)
    required(policy, "PolicyNumber", "PolicyEffectiveDate")
    if not policy.get("PolicyExpirationDate") and not policy.get("IsContinuous"):
        raise business("PolicyExpirationDate is required unless the policy is continuous.", "PolicyExpirationDate")
    expires = policy.get("PolicyExpirationDate")
    if expires and expires[:10] < policy["PolicyEffectiveDate"][:10]:
        raise business("A policy cannot expire before it is effective.", "PolicyExpirationDate", expires)
    call.must_be_employees(policy, "AccountExecCode", "AccountRepCode")
    _check_codes(call, policy)
    policy["PolicyId"] = call.agency.new_id()
    policy["PolicyStatus"] = "A"
    policy["PolicySubType"] = policy.get("PolicySubType") or "P"
    for line in (policy.get("LineOfBusinessList") or {}).get("PolicyLineOfBusiness", ()):
        line["LineOfBusinessId"] = call.agency.new_id()
    call.agency.put("policies", policy)
    return {"PolicyId": policy["PolicyId"]}


def _check_codes(call: Call, policy: Record) -> None:
    """As strict as anybody may be: known and active codes alone, and the types that belong to them."""
    company = policy.get("WritingCompanyCode")
    if company:
        found = next((row for row in call.agency.companies if row["CompanyCode"] == company), None)
        if found is None or found.get("IsInactive"):
            raise business("The company was not found.", "WritingCompanyCode", company)
        if policy.get("CompanyType") not in {None, "", found["CompanyType"]}:
            raise business("The company is not of this type.", "CompanyType", policy["CompanyType"])
    known = {row["LineOfBusinessCode"]: row for row in call.agency.lines_of_business}
    kinds = set()
    for line in (policy.get("LineOfBusinessList") or {}).get("PolicyLineOfBusiness", ()):
        code = line.get("PolicyLineOfBusiness")
        if code not in known or known[code].get("IsInactive"):
            raise business("The line of business was not found.", "PolicyLineOfBusiness", code)
        kinds.add(known[code]["TypeOfBusinessCode"])
    kind = policy.get("TypeOfBusiness")
    if kinds and kind is not None and int(kind) not in kinds:
        raise business("The line of business is not of this type of business.", "TypeOfBusiness", kind)


OPERATIONS: Table = {
    "PolicyGetListByCustomerId": _by_customer,
    "PolicyGetListByCustomerNumber": _by_customer_number,
    "PolicyGetListByPolicyNumber": _by_number,
    "PolicyGet": _get,
    "PolicyServicePersonnelGetList": _personnel,
    "PolicyInsert": _insert,
}
