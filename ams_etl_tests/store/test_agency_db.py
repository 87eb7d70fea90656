"""A connection bound to an agency: values and typed rows of that agency."""

from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.store.agency_db import AgencyDb


@dataclass(frozen=True, slots=True)
class _Mapping:
    employee_code: str
    user_id: str


_BY_CODE = """select user_id, employee_code from ops.user_mappings
    where agency = %(agency)s and employee_code >= %(least)s order by employee_code"""


def test_queries_see_their_agency_and_return_what_they_are_asked_for(connection: psycopg.Connection[Any]) -> None:
    """Fields are filled by the columns' names, not by their order; nothing found is None or an empty list."""
    demo, other = AgencyDb(connection, "demo"), AgencyDb(connection, "other")
    for db, code in ((demo, "B"), (demo, "A"), (other, "C")):
        added = db.execute(
            "insert into ops.user_mappings values (%(agency)s, 'Executive', %(code)s, 'u', 'Ann')", code=code
        )
        assert added == 1
    assert demo.rows(_Mapping, _BY_CODE, least="A") == [_Mapping("A", "u"), _Mapping("B", "u")]
    assert (demo.row(_Mapping, _BY_CODE, least="B"), demo.row(_Mapping, _BY_CODE, least="C")) == (
        _Mapping("B", "u"),
        None,
    )
    codes = "select employee_code from ops.user_mappings where agency = %(agency)s order by 1"
    assert (demo.column(codes), other.column(codes), AgencyDb(connection, "none").column(codes)) == (
        ["A", "B"],
        ["C"],
        [],
    )
    assert (demo.scalar(codes), AgencyDb(connection, "none").scalar(codes)) == ("A", None)
