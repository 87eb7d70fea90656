"""A list that the URL pages, sorts and filters, and that Postgres cuts: never more rows are read than are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg.rows import dict_row

from ams_etl.store.agency_db import scalar

PAGE_ROWS = 50
MOST_COUNTED = 10_000
"""Beyond so many rows the list says "more than": counting on would cost more than it tells."""
LAST_PAGE = 10_000
MOST_EXPORTED = 200_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key in the rows, its heading, and what sorting by it compares (None: not sortable)."""

    key: str
    title: str
    sort: str | None = None
    numeric: bool = False
    only_in_csv: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of the URL: a drop-down where there are options, else a text field.

    Attributes:
        condition: SQL over the parameter of the filter's key; applied only when the URL has a value.
        options: (value, label) pairs; another value counts as none.
        otherwise: what the drop-down calls the list without a choice.
    """

    key: str
    title: str
    condition: str
    options: Sequence[tuple[str, str]] = ()
    otherwise: str = "all"

    def value(self, query: Mapping[str, str]) -> str:
        """Return what the URL asks for, or an empty string."""
        given = query.get(self.key, "").strip()[:200]
        return given if not self.options or given in {value for value, _ in self.options} else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list is made of.

    Attributes:
        select: `select ... from ... where ...`, without order and limit; its columns are the columns' keys.
        order: the sort when the URL names none: a key, with `-` before it for the other direction.
        tie: the last thing that sorting compares, so that pages never overlap.
    """

    name: str
    columns: Sequence[Column]
    select: str
    order: str
    tie: str
    filters: Sequence[Filter] = ()
    is_short: bool = False
    """It has few rows, each the result of much reading: they are counted while they are read, not once more."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the addresses of its neighbours."""

    listing: Listing
    rows: list[dict[str, Any]]
    total: int
    number: int
    chosen: Mapping[str, str]
    sort: str
    path: str
    more_filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_more(self) -> bool:
        """Whether the total is only a lower limit."""
        return self.total > MOST_COUNTED

    @property
    def first(self) -> int:
        """The number of the first row shown."""
        return (self.number - 1) * PAGE_ROWS + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return (self.number - 1) * PAGE_ROWS + len(self.rows)

    @property
    def previous(self) -> str | None:
        """The address of the page before."""
        return self.address(page=str(self.number - 1)) if self.number > 1 else None

    @property
    def following(self) -> str | None:
        """The address of the page after."""
        full = len(self.rows) == PAGE_ROWS and self.number < LAST_PAGE
        return self.address(page=str(self.number + 1)) if full and self.last < self.total else None

    @property
    def csv(self) -> str:
        """The address of the whole list as CSV, filtered and sorted alike."""
        return self.address(format="csv")

    def sorted_by(self, column: Column) -> str:
        """Return the address of the list sorted by a column; by the same one again: the other way round."""
        return self.address(sort=f"-{column.key}" if self.sort == column.key else column.key)

    def direction(self, column: Column) -> str | None:
        """Return `ascending`, `descending`, or None where another column sorts."""
        return {column.key: "ascending", f"-{column.key}": "descending"}.get(self.sort)

    def address(self, **changes: str) -> str:
        """Return the list's address with these parameters in place of its own."""
        given = {
            **self.more_filters,
            **self.chosen,
            "sort": "" if self.sort == self.listing.order else self.sort,
            **changes,
        }
        query = urlencode({key: value for key, value in given.items() if value})
        return f"{self.path}?{query}" if query else self.path


def read_page(
    connection: psycopg.Connection[Any], listing: Listing, query: Mapping[str, str], parameters: Mapping[str, Any],
    path: str,
) -> Page:  # fmt: skip
    """Read the page that the URL asks for; parameters that make no sense count as not given."""
    chosen = {choice.key: choice.value(query) for choice in listing.filters}
    number = _page_number(query.get("page", ""))
    select, values = _filtered(listing, chosen, parameters)
    sort = _sort(listing, query)
    counted_too = f"select l.*, count(*) over () as total_rows from ({select}) l" if listing.is_short else select
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            f"{counted_too} order by {_order(listing, sort)} limit {PAGE_ROWS} offset {(number - 1) * PAGE_ROWS}",
            values,
        ).fetchall()
    if number == 1 and len(rows) < PAGE_ROWS:
        total = len(rows)
    elif listing.is_short and rows:
        total = rows[0]["total_rows"]
    else:
        total = scalar(connection, f"select count(*) from ({select} limit {MOST_COUNTED + 1}) x", values)
    return Page(listing, rows, total, number, chosen, sort, path)


def read_all(
    connection: psycopg.Connection[Any], listing: Listing, query: Mapping[str, str], parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Read the whole list as the URL filters and sorts it, with the listing's columns in their order."""
    chosen = {choice.key: choice.value(query) for choice in listing.filters}
    select, values = _filtered(listing, chosen, parameters)
    columns = ", ".join(column.key for column in listing.columns)
    order = _order(listing, _sort(listing, query))
    return connection.execute(
        f"select {columns} from ({select} order by {order} limit {MOST_EXPORTED}) x", values
    ).fetchall()


def _filtered(listing: Listing, chosen: Mapping[str, str], parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    conditions = [f" and ({choice.condition})" for choice in listing.filters if chosen[choice.key]]
    return listing.select + "".join(conditions), {**parameters, **chosen}


def _sort(listing: Listing, query: Mapping[str, str]) -> str:
    asked = query.get("sort", "")
    sortable = {column.key for column in listing.columns if column.sort}
    return asked if asked.removeprefix("-") in sortable else listing.order


def _order(listing: Listing, sort: str) -> str:
    column = next(column for column in listing.columns if column.key == sort.removeprefix("-"))
    return f"{column.sort} {'desc nulls last' if sort.startswith('-') else 'asc nulls last'}, {listing.tie}"


def _page_number(given: str) -> int:
    return min(max(int(given), 1), LAST_PAGE) if given.isascii() and given.isdigit() and len(given) < 7 else 1
