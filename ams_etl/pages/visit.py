"""What a screen is given, and what it may answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import quote

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.pages.people.roles import Person, Role
from ams_etl.settings import Agencies, Agency


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in person to one agency's screen.

    Attributes:
        connection: inside the request's transaction: read-only for GET; one for the act and its record for POST.
        query: the URL's parameters, the last value of each.
        form: the form's fields, likewise; empty for GET.
        files: the form's files.
        place: the path's parameters but for the agency.
    """

    person: Person
    role: Role
    agencies: Agencies
    agency: Agency
    connection: psycopg.Connection[Any]
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    files: Mapping[str, bytes]
    place: Mapping[str, str]

    @property
    def today(self) -> date:
        """The date that the rules are asked for."""
        return datetime.now(self.agencies.schedule.zone).date()

    @property
    def home(self) -> str:
        """The address of the agency's first screen."""
        return f"/{self.agency.id}"

    def record(self, act: str, subject: str, *, before: Any = None, after: Any = None) -> None:
        """Note in `ops.page_acts` what the person did; rolled back together with the act."""
        self.connection.execute(
            "insert into ops.page_acts (agency, user_name, act, subject, before, after) values (%s, %s, %s, %s, %s, %s)",
            (
                self.agency.id,
                self.person.name,
                act,
                subject,
                *(None if v is None else Jsonb(v) for v in (before, after)),
            ),
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A page from a template."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    reload_seconds: int | None = None
    """After so many seconds the browser loads the page again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Go to another page, which says the notice once."""

    path: str
    notice: str | None = None
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file."""

    name: str
    content: bytes
    media_type: str = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such thing in this agency."""

    what: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The act was not done, and why; nothing of it is stored."""

    why: str
    status: int = 422


Answer = Shown | Moved | Downloaded | Missing | Refused
Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Screen:
    """A route: who may use it, and the function that answers.

    Attributes:
        path: after the agency's id, as in `/contacts/{contact_id}`.
        role: the lowest role that may.
        long: whether it may take longer than a page, as a download does.
        shows_people: whether it shows the agency's customers, so that each view of it is in the access log.
    """

    method: Method
    path: str
    role: Role
    answer: Callable[[Visit], Answer]
    long: bool = False
    shows_people: bool = True


def in_url(value: str) -> str:
    """Return a value as one part of a path or query."""
    return quote(value, safe="")


def uuids(text: str) -> Iterator[str]:
    """Yield the text if it is a UUID, in its usual spelling."""
    from uuid import UUID

    try:
        yield str(UUID(text))
    except ValueError:
        return
