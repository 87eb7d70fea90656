"""The names behind codes, read back from raw for the rules."""

from typing import Any

import psycopg

from ams_etl.rules.records.ams360 import Employee, Reference
from ams_etl.sync.raw.ams360_tables import UNIT_CODE_MEMBERS


def load_reference(connection: psycopg.Connection[Any], agency: str) -> Reference:
    """Employees, carriers, lines of business and business units of an agency, by code.

    Records that AMS360 no longer lists keep their names: policies go on naming them.
    """

    def rows(table: str) -> list[tuple[str, dict[str, Any]]]:
        return connection.execute(
            f"select entity_id, payload from raw_ams360.{table} where agency = %s", (agency,)
        ).fetchall()

    units: dict[str, dict[str, str]] = {kind: {} for kind in UNIT_CODE_MEMBERS}
    for entity_id, payload in rows("business_units"):
        kind, _, code = entity_id.partition(":")
        if payload.get("Name"):
            units[kind][code] = payload["Name"]
    return Reference(
        employees={code: Employee.from_payload(payload) for code, payload in rows("employees")},
        companies={code: payload["Name"] for code, payload in rows("companies") if payload.get("Name")},
        lines_of_business={
            code: payload["Description"] for code, payload in rows("lines_of_business") if payload.get("Description")
        },
        branches=units["branch"],
        departments=units["department"],
        divisions=units["division"],
        groups=units["group"],
    )
