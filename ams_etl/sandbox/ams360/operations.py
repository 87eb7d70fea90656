"""AMS360's operations: tickets and rights, then each operation by its name."""

import random
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from xml.sax.saxutils import escape

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.rendering import Rendering
from ams_etl.sandbox.ams360.writes import WRITES
from ams_etl.sandbox.soap.service import ServiceFault, fault_details

_SECURITY, _BUSINESS, _GENERAL = "WSAPISecurityFault", "WSAPIBusinessFault", "WSAPIGeneralFault"
_INFO_FLAGS = (
    "IsBenefits", "IsCommercial", "IsFinancial", "IsHealth", "IsLife", "IsNonPropertyAndCasualty", "IsPersonal",
)  # fmt: skip
_INFO = (
    "IsActive", "AddressLine1", "AddressLine2", "BrokerCode", "City", "AccountRepCode", "CustomerId", "CustomerNumber",
    "DoingBusinessAs", "FirmName", "FirstName", "IsBrokersCustomer", "LastName", "MiddleName", "AccountExecCode", "State",
    "CustomerType", "ZipCode",
)  # fmt: skip
_POLICY_INFO = (
    "CompanyType", "CustomerId", "IsMultiEntity", "PolicyEffectiveDate", "PolicyExpirationDate", "PolicyId",
    "PolicyNumber", "PolicySubType", "PolicyTypeOfBusiness", "PolicyStatus", "WritingCompanyCode",
)  # fmt: skip


class Ams360Operations:
    """One login for each agency; a ticket belongs to an agency.

    Args:
        agencies: by agency number.
        login_id: the one login there is.
        password: its password.
        rendering: how records become XML.
    """

    def __init__(self, agencies: Mapping[str, Agency], login_id: str, password: str, rendering: Rendering) -> None:
        self._agencies, self._login_id, self._password = agencies, login_id, password
        self._rendering = rendering
        self._tickets: dict[str, tuple[Agency, int]] = {}
        self.denied: set[str] = set()
        self.refused: set[str] = set()
        self.ticket_calls: int | None = None
        self.logins = 0
        self._agency: Agency = next(iter(agencies.values()))

    def login(self, arguments: Record) -> str:
        """Check agency, login and password, and give a ticket of 128 characters."""
        agency = self._agencies.get(arguments.get("AgencyNo") or "")
        right = secrets.compare_digest((arguments.get("Password") or "").encode(), self._password.encode())
        if agency is None or arguments.get("LoginId") != self._login_id or not right:
            raise _security("Login failure - contact your administrator")
        self.logins += 1
        ticket = secrets.token_hex(64)
        self._tickets[ticket] = (agency, 0)
        return ticket

    def expire_tickets(self) -> None:
        """Every ticket is dead from now on."""
        self._tickets.clear()

    def check_ticket(self, ticket: str | None, operation: str) -> None:
        """A dead ticket and a missing right answer alike: with a security fault."""
        found = self._tickets.get(ticket or "")
        if found is None:
            raise _security("The session ticket is not valid.")
        agency, calls = found
        if self.ticket_calls is not None and calls >= self.ticket_calls:
            del self._tickets[ticket or ""]
            raise _security("The session ticket has expired.")
        self._tickets[ticket or ""] = (agency, calls + 1)
        if operation in self.denied:
            raise _security("Access is denied.")
        self._agency = agency

    def call(self, operation: str, arguments: Record) -> Record | None:
        """Carry an operation out for the ticket's agency."""
        if operation in self.refused:
            raise refused("The record was not found.", operation)
        if operation in WRITES:
            return WRITES[operation](self._agency, arguments)
        found = _READS.get(operation)
        if found is None:
            raise ServiceFault(_GENERAL, f"{operation} is not part of the sandbox.", code="Server")
        return found(self._agency, arguments, self._rendering)


def _security(message: str) -> ServiceFault:
    return ServiceFault(_SECURITY, message, f"<a:CausalityId>{escape(secrets.token_hex(8))}</a:CausalityId>")


