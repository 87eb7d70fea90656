"""A request as a JSON service reads it, and its answers."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from ams_etl.sandbox.http import Request, Response


class RefusedError(Exception):
    """The service refuses a request.

    Args:
        response: what it answers instead.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the path's parts behind the service's own prefix, the query, headers (lower case) and body."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str
    """The address of the service, for links in answers."""

    @property
    def text(self) -> str:
        """The path, the values of the query and the body, for switches that strike calls about one record."""
        return "\n".join(("/".join(self.path), *self.query.values(), self.body.decode("utf-8", "replace")))

    @property
    def bearer(self) -> str | None:
        """The bearer token, if there is one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and password of Basic authentication, if there are any."""
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = b64decode(given.strip(), validate=True).decode("latin-1").partition(":")
        except (NotBase64, ValueError):
            return None
        return (user, password) if colon else None

    def json(self) -> Any:
        """Return the body as JSON; None when it is not valid JSON or not declared as JSON."""
        if "json" not in self.headers.get("content-type", ""):
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self) -> dict[str, str] | None:
        """The body as a form; None where it is not declared as such."""
        if "x-www-form-urlencoded" not in self.headers.get("content-type", ""):
            return None
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))


def read_request(request: Request, prefix: str) -> Asked:
    """A request whose target begins with `prefix` (`/hawksoft/`)."""
    path, _, query = request.target.partition("?")
    return Asked(
        request.method,
        tuple(unquote(part) for part in path.removeprefix(prefix).split("/")),
        dict(parse_qsl(query, keep_blank_values=True)),
        request.headers,
        request.body,
        f"http://{request.headers.get('host', '127.0.0.1')}{prefix.rstrip('/')}",
    )


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer; header names have `_` for `-`."""
    body = json.dumps(value, ensure_ascii=False, default=str).encode()
    return Response(
        status,
        body,
        "application/json; charset=utf-8",
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def text(said: str, status: int) -> Response:
    """An answer in plain text."""
    return Response(status, said.encode(), "text/plain; charset=utf-8")


def moment(given: str) -> datetime:
    """An ISO 8601 moment; without an offset it is meant in UTC.

    Raises:
        ValueError: the value is not valid.
    """
    found = datetime.fromisoformat(given)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    """A moment as the services write it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
