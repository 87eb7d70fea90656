"""Read a suppression list: a CSV file of addresses and what their owners answered, all of it before anything is stored."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from ams_etl.errors import ConfigError
from ams_etl.rules.reach.consent_address import consent_address
from ams_etl.store.sending.consents import Answer, Channel, Consent

_ADDRESSES = ("address", "email", "email_sha256")
_KNOWN = (*_ADDRESSES, "answer", "at")
_LARGEST_FILE = 200_000_000
_LONGEST_LINE = 10_000
"""A line of addresses is short: a longer one is another file, or a quote that nobody closed."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORMULA = ("=", "+", "-", "@")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _List:
    """The file, what it is for, and one moment for all answers without a time, so that of two the no wins."""

    file: Path
    channel: Channel
    country: str
    now: datetime

    def refuse(self, line: int, column: str, reason: str) -> NoReturn:
        """Raise an error that names the place and never the value."""
        raise ConfigError(f"{self.file}: line {line}: {column}: {reason}")


def read_list(file: Path, channel: Channel, country: str) -> list[Consent]:
    """Return the answers of a CSV file.

    Args:
        file: with the column address, email or email_sha256, perhaps answer and at; other columns are not read.
        channel: what the answers are about.
        country: of a number that names none.

    Raises:
        ConfigError: it has no column of addresses, or a line has a value that does not fit; the message names line and column,
            and not the value.
    """
    read = _List(file, channel, country, datetime.now(UTC))
    if file.stat().st_size > _LARGEST_FILE:
        raise ConfigError(f"{file}: is larger than 200 MB; split it")
    lines = _lines(read, file.read_bytes())
    _, header = next(lines, (1, []))
    places = _places(read, header)
    column = next(name for name in _ADDRESSES if name in places)
    return [_answer(read, line, _named(read, line, cells, header, places), column) for line, cells in lines]


def _lines(read: _List, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield each line that holds something, with the number it begins at: a quoted cell may go over several."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content.partition(b"\n")[0]:
        raise ConfigError(f"{read.file}: line 1: expected UTF-8, as `CSV UTF-8` of a spreadsheet is, not UTF-16")
    number = 1

    def measured(text: io.StringIO) -> Iterator[str]:
        for place, line in enumerate(text, start=1):
            if len(line) > _LONGEST_LINE:
                raise ConfigError(f"{read.file}: line {place}: longer than {_LONGEST_LINE:,} characters")
            yield line

    # Bytes that are not UTF-8 become lone surrogates, so that the cell they are in can be named.
    reader = csv.reader(measured(io.StringIO(content.decode("utf-8-sig", "surrogateescape"), newline="")), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise ConfigError(f"{read.file}: line {number}: a quoted cell is not closed, or too long") from None
        if any(cell.strip() for cell in cells):
            yield number, cells


def _places(read: _List, header: Sequence[str]) -> Mapping[str, int]:
    """Return where the columns are that are read; the case of their names does not matter."""
    names = [cell.strip().lower() for cell in header]
    twice = next((name for name in _KNOWN if names.count(name) > 1), None)
    if twice:
        read.refuse(1, twice, "is there twice")
    found = [name for name in _ADDRESSES if name in names]
    if not found:
        raise ConfigError(
            f"{read.file}: line 1: expected a column address, email or email_sha256, with commas between the columns"
        )
    if len(found) > 1:
        read.refuse(1, found[1], f"expected one column of addresses, and {found[0]} is there, too")
    if found[0] == "email_sha256" and read.channel != "email":
        read.refuse(1, found[0], f"hashes of emails say nothing about {read.channel}")
    return {name: names.index(name) for name in _KNOWN if name in names}


def _named(
    read: _List, line: int, cells: Sequence[str], header: Sequence[str], places: Mapping[str, int]
) -> dict[str, str]:
    """Return a line's cells by column; a missing one is empty."""
    if any(cell.strip() for cell in cells[len(header) :]):
        read.refuse(
            line, f"column {len(header) + 1}", "the header has no such column; is a value with a comma unquoted?"
        )
    named = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
    for name, cell in named.items():
        if not cell.isascii() and any("\ud800" <= letter <= "\udfff" for letter in cell):
            read.refuse(line, name, "not UTF-8")
        if "\0" in cell:
            read.refuse(line, name, "holds a NUL character")
    return named


def _answer(read: _List, line: int, row: Mapping[str, str], column: str) -> Consent:
    said = row.get("answer", "").lower() or "no"
    if said not in {"yes", "no"}:
        read.refuse(line, "answer", "expected yes or no")
    answer: Answer = "yes" if said == "yes" else "no"
    address, at = _address(read, line, column, row[column]), _time(read, line, row.get("at", ""))
    return Consent(read.channel, address, answer, at, read.file.name)


def _address(read: _List, line: int, column: str, given: str) -> str:
    if column == "email_sha256":
        digest = given.lower().removeprefix("sha256:")
        if not _SHA256.fullmatch(digest):
            read.refuse(line, column, "expected a SHA-256 as 64 hexadecimal digits")
        return f"sha256:{digest}"
    if given.startswith(_FORMULA) and not (given.startswith("+") and read.channel in {"text", "phone"}):
        read.refuse(line, column, "begins as a formula does; expected the address alone")
    address = consent_address(read.channel, given, read.country)
    if address is None:
        read.refuse(line, column, f"not an address for {read.channel}")
    return address


def _time(read: _List, line: int, given: str) -> datetime:
    if not given:
        return read.now
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        read.refuse(line, "at", "expected an ISO 8601 time")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    # An answer from the future would win over every later one.
    if not _EARLIEST <= at <= read.now + timedelta(days=1):
        read.refuse(line, "at", "expected a time between 1970 and now")
    return at
