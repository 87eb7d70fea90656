"""An employee code is given again: the old user keeps the contacts, and a person is asked."""

from datetime import date, timedelta
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.merge import Record, merge_records
from ams_etl.sync.contacts.user_mappings import UserMapping, list_mappings, store_mappings
from ams_etl.sync.raw.ams360_tables import EMPLOYEES
from ams_etl_tests.sync.source_history import AGENCY, BEGIN, Source, customer, refresh, store_reference

TODAY = date(2026, 6, 1)
EVE = UserMapping("Executive", "E 1", "eve@agency", "Eve")


def _renamed(connection: psycopg.Connection[Any], last: str) -> None:
    record = Record("E 1", None, {"EmployeeCode": "E 1", "FirstName": "Eve", "LastName": last, "ShortName": "EVE"})
    with connection.transaction():
        merge_records(connection, EMPLOYEES, AGENCY, [record], seen_at=BEGIN + timedelta(days=1))


def _asked(connection: psycopg.Connection[Any]) -> list[tuple[str, str | None]]:
    return [(row.employee_name, row.mapped_name) for row in list_mappings(connection, AGENCY) if row.user_id]


def test_a_code_with_another_name_keeps_its_user_and_asks_until_it_is_mapped_again(
    connection: psycopg.Connection[Any],
) -> None:
    source = Source()
    source.put(customer(1, AccountExecCode="E 1", FirstName="Ann"))
    source.store(connection)
    # As an agency does that maps its people before the first sync: no name is known yet.
    store_mappings(connection, AGENCY, [EVE])
    store_reference(connection)
    refresh(connection, RuleSettings(), TODAY)
    assert _asked(connection) == [("Eve Exec", None)]

    _renamed(connection, "Stranger")
    refresh(connection, RuleSettings(), TODAY)
    assert _asked(connection) == [("Eve Stranger", "Eve Exec")]
    held = "select user_id from mart.connections where agency = %s and connection_type = 'Executive'"
    assert connection.execute(held, (AGENCY,)).fetchall() == [("eve@agency",)]

    assert store_mappings(connection, AGENCY, [EVE]) == 1, "the same user: it is the same person"
    assert store_mappings(connection, AGENCY, [EVE]) == 0
    assert _asked(connection) == [("Eve Stranger", None)]


def test_a_name_that_is_written_otherwise_is_the_same_name(connection: psycopg.Connection[Any]) -> None:
    store_reference(connection)
    store_mappings(connection, AGENCY, [EVE])
    _renamed(connection, "EXEC")
    assert _asked(connection) == [("Eve EXEC", None)]
