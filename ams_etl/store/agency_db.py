"""A connection that is bound to one agency: asks by names, and returns values and typed rows, not tuples to count in."""

from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row, scalar_row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AgencyDb:
    """Every query may use `%(agency)s`; its other values are given by name.

    Args:
        connection: any; used by one thread at a time.
        agency: the agency id.
    """

    connection: psycopg.Connection[Any]
    agency: str

    def execute(self, query: str, **values: Any) -> int:
        """Run a statement and return how many rows it touched."""
        return self.connection.execute(query, {"agency": self.agency, **values}).rowcount

    def scalar(self, query: str, **values: Any) -> Any:
        """Return the first column of the first row; None where there is no row."""
        with self.connection.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(query, {"agency": self.agency, **values}).fetchone()

    def column(self, query: str, **values: Any) -> list[Any]:
        """Return the first column of every row."""
        with self.connection.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(query, {"agency": self.agency, **values}).fetchall()

    def row(self, kind: type[T], query: str, **values: Any) -> T | None:
        """Return the first row as a `kind`, whose fields are named like the columns; None where there is no row."""
        with self.connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query, {"agency": self.agency, **values}).fetchone()

    def rows(self, kind: type[T], query: str, **values: Any) -> list[T]:
        """Return every row as a `kind`, whose fields are named like the columns."""
        with self.connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query, {"agency": self.agency, **values}).fetchall()
