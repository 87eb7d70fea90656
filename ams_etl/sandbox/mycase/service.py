"""MyCase's API as far as a sync asks it: rotating tokens, pages by Link, a limit of calls a second.

Switches: `expire_tokens: true` (now), `token_calls: N` (a token's life), `calls_per_second: N` (25), `forbidden: true`
(403), `staff_moves_case: bool` (whether a change of a case's staff alone moves its `updated_at`),
`relative_links: bool` (the Link header's next page without a server, after a Link header for the last one).
"""

import json
import secrets
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from ams_etl.sandbox.http import Response
from ams_etl.sandbox.rest.book import Book, Record
from ams_etl.sandbox.rest.messages import Asked, RefusedError, answer, moment, stamp
from ams_etl.sandbox.rest.tokens import Tokens

MAX_PAGE = 1000
KINDS = frozenset({"cases", "clients", "companies", "staff"})
_NESTED = ("clients", "companies", "cases", "people_group")


class MyCase:
    """One firm's MyCase.

    Args:
        book: its records.
        client_id, client_secret: the vendor's.
        redirect_uri: where the code goes, as registered.
        code: an authorisation code that a person of the firm has already granted; good once.
    """

    NAME: ClassVar[str] = "mycase"
    KINDS: ClassVar[frozenset[str]] = KINDS
    SPARED: ClassVar[frozenset[str]] = frozenset({"Token", "Authorize"})

    def __init__(self, book: Book, client_id: str, client_secret: str, redirect_uri: str, code: str) -> None:
        self.book = book
        self._client, self._redirect_uri = (client_id, client_secret), redirect_uri
        self._codes, self._refresh_tokens = {code}, set[str]()
        self._tokens = Tokens(86400)
        self._pages: dict[str, tuple[str, list[str], dict[str, str]]] = {}
        self._begun: deque[float] = deque()
        self._calls_per_second, self._forbidden, self._staff_moves_case = 25, False, True
        self._relative_links = False
        self._subscriptions: dict[int, Record] = {}

    def operation_of(self, asked: Asked) -> str:
        """Token, Authorize, Cases, Case, Clients, Client and so on, Subscriptions."""
        match (asked.method, *asked.path):
            case ("GET", "login_sessions", "new"):
                return "Authorize"
            case ("POST", "tokens"):
                return "Token"
            case ("GET", "v1", kind) if kind in KINDS:
                return kind.capitalize()
            case ("GET", "v1", kind, _) if kind in KINDS:
                return kind.capitalize().removesuffix("s")
            case ("GET", "v1", "clients", _, "cases"):
                return "ClientCases"
            case (_, "v1", "webhooks", "subscriptions", *_rest):
                return "Subscriptions"
        return "?"

    def error(self, status: int, said: str) -> Response:
        """Every refusal is a list of errors."""
        return answer({"errors": [{"description": said, "source": {"pointer": "/"}}]}, status)

    def answer(self, asked: Asked, operation: str) -> Response:
        """Give tokens, or check them and the pace and answer."""
        if operation == "Authorize":
            return self._authorize(asked.query)
        if operation == "Token":
            return self._token(asked)
        self._count_call()
        if not self._tokens.accepts(asked.bearer):
            raise RefusedError(self.error(401, "The access token is invalid or expired"))
        if self._forbidden:
            raise RefusedError(self.error(403, "You do not have permission to manage the firm's preferences"))
        if operation == "?":
            raise RefusedError(self.error(404, "Not found"))
        if operation == "Subscriptions":
            return self._subscription(asked)
        kind = asked.path[1]
        if len(asked.path) == 2:
            return self._list(asked, kind)
        found = self.book.get(kind, asked.path[2])
        if found is None:
            raise RefusedError(self.error(404, f"Couldn't find the record with 'id'={asked.path[2]}"))
        if operation == "ClientCases":
            keys = [key for key, case in self.book.all_of("cases").items() if found["id"] in _ids(case.get("clients"))]
            return self._list(asked, "cases", keys)
        return answer(_shown(found, asked.query))

    def _count_call(self) -> None:
        now = time.monotonic()
        while self._begun and self._begun[0] <= now - 1:
            self._begun.popleft()
        if len(self._begun) >= self._calls_per_second:
            refusal = self.error(429, "Too many requests")
            raise RefusedError(Response(429, refusal.body, refusal.content_type, {"Retry-After": "1"}))
        self._begun.append(now)

    def _authorize(self, query: Mapping[str, str]) -> Response:
        """What the firm's person sees is left out: the code is granted at once and sent where it was registered for."""
        if query.get("client_id") != self._client[0] or query.get("redirect_uri") != self._redirect_uri:
            raise RefusedError(self.error(400, "The client or its redirect address is not known"))
        if query.get("response_type") != "code":
            raise RefusedError(self.error(400, "response_type must be code"))
        code = secrets.token_urlsafe(16)
        self._codes.add(code)
        there = f"{self._redirect_uri}?{urlencode({'code': code, 'state': query.get('state', '')})}"
        return Response(302, b"", "text/plain", {"Location": there})

    def _token(self, asked: Asked) -> Response:
        given = asked.form() or asked.json()
        if not isinstance(given, dict):
            raise RefusedError(self.error(400, "expected a JSON or form-encoded body"))
        if (given.get("client_id"), given.get("client_secret")) != self._client:
            raise RefusedError(self.error(401, "The client is not known"))
        grant = given.get("grant_type")
        if grant == "authorization_code":
            if given.get("code") not in self._codes or given.get("redirect_uri") != self._redirect_uri:
                raise RefusedError(self.error(400, "invalid_grant"))
            self._codes.discard(str(given["code"]))
        elif grant == "refresh_token":
            # Good once: whoever renews twice with one is locked out.
            if given.get("refresh_token") not in self._refresh_tokens:
                raise RefusedError(self.error(400, "invalid_grant"))
            self._refresh_tokens.discard(str(given["refresh_token"]))
        else:
            raise RefusedError(self.error(400, "unsupported_grant_type"))
        refresh = secrets.token_urlsafe(32)
        self._refresh_tokens.add(refresh)
        return answer({
            "access_token": self._tokens.issue(), "token_type": "Bearer", "scope": "", "refresh_token": refresh,
            "expires_in": int(self._tokens.lifetime_seconds), "firm_uuid": "00000000-0000-4000-8000-000000000001",
        })  # fmt: skip

    def _list(self, asked: Asked, kind: str, among: list[str] | None = None) -> Response:
        """Return one page of a kind's records, or of those among some."""
        query = dict(asked.query)
        try:
            size = int(query.get("page_size", "25"))
            since = moment(query["filter[updated_after]"]) if "filter[updated_after]" in query else None
        except ValueError:
            raise RefusedError(self.error(400, "page_size or filter[updated_after] is malformed")) from None
        if not 1 <= size <= MAX_PAGE:
            raise RefusedError(self.error(422, f"page_size must be 1 to {MAX_PAGE}"))
        token = query.get("page_token")
        if token is None:
            records = self.book.all_of(kind)
            keys = [
                key
                for key in (records if among is None else among)
                if (since is None or self.book.changed_at(kind, key) > since) and _matches(records[key], query)
            ]
        elif token in self._pages and self._pages[token][0] == kind:
            _, keys, query = self._pages[token]
        else:
            raise RefusedError(self.error(400, "page_token is not known"))
        everything = self.book.all_of(kind)
        total = int(query.setdefault("total", str(len(keys))))
        body = json.dumps([_shown(everything[key], query) for key in keys[:size] if key in everything]).encode()
        headers = {"Item-Count": str(total)}
        if len(keys) > size:
            following = secrets.token_urlsafe(24)
            self._pages[following] = (kind, keys[size:], query)
            shown = {name: value for name, value in asked.query.items() if name != "page_token"}
            where = "" if self._relative_links else f"{asked.base}/{'/'.join(asked.path)}"
            headers["Link"] = f'<{where}?{urlencode({**shown, "page_token": following})}>; rel="next"'
            if self._relative_links:
                headers["Link"] = f'<?page_token=last>; rel="last"\r\nLink: {headers["Link"]}'
        return Response(200, body, "application/json; charset=utf-8", headers)

    def _subscription(self, asked: Asked) -> Response:
        match (asked.method, *asked.path[3:]):
            case ("GET",):
                return answer(list(self._subscriptions.values()))
            case ("POST",):
                given = asked.json()
                if not isinstance(given, dict) or {"model", "url", "actions"} - given.keys():
                    raise RefusedError(self.error(422, "model, url and actions are required"))
                key = len(self._subscriptions) + 1
                self._subscriptions[key] = {"id": key, **given}
                return answer(self._subscriptions[key], 201)
            case ("DELETE", key) if key.isdigit() and int(key) in self._subscriptions:
                del self._subscriptions[int(key)]
                return Response(204)
        raise RefusedError(self.error(404, "Not found"))

    def edit(self, kind: str, op: str, key: str | None, fields: Record) -> str:
        """A change of `staff` alone moves the case, unless switched off."""
        before = self.book.get(kind, key or "")
        if op == "update" and before is None:
            raise KeyError(key)
        key = key or str(self.book.next_id(kind))
        record = {**(before or {"id": int(key)}), **fields}
        if before is not None and set(fields) == {"staff"} and not self._staff_moves_case:
            before.update(fields)
            return key
        record["updated_at"] = stamp(self.book.put(kind, key, record))
        record.setdefault("created_at", record["updated_at"])
        return key

    def switch(self, given: dict[str, Any]) -> None:
        """`expire_tokens`, `token_calls`, `calls_per_second`, `forbidden`, `staff_moves_case`."""
        if given.get("off"):
            self._calls_per_second, self._forbidden, self._staff_moves_case = 25, False, True
            self._relative_links = False
            self._tokens.calls_per_token = None
        if given.pop("expire_tokens", False):
            self._tokens.expire_all()
        if "token_calls" in given:
            self._tokens.calls_per_token = given.pop("token_calls")
        self._calls_per_second = given.pop("calls_per_second", self._calls_per_second)
        self._relative_links = given.pop("relative_links", self._relative_links)
        self._forbidden = given.pop("forbidden", self._forbidden)
        self._staff_moves_case = given.pop("staff_moves_case", self._staff_moves_case)

    def switches(self) -> dict[str, Any]:
        """As `switch` takes them."""
        return {
            "token_calls": self._tokens.calls_per_token, "calls_per_second": self._calls_per_second,
            "forbidden": self._forbidden, "staff_moves_case": self._staff_moves_case,
            "relative_links": self._relative_links,
        }  # fmt: skip


_FILTERS = ("status", "email", "name", "first_name", "last_name", "cell_phone_number")


def _matches(record: Record, query: Mapping[str, str]) -> bool:
    """Whether a record fits the filters; without case, whole values."""
    wanted = {name: query[f"filter[{name}]"] for name in _FILTERS if f"filter[{name}]" in query}
    # A person has no member `name`: it is the given and the family name.
    person = " ".join(str(record[part]) for part in ("first_name", "last_name") if record.get(part))
    of_person = {"name": person} if "first_name" in record else {}
    return all(
        str({**record, **of_person}.get(name) or "").casefold() == value.casefold() for name, value in wanted.items()
    )


def _ids(given: Any) -> set[Any]:
    return {record.get("id") for record in given or ()}


def _shown(record: Record, query: Mapping[str, str]) -> Record:
    """Nested records show their id alone, unless `field[...]` widens them; staff of a case shows its flags."""
    shown = dict(record)
    for name in _NESTED:
        nested = shown.get(name)
        if f"field[{name.removesuffix('s')}]" not in query and nested:
            shown[name] = (
                [{"id": record["id"]} for record in nested] if isinstance(nested, list) else {"id": nested["id"]}
            )
    return shown
