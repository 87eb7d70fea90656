"""QQ Catalyst's API as far as a sync asks it: an hour's token, date windows in pages, account information one by one.

Switches: `expire_tokens: true` (now), `token_calls: N` (a token's life), `grant: password | password_credentials`,
`refused: true` (403), `account_moves_contact: bool` (whether a change of agent or CSR moves the contact's
DateLastModified, which is undocumented), `large_pages: cap | refuse` (a pageSize over 500), `soft_errors: {operation: header |
body}` (an error with status 200), `us_dates: bool` (`5/4/2013 9:12:00 AM` instead of ISO).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from ams_etl.sandbox.http import Response
from ams_etl.sandbox.rest.book import Book, Record
from ams_etl.sandbox.rest.messages import Asked, RefusedError, answer
from ams_etl.sandbox.rest.tokens import Tokens

MAX_PAGE = 500
_WINDOWS = {("Contacts", "LastModifiedCreated"): "contacts", ("Policies", "LastModifiedCreated"): "policies"}
_KEYS = {"contacts": "EntityID", "account_infos": "CustomerID", "policies": "PolicyId"}


class QQCatalyst:
    """One agency's QQ Catalyst.

    Args:
        book: its records.
        username, password: the agency's login.
        client_id, client_secret: the vendor's.
    """

    NAME: ClassVar[str] = "qq_catalyst"
    KINDS: ClassVar[frozenset[str]] = frozenset(_KEYS)
    SPARED: ClassVar[frozenset[str]] = frozenset({"Token"})

    def __init__(self, book: Book, username: str, password: str, client_id: str, client_secret: str) -> None:
        self.book = book
        self._login = {
            "username": username, "password": password, "client_id": client_id, "client_secret": client_secret,
        }  # fmt: skip
        self._tokens = Tokens(3600)
        self._grant, self._refused, self._account_moves_contact = "password", False, True
        self._large_pages, self._us_dates = "cap", False
        self._soft_errors: dict[str, str] = {}

    def operation_of(self, asked: Asked) -> str:
        """Token, Contacts, Policies, AccountInfo or Ping."""
        match (asked.method, *asked.path):
            case ("POST", "oauth", "token"):
                return "Token"
            case ("GET", "v1", "Contacts", "LastModifiedCreated"):
                return "Contacts"
            case ("GET", "v1", "Policies", "LastModifiedCreated"):
                return "Policies"
            case ("GET", "v1", "Contacts", _, "AccountInfo"):
                return "AccountInfo"
            case ("GET", "v1", "BusinessLogic", "Ping"):
                return "Ping"
        return "?"

    def error(self, status: int, said: str) -> Response:
        """An envelope that says so."""
        return answer(
            {"IsSuccess": False, "ErrorCode": str(status), "ErrorMessage": said, "DisplayMessage": said, "Data": None},
            status,
        )

    def answer(self, asked: Asked, operation: str) -> Response:
        """Give a token, or check it and answer."""
        if operation == "Token":
            return self._token(asked)
        if not self._tokens.accepts(asked.bearer):
            raise RefusedError(self.error(401, "Authorization has been denied for this request."))
        if self._refused:
            raise RefusedError(self.error(403, "The agency has not granted this application access."))
        if operation == "?":
            raise RefusedError(self.error(404, "No HTTP resource was found."))
        if operation in self._soft_errors:
            return self._soft_error(self._soft_errors[operation])
        if operation == "Ping":
            return answer("pong")
        if operation == "AccountInfo":
            found = self.book.get("account_infos", asked.path[2])
            if found is None:
                raise RefusedError(self.error(404, "The contact was not found."))
            return answer(self._written(found))
        return self._window(asked.query, _WINDOWS[asked.path[1], asked.path[2]])

    def _token(self, asked: Asked) -> Response:
        given = asked.form()
        if given is None or given.get("grant_type") != self._grant:
            return answer({"error": "unsupported_grant_type"}, 400)
        if any(given.get(name) != value for name, value in self._login.items()):
            return answer({"error": "invalid_grant"}, 400)
        return answer(
            {
                "access_token": self._tokens.issue(),
                "token_type": "Bearer",
                "expires_in": int(self._tokens.lifetime_seconds),
            }
        )

    def _window(self, query: Mapping[str, str], kind: str) -> Response:
        try:
            start, end = _day(query["startDate"]), _day(query["endDate"])
            page, size = int(query.get("pageNumber", "1")), int(query["pageSize"])
        except (KeyError, ValueError):
            raise RefusedError(self.error(400, "startDate, endDate and pageSize are required.")) from None
        if page < 1 or size < 1 or (size > MAX_PAGE and self._large_pages == "refuse"):
            raise RefusedError(self.error(400, f"pageNumber begins with 1, pageSize is 1 to {MAX_PAGE}."))
        size = min(size, MAX_PAGE)
        rows = [
            row for key, row in self.book.all_of(kind).items() if start <= self.book.changed_at(kind, key).date() <= end
        ]
        shown = rows[(page - 1) * size : page * size]
        return answer({
            "Data": [self._written(row) for row in shown],
            "PageNumber": page, "PagesTotal": -(-len(rows) // size), "TotalItems": len(rows),
            "IsSuccess": True, "ErrorCode": None, "ErrorMessage": None, "DisplayMessage": None, "Links": [], "Href": "",
        })  # fmt: skip

    @staticmethod
    def _soft_error(kind: str) -> Response:
        if kind == "header":
            return answer({}, QQ_Error_Message="An error has occurred.")
        return answer(
            {"IsSuccess": "false", "ErrorCode": "500", "ErrorMessage": "An error has occurred.", "Data": None}
        )

    def _written(self, record: Record) -> Record:
        if not self._us_dates:
            return record
        return {name: _us_date(value) for name, value in record.items()}

    def edit(self, kind: str, op: str, key: str | None, fields: Record) -> str:
        """A contact is deleted by its Status `D`; a change of its account moves the contact, unless switched off."""
        before = self.book.get(kind, key or "")
        if op == "update" and before is None:
            raise KeyError(key)
        key = key or str(self.book.next_id(kind))
        record = {**(before or {_KEYS[kind]: int(key), "Status": "A"}), **fields}
        at = self.book.put(kind, key, record)
        if kind != "account_infos":
            record["DateLastModified"] = at.replace(tzinfo=None).isoformat(timespec="milliseconds")
        elif self._account_moves_contact and self.book.get("contacts", key):
            self.book.touch("contacts", key)
        return key

    def switch(self, given: dict[str, Any]) -> None:
        """`expire_tokens`, `token_calls`, `grant`, `refused`, `account_moves_contact`."""
        if given.get("off"):
            self._grant, self._refused, self._account_moves_contact = "password", False, True
            self._large_pages, self._us_dates, self._soft_errors = "cap", False, {}
            self._tokens.calls_per_token = None
        if given.pop("expire_tokens", False):
            self._tokens.expire_all()
        if "token_calls" in given:
            self._tokens.calls_per_token = given.pop("token_calls")
        self._large_pages = given.pop("large_pages", self._large_pages)
        self._us_dates = given.pop("us_dates", self._us_dates)
        self._soft_errors = dict(given.pop("soft_errors", self._soft_errors))
        self._grant = given.pop("grant", self._grant)
        self._refused = given.pop("refused", self._refused)
        self._account_moves_contact = given.pop("account_moves_contact", self._account_moves_contact)

    def switches(self) -> dict[str, Any]:
        """As `switch` takes them."""
        return {
            "token_calls": self._tokens.calls_per_token, "grant": self._grant, "refused": self._refused,
            "account_moves_contact": self._account_moves_contact, "large_pages": self._large_pages,
            "us_dates": self._us_dates, "soft_errors": self._soft_errors,
        }  # fmt: skip


def _us_date(value: Any) -> Any:
    if not isinstance(value, str) or value[4:5] != "-" or value[10:11] != "T":
        return value
    at = datetime.fromisoformat(value)
    return f"{at.month}/{at.day}/{at:%Y} {at.hour % 12 or 12}:{at:%M:%S %p}"


def _day(given: str) -> date:
    year, month, day = (int(part) for part in given.split("-"))
    return date(year, month, day)