def refused(message: str, data_name: str, key: str = "") -> ServiceFault:
    """A business fault with one detail."""
    return ServiceFault(
        _BUSINESS, message, fault_details([{"Message": message, "DataName": data_name, "EntityKey": key}])
    )


def _by_prefix(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    prefix = (arguments.get("NamePrefix") or "").strip().casefold()
    if not prefix:
        raise refused("A name prefix is required.", "NamePrefix")
    wanted_type = arguments.get("CustomerType")
    ids = rendering.ids_by_prefix(agency, prefix)
    if wanted_type:
        ids = [one for one in ids if agency.customers[one].get("CustomerType") == wanted_type]
    brokers = arguments.get("IsBrokersCustomer")
    if brokers is not None:
        ids = [one for one in ids if bool(agency.customers[one].get("IsBrokersCustomer")) == brokers]
    # Unsorted, yet the same for the same question.
    random.Random(len(ids)).shuffle(ids)  # noqa: S311
    return {
        "CustomerInfoList": {
            "CustomerInfo": [
                rendering.element(agency, "CustomerInfo", one, partial(_info_of, agency, one)) for one in ids
            ]
        }
    }


def _info_of(agency: Agency, key: str) -> Record:
    return customer_info(agency.customers[key])


def customer_info(customer: Record) -> Record:
    """The list row of a customer: no email, phone or codes, and its Is* flags are the strings "True" and "False"."""
    row = {name: customer.get(name) for name in _INFO}
    row.update({name: str(bool(customer.get(name))) for name in _INFO_FLAGS})
    return row


def _customer(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    key = arguments.get("CustomerId") or ""
    if key not in agency.customers:
        raise refused("The customer was not found.", "CustomerId", key)
    return {"Customer": rendering.element(agency, "Customer", key, lambda: agency.customers[key])}


def _customer_by_number(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    number = (arguments.get("CustomerNumber") or "").strip()
    key = rendering.id_by_number(agency, number)
    if key is None:
        raise refused("The customer was not found.", "CustomerNumber", number)
    return _customer(agency, {"CustomerId": key}, rendering)


def _children(kind: str, type_name: str, key_name: str) -> Callable[[Agency, Record, Rendering], Record]:
    def read(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
        rows = agency.under(kind, arguments.get("CustomerId") or "")
        return {
            f"{type_name}List": {
                type_name: [rendering.element(agency, type_name, row[key_name], partial(dict, row)) for row in rows]
            }
        }

    return read


def _child(kind: str, type_name: str, key_name: str, member: str) -> Callable[[Agency, Record, Rendering], Record]:
    def read(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
        key = arguments.get(key_name) or ""
        row = agency.get(kind, key)
        if row is None:
            raise refused(f"The {type_name} was not found.", key_name, key)
        return {member: rendering.element(agency, type_name, key, lambda: row)}

    return read


def _policy_list(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    return _policy_rows(agency.under("policies", arguments.get("CustomerId") or ""), arguments)


def _policies_by_number(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    number = arguments.get("PolicyNumber")
    every = (row for kept in agency.by_customer["policies"].values() for row in kept.values())
    return _policy_rows([row for row in every if row.get("PolicyNumber") == number], arguments)


def _policy_rows(rows: list[Record], arguments: Record) -> Record:
    statuses = (arguments.get("PolicyStatus") or {}).get("string")
    left_out = {
        kind
        for kind, switch in (
            ("A", "IncludeAccountingSubType"),
            ("S", "IncludeSubmissionSubType"),
            ("P", "IncludePolicySubType"),
        )
        if arguments.get(switch) is False or (kind != "P" and arguments.get(switch) is None)
    }
    return {
        "PolicyInfoList": {
            "PolicyInfo": [
                {name: row.get(name) for name in _POLICY_INFO}
                for row in rows
                if (not statuses or row.get("PolicyStatus") in statuses)
                and row.get("PolicySubType") not in left_out
                and (arguments.get("IncludeMultiEntity") or not row.get("IsMultiEntity"))
            ]
        }
    }


def _employees(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    return {"EmployeeInfoList": {"EmployeeInfo": list(agency.employees.values())}}


def _employee(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    code = arguments.get("EmployeeCode") or ""
    if code not in agency.employees:
        raise refused("The employee was not found.", "EmployeeCode", code)
    return {"Employee": agency.employees[code]}


def _units(kind: str) -> Callable[[Agency, Record, Rendering], Record]:
    return lambda agency, arguments, rendering: {f"GL{kind}List": {f"GL{kind}": agency.units[kind]}}


def _by_phone(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    wanted = "".join(filter(str.isdigit, arguments.get("PhoneNumber") or ""))[-10:]
    found = []
    for customer in agency.customers.values():
        for kind in ("Business", "Cell", "Home"):
            digits = "".join(
                filter(str.isdigit, f"{customer.get(f'{kind}AreaCode') or ''}{customer.get(f'{kind}Phone') or ''}")
            )
            if wanted and digits[-10:] == wanted:
                found.append({"EntityId": customer["CustomerId"], "EntityType": "Customer", "Description": kind,
                              "SearchResultText": str(customer["CustomerNumber"])})  # fmt: skip
                break
    return {"SearchResultInfoList": {"SearchResultInfo": found}}


def _value_list(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    name = arguments.get("ListName") or ""
    if name not in agency.value_lists:
        raise refused("The list was not found.", "ListName", name)
    return {"AllowedValues": {"AllowedValue": agency.value_lists[name]}}


def _suspenses(agency: Agency, arguments: Record, rendering: Rendering) -> Record:
    wanted = arguments.get("IsComplete")
    rows = agency.under("suspenses", arguments.get("CustomerId") or "")
    return {
        "SuspenseList": {
            "CustomerSuspenseInfo": [row for row in rows if wanted is None or bool(row.get("IsCompleted")) == wanted]
        }
    }


_READS: Mapping[str, Callable[[Agency, Record, Rendering], Record | None]] = {
    "Logout": lambda agency, arguments, rendering: None,
    "AgencyInfoGet": lambda agency, arguments, rendering: {"AgencyInfo": {"AgencyName": f"Agency {agency.agency_no}"}},
    "CustomerGetListByNamePrefix": _by_prefix,
    "CustomerGetById": _customer,
    "CustomerGetByNumber": _customer_by_number,
    "CustomerContactGetList": _children("customer_contacts", "CustomerContact", "CustomerContactId"),
    "CustomerContactGet": _child("customer_contacts", "CustomerContact", "CustomerContactId", "CustomerContact"),
    "CustomerDependentGetList": _children("customer_dependents", "CustomerDependent", "DependentId"),
    "CustomerDependentGet": _child("customer_dependents", "CustomerDependent", "DependentId", "CustomerDependent"),
    "CustomerServicePersonnelGetList": lambda agency, arguments, rendering: {"CustomerServicePersonnelList": {}},
    "CustomerProfileAnswerGetList": lambda agency, arguments, rendering: {"CustomerProfileAnswerList": {}},
    "CustomerSuspenseGetListByCustomerId": _suspenses,
    "CustomerSuspenseGetBySuspenseId": _child("suspenses", "CustomerSuspense", "SuspenseId", "Suspense"),
    "PolicyGetListByCustomerId": _policy_list,
    "PolicyGetListByPolicyNumber": _policies_by_number,
    "PolicyGet": _child("policies", "Policy", "PolicyId", "Policy"),
    "EmployeeGetListAll": _employees,
    "EmployeeGetByCode": _employee,
    "CompanyGetListAll": lambda agency, arguments, rendering: {"CompanyInfoList": {"CompanyInfo": agency.companies}},
    "GLDivisionGetListAll": _units("Division"),
    "GLBranchGetListAll": _units("Branch"),
    "GLDepartmentGetListAll": _units("Department"),
    "GLGroupGetListAll": _units("Group"),
    "LineOfBusinessGetAllList": lambda agency, arguments, rendering: {
        "LineOfBusinessInfoList": {"LineOfBusinessInfo": agency.lines_of_business}
    },
    "SearchByPhoneNumber": _by_phone,
    "ValueListGet": _value_list,
}
