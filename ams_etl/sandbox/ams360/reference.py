"""What an agency's records refer to: its own address, employees, companies, units, lines of business, value lists."""

from collections.abc import Callable

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.ams360.call import Call, Table
from ams_etl.sandbox.ams360.directory import only_digits
from ams_etl.sandbox.ams360.refusals import business


def _agency(call: Call) -> Record:
    return {
        "AgencyInfo": {
            "AgencyName": f"Sandbox Agency {call.agency.agency_no}", "Address": "1 Sandbox Way", "City": "Springfield",
            "State": "IL", "ZipCode": "62701", "BusinessAreaCode": "217", "BusinessPhone": "5550100",
            "Email": "office@example.com",
        }
    }  # fmt: skip


def _employees(call: Call) -> Record:
    return {"EmployeeInfoList": {"EmployeeInfo": list(call.agency.employees.values())}}


def _employee(call: Call) -> Record:
    code = call.arguments.get("EmployeeCode")
    employee = call.agency.employees.get(code or "")
    if employee is None:
        raise business("The employee was not found.", "EmployeeCode", code)
    return {"Employee": employee}


def _companies(call: Call) -> Record:
    return {"CompanyInfoList": {"CompanyInfo": call.agency.companies}}


def _lines_of_business(call: Call) -> Record:
    return {"LineOfBusinessInfoList": {"LineOfBusinessInfo": call.agency.lines_of_business}}


def _units(kind: str) -> Callable[[Call], Record]:
    return lambda call: {f"GL{kind}List": {f"GL{kind}": call.agency.units[kind]}}


def _value_list(call: Call) -> Record:
    name = call.arguments.get("ListName") or ""
    values = call.agency.value_lists.get(name)
    if values is None:
        raise business("The list was not found.", "ListName", name)
    return {"AllowedValues": {"AllowedValue": values}}


def _service_personnel(call: Call) -> Record:
    rows = call.agency.under("service_personnel", call.arguments.get("CustomerId") or "")
    return {"CustomerServicePersonnelList": {"CustomerServicePersonnel": rows}}


def _profile_answers(call: Call) -> Record:
    rows = call.agency.under("profile_answers", call.arguments.get("CustomerId") or "")
    return {"CustomerProfileAnswerList": {"CustomerProfileAnswer": rows}}


def _by_phone(call: Call) -> Record:
    """Customers alone are searched, by seven or ten digits; the real service searches more kinds of entity."""
    digits = only_digits(call.arguments.get("PhoneNumber"))
    digits = digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
    rows = [
        {
            "EntityId": key, "EntityType": "Customer", "SearchResultText": str(customer["CustomerNumber"]),
            "Description": customer.get("FirmName") or customer.get("LastName"),
        }
        for key in call.directory.customers_by_phone(digits)
        if (customer := call.agency.customers[key])
    ]  # fmt: skip
    return {"SearchResultInfoList": {"SearchResultInfo": rows}}


OPERATIONS: Table = {
    "AgencyInfoGet": _agency,
    "EmployeeGetListAll": _employees,
    "EmployeeGetByCode": _employee,
    "CompanyGetListAll": _companies,
    "LineOfBusinessGetAllList": _lines_of_business,
    "GLDivisionGetListAll": _units("Division"),
    "GLBranchGetListAll": _units("Branch"),
    "GLDepartmentGetListAll": _units("Department"),
    "GLGroupGetListAll": _units("Group"),
    "ValueListGet": _value_list,
    "CustomerServicePersonnelGetList": _service_personnel,
    "CustomerProfileAnswerGetList": _profile_answers,
    "SearchByPhoneNumber": _by_phone,
}
