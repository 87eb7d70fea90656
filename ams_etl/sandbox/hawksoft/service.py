"""HawkSoft's Partner API as far as a sync asks it: strict about authorisation, version, paths and the bulk limit.

Without `version=3.0` or `4.0` the real service would answer in its older shape; this one refuses, so that no call forgets it.
Switches: `opted_out: [agency]` (403), `empty: "204" | "text"` (how an empty list of agencies or clients is answered).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from ams_etl.sandbox.http import Response
from ams_etl.sandbox.rest.book import Book, Record
from ams_etl.sandbox.rest.messages import Asked, RefusedError, answer, moment, stamp, text

MAX_BULK = 200
_VERSIONS = frozenset({"3.0", "4.0"})
"""4.0 is used by live clients, in the shape of 3.0."""
_PARTS = frozenset({"details", "people", "contacts", "claims", "policies", "invoices"})
_BY_DEFAULT = frozenset({"details", "people", "contacts"})


class HawkSoft:
    """One vendor's view of one agency.

    Args:
        book: the agency's records.
        agency_id: its number.
        client_id: the vendor's name.
        client_secret: the vendor's secret.
    """

    NAME: ClassVar[str] = "hawksoft"
    KINDS: ClassVar[frozenset[str]] = frozenset({"clients", "offices"})
    SPARED: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, book: Book, agency_id: int, client_id: str, client_secret: str) -> None:
        self.book, self._agency_id, self._login = book, agency_id, (client_id, client_secret)
        self._opted_out: set[int] = set()
        self._empty = "list"

    def operation_of(self, asked: Asked) -> str:
        """Agencies, Offices, ChangedClients, Client or Clients."""
        match (asked.method, *asked.path):
            case ("GET", "vendor", "agencies"):
                return "Agencies"
            case ("GET", "vendor", "agency", _, "offices"):
                return "Offices"
            case ("GET", "vendor", "agency", _, "clients"):
                return "ChangedClients"
            case ("POST", "vendor", "agency", _, "clients"):
                return "Clients"
            case ("GET", "vendor", "agency", _, "client", _):
                return "Client"
        return "?"

    def error(self, status: int, said: str) -> Response:
        """Refusals are plain text."""
        return text(said, status)

    def answer(self, asked: Asked, operation: str) -> Response:
        """Check who asks, then answer."""
        if asked.basic != self._login:
            raise RefusedError(self.error(401, "The provided credentials are invalid"))
        if operation == "?":
            raise RefusedError(self.error(404, "Not found"))
        if asked.query.get("version") not in _VERSIONS:
            raise RefusedError(self.error(400, "The version is missing or not supported"))
        if operation == "Agencies":
            return self._listing([self._agency_id] if self._agency_id not in self._opted_out else [])
        if asked.path[2] != str(self._agency_id) or self._agency_id in self._opted_out:
            raise RefusedError(self.error(403, "The agency is not available to this vendor"))
        if operation == "Offices":
            return answer(list(self.book.all_of("offices").values()))
        if operation == "ChangedClients":
            return self._listing(self._changed(asked.query))
        wanted = self._parts(asked.query.get("include"))
        if operation == "Client":
            found = self.book.get("clients", asked.path[4])
            if found is None:
                raise RefusedError(self.error(404, "The client was not found"))
            return answer(_only(found, wanted))
        return answer([_only(found, wanted) for found in self._bulk(asked)])

    def _listing(self, numbers: list[int]) -> Response:
        if numbers or self._empty == "list":
            return answer(numbers)
        return Response(204) if self._empty == "204" else text("There are none available", 200)

    def _changed(self, query: Mapping[str, str]) -> list[int]:
        try:
            since = moment(query["asOf"]) if "asOf" in query else None
        except ValueError:
            raise RefusedError(self.error(400, "asOf is not a date")) from None
        deleted = query.get("deleted", "false").lower()
        if deleted not in {"true", "false"} or not query.get("officeId", "1").isdigit():
            raise RefusedError(self.error(400, "officeId or deleted is not understood"))
        office = int(query["officeId"]) if "officeId" in query else None
        found = [
            key
            for key, client in self.book.all_of("clients").items()
            if (since is None or self.book.changed_at("clients", key) >= since)
            and (office is None or client["details"].get("officeId") == office)
        ]
        if deleted == "true":
            found += self.book.deleted_since("clients", since)
        return [int(key) for key in found]

    def _parts(self, include: str | None) -> frozenset[str]:
        if include is None:
            return _BY_DEFAULT
        parts = frozenset(part.strip().lower() for part in include.split(","))
        if not parts <= _PARTS:
            raise RefusedError(self.error(400, "include names a part that there is not"))
        return parts

    def _bulk(self, asked: Asked) -> list[Record]:
        given = asked.json()
        numbers = given.get("clientNumbers") if isinstance(given, dict) else None
        if (
            not isinstance(numbers, list)
            or not 1 <= len(numbers) <= MAX_BULK
            or not all(type(number) is int for number in numbers)
        ):
            raise RefusedError(self.error(400, f"expected clientNumbers: 1 to {MAX_BULK} client numbers"))
        return [found for number in numbers if (found := self.book.get("clients", str(number)))]

    def edit(self, kind: str, op: str, key: str | None, fields: Record) -> str:
        """Client fields are whole parts, but `details` is changed member by member."""
        before = self.book.get(kind, key or "")
        if op == "update" and before is None:
            raise KeyError(key)
        if kind == "offices":
            key = key or str(self.book.next_id(kind))
            self.book.put(kind, key, {**(before or {"OfficeId": int(key)}), **fields})
            return key
        key = key or str(self.book.next_id(kind))
        empty: Record = {"clientNumber": int(key), "details": {"isPersonal": True, "isCommercial": False}, "people": [],
                 "contacts": [], "claims": [], "policies": []}  # fmt: skip
        record = {**(before or empty), **fields}
        record["details"] = {**(before or empty)["details"], **fields.get("details", {})}
        record["details"]["modified"] = stamp(self.book.put(kind, key, record))
        return key

    def switch(self, given: dict[str, Any]) -> None:
        """`opted_out`, `empty`."""
        if given.get("off"):
            self._opted_out, self._empty = set(), "list"
        if "opted_out" in given:
            self._opted_out = set(given.pop("opted_out"))
        if "empty" in given:
            self._empty = given.pop("empty")

    def switches(self) -> dict[str, Any]:
        """As `switch` takes them."""
        return {"opted_out": sorted(self._opted_out), "empty": self._empty}


def _only(client: Record, parts: frozenset[str]) -> Record:
    return {name: part for name, part in client.items() if name == "clientNumber" or name in parts}
