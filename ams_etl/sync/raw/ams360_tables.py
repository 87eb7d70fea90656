"""Where each AMS360 record type lies in raw, and which customers a changed record touches."""

from collections.abc import Mapping

from ams_etl.store.merge import RawTable

CUSTOMER_LIST = RawTable("raw_ams360", "customer_list")
CUSTOMERS = RawTable("raw_ams360", "customers")
CUSTOMER_CONTACTS = RawTable("raw_ams360", "customer_contacts")
CUSTOMER_DEPENDENTS = RawTable("raw_ams360", "customer_dependents")
POLICIES = RawTable("raw_ams360", "policies")
EMPLOYEES = RawTable("raw_ams360", "employees")
BUSINESS_UNITS = RawTable("raw_ams360", "business_units")
COMPANIES = RawTable("raw_ams360", "companies")
LINES_OF_BUSINESS = RawTable("raw_ams360", "lines_of_business")

ID_MEMBERS: Mapping[str, str] = {
    "customer_list": "CustomerId",
    "customers": "CustomerId",
    "customer_contacts": "CustomerContactId",
    "customer_dependents": "DependentId",
    "policies": "PolicyId",
    "employees": "EmployeeCode",
    "companies": "CompanyCode",
    "lines_of_business": "LineOfBusinessCode",
}
"""The member that identifies a record, per raw table (business units have one for each kind)."""

UNANNOUNCED_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "customers": ("CustomerNotationId",),
    "customer_contacts": ("SortOrder",),
    "policies": ("PolicyNotationId",),
}
"""AMS360 sends no notification when nothing but these changed (ams360_behaviour.md)."""

OBJECT_TYPES: Mapping[str, str] = {
    "customers": "customer",
    "customer_contacts": "customer_contact",
    "customer_dependents": "customer_dependent",
    "policies": "policy",
}
"""What the notifications' mapping calls the records of a raw table."""

UNIT_CODE_MEMBERS: Mapping[str, str] = {
    "division": "GLDivisionCode",
    "branch": "GLBranchCode",
    "department": "GLDepartmentCode",
    "group": "GLGroupCode",
}


def _customers_naming(*members: str) -> str:
    tests = " or ".join(f"payload ->> '{member}' = any(%(codes)s)" for member in members)
    return (
        f"select coalesce(customer_id, entity_id) as customer_id from raw_ams360.customers where agency = %(agency)s and ({tests})"
        f" union all select customer_id from raw_ams360.policies where agency = %(agency)s and ({tests})"
    )


DEPENDENTS_OF: Mapping[str, str] = {
    "employees": _customers_naming("AccountExecCode", "AccountRepCode"),
    "companies": _customers_naming("WritingCompanyCode"),
    "business_units": _customers_naming(*UNIT_CODE_MEMBERS.values()),
    "lines_of_business": """select customer_id from raw_ams360.policies p
        where agency = %(agency)s and exists (
            select from jsonb_path_query(payload, '$.LineOfBusinessList[*].PolicyLineOfBusiness') l
            where l #>> '{}' = any(%(codes)s))""",
}
"""Per reference table: a query for the customers whose derivation reads its `codes`."""
