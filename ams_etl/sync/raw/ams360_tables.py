"""Where each AMS360 record type lies in raw, and which customers a changed record touches."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

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


def mark_customers_dirty(connection: psycopg.Connection[Any], agency: str, customer_ids: Iterable[str]) -> None:
    """Have these customers derived again; call it in the transaction that changed their records."""
    connection.execute(
        """insert into stage.dirty_customers (agency, customer_id)
        select %s, x from unnest(%s::text[]) x on conflict do nothing""",
        (agency, sorted(set(customer_ids))),
    )


def mark_customers_naming(connection: psycopg.Connection[Any], agency: str, *, where: str, codes: list[str]) -> None:
    """Have the customers derived again whose records name one of these codes.

    Args:
        connection: inside the transaction that changed the reference records.
        agency: the agency id.
        where: one of `DEPENDENTS_OF`'s conditions.
        codes: the codes whose records changed.
    """
    connection.execute(
        f"""insert into stage.dirty_customers (agency, customer_id)
        select distinct %(agency)s, coalesce(customer_id, entity_id) from ({where}) touched
        on conflict do nothing""",
        {"agency": agency, "codes": codes},
    )


def _customers_naming(*members: str) -> str:
    tests = " or ".join(f"payload ->> '{member}' = any(%(codes)s)" for member in members)
    return (
        f"select entity_id, customer_id from raw_ams360.customers where agency = %(agency)s and ({tests})"
        f" union all select entity_id, customer_id from raw_ams360.policies where agency = %(agency)s and ({tests})"
    )


DEPENDENTS_OF: Mapping[str, str] = {
    "employees": _customers_naming("AccountExecCode", "AccountRepCode"),
    "companies": _customers_naming("WritingCompanyCode"),
    "business_units": _customers_naming(*UNIT_CODE_MEMBERS.values()),
    "lines_of_business": """select entity_id, customer_id from raw_ams360.policies p
        where agency = %(agency)s and exists (
            select from jsonb_path_query(payload, '$.LineOfBusinessList[*].PolicyLineOfBusiness') l
            where l #>> '{}' = any(%(codes)s))""",
}
"""Per reference table: the customers and policies whose derivation reads its codes."""
