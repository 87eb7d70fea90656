"""Customers: the list by name prefix, one customer, insert, update."""

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.ams360.call import Call, Table
from ams_etl.sandbox.ams360.refusals import business

_INFO = (
    "IsActive", "AddressLine1", "AddressLine2", "BrokerCode", "City", "AccountRepCode", "CustomerId", "CustomerNumber",
    "DoingBusinessAs", "FirmName", "FirstName", "IsBrokersCustomer", "LastName", "MiddleName", "AccountExecCode", "State",
    "CustomerType", "ZipCode",
)  # fmt: skip
_INFO_FLAGS = (
    "IsBenefits", "IsCommercial", "IsFinancial", "IsHealth", "IsLife", "IsNonPropertyAndCasualty", "IsPersonal",
)  # fmt: skip
_UNITS = ("Division", "Branch", "Department", "Group")
_TYPES = frozenset("CPS")


def customer_info(customer: Record) -> Record:
    """The list row: no email, phone or codes, and its Is* flags are the strings "True" and "False"."""
    row = {name: customer.get(name) for name in _INFO}
    row.update({name: str(bool(customer.get(name))) for name in _INFO_FLAGS})
    return row


def _list_by_prefix(call: Call) -> Record:
    customers = call.agency.customers
    wanted_type = call.arguments.get("CustomerType")
    brokers = call.arguments.get("IsBrokersCustomer")
    ids = [
        key
        for key in _found_by_prefix(call)
        if (not wanted_type or customers[key].get("CustomerType") == wanted_type)
        and (brokers is None or bool(customers[key].get("IsBrokersCustomer")) == brokers)
    ][: call.habits.row_limit]
    rows = [
        call.directory.element("CustomerInfo", key, lambda key=key: customer_info(customers[key]))  # type: ignore[misc]
        for key in ids
    ]
    for key in call.habits.vanishing.intersection(ids):
        call.habits.vanishing.discard(key)
        call.agency.remove("customers", key)
    return {"CustomerInfoList": {"CustomerInfo": rows}}


def _found_by_prefix(call: Call) -> list[str]:
    prefix = (call.arguments.get("NamePrefix") or "").strip()
    if not prefix and call.habits.empty_prefix == "fault":
        raise business("A name prefix is required.", "NamePrefix")
    if not prefix and call.habits.empty_prefix == "none":
        return []
    return call.directory.customers_by_prefix(prefix)


def _by_id(call: Call) -> Record:
    customer = call.customer(call.arguments)
    return {"Customer": call.directory.element("Customer", customer["CustomerId"], lambda: customer)}


def _by_number(call: Call) -> Record:
    number = (call.arguments.get("CustomerNumber") or "").strip()
    key = call.directory.customer_by_number(number)
    if key is None:
        raise business("The customer was not found.", "CustomerNumber", number)
    return {"Customer": call.directory.element("Customer", key, lambda: call.agency.customers[key])}


def _insert(call: Call) -> Record:
    customer = call.record("Customer")
    _check(call, customer)
    customer["CustomerId"] = call.agency.new_id()
    customer["CustomerNumber"] = call.directory.next_number()
    if customer.get("IsActive") is None:
        customer["IsActive"] = True
    if customer.get("DateCustomerAdded") is None:
        customer["DateCustomerAdded"] = f"{call.agency.today}T00:00:00"
    call.agency.put("customers", customer)
    return {"CustomerId": customer["CustomerId"]}


def _update(call: Call) -> None:
    """The whole customer is taken: what is left out is cleared. A C or P never goes back to S."""
    customer = call.record("Customer")
    before = call.customer(customer)
    _check(call, customer)
    if customer["CustomerType"] == "S" and before.get("CustomerType") in {"C", "P"}:
        raise business("A customer or prospect cannot become a suspect.", "CustomerType", before["CustomerId"])
    customer["CustomerNumber"] = before["CustomerNumber"]
    call.agency.put("customers", customer)


def _check(call: Call, customer: Record) -> None:
    if customer.get("CustomerType") not in _TYPES:
        raise business("CustomerType must be C, P or S.", "CustomerType", customer.get("CustomerType"))
    if not (customer.get("LastName") or customer.get("FirmName")):
        raise business("LastName or FirmName is required.", "LastName")
    call.must_be_employees(customer, "AccountExecCode", "AccountRepCode")
    for unit in _UNITS:
        member = f"GL{unit}Code"
        code = customer.get(member)
        if code and all(unit_row[member] != code for unit_row in call.agency.units.get(unit, ())):
            raise business("The business unit was not found.", member, code)


OPERATIONS: Table = {
    "CustomerGetListByNamePrefix": _list_by_prefix,
    "CustomerGetById": _by_id,
    "CustomerGetByNumber": _by_number,
    "CustomerInsert": _insert,
    "CustomerUpdate": _update,
}
