"""Ask Postgres by names and get values and typed rows, not tuples to count in: of one agency (`AgencyDb`), or of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row

T = TypeVar("T")
Values = Sequence[Any] | Mapping[str, Any] | None


def scalar(connection: psycopg.Connection[Any], query: str | sql.Composed, values: Values = None) -> Any:
    """Return the first column of the first row; None where there is no row."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query, values).fetchone()


def column(connection: psycopg.Connection[Any], query: str, values: Values = None) -> list[Any]:
    """Return the first column of every row."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query, values).fetchall()


def record(connection: psycopg.Connection[Any], kind: type[T], query: str, values: Values = None) -> T | None:
    """Return the first row as a `kind`, whose fields are named like the columns; None where there is no row."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, values).fetchone()


def records(connection: psycopg.Connection[Any], kind: type[T], query: str, values: Values = None) -> list[T]:
    """Return every row as a `kind`, whose fields are named like the columns."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, values).fetchall()


def with_values(query: str, **values: Any) -> str:
    """Return a query with its values quoted inside it, for Great Expectations, which takes text alone."""
    return query % {name: sql.quote(value) for name, value in values.items()}


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
        return scalar(self.connection, query, {"agency": self.agency, **values})

    def column(self, query: str, **values: Any) -> list[Any]:
        """Return the first column of every row."""
        return column(self.connection, query, {"agency": self.agency, **values})

    def row(self, kind: type[T], query: str, **values: Any) -> T | None:
        """Return the first row as a `kind`, whose fields are named like the columns; None where there is no row."""
        return record(self.connection, kind, query, {"agency": self.agency, **values})

    def rows(self, kind: type[T], query: str, **values: Any) -> list[T]:
        """Return every row as a `kind`, whose fields are named like the columns."""
        return records(self.connection, kind, query, {"agency": self.agency, **values})
