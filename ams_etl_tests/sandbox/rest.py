"""A hand-written client of the JSON sandboxes, which sends its arguments unchanged and returns the answer."""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

OTHERS = ("--hawksoft", "7:360:260", "--qq-catalyst", "360:140", "--mycase", "360:120")
"""The flags of a sandbox with a small agency of each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the body, as JSON where it is."""

    status: int
    headers: dict[str, str]
    body: Any


def send(
    url: str, *, query: dict[str, Any] | None = None, basic: str | None = None, bearer: str | None = None,
    form: dict[str, str] | None = None, body: Any = None, method: str | None = None,
) -> Answer:  # fmt: skip
    """One request."""
    headers: dict[str, str] = {}
    if basic:
        headers["Authorization"] = f"Basic {b64encode(basic.encode()).decode()}"
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    data = None
    if form is not None:
        data, headers["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    asked = urllib.request.Request(
        f"{url}?{urlencode(query)}" if query else url, data=data, headers=headers, method=method
    )
    try:
        with _OPENER.open(asked, timeout=20) as answer:
            return _answer(answer.status, answer)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error)


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_StayHere)


def _answer(status: int, answer: Any) -> Answer:
    said = answer.read()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(status, headers, json.loads(said) if "json" in headers.get("content-type", "") else said.decode())
