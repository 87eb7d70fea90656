"""The control API beside the service, as JSON under `/sandbox/benefitpoint/`.

| request | answer |
|---|---|
| GET stats, POST reset-stats | what was asked of the service |
| GET faults, POST faults | the switches: those of `Faults.switch`, `expire_sessions: true`, `session_calls: N`, `denied: [operation]`, `wsdl_address: host | internal`, `split_wsdl: true` |
| POST edit | insert, update or delete a record as a person there would: `{entity, op, key, fields, at}` |
| POST connect | `{connected: true}`: a new account is made a customer of the AMS360 beside it, too |
| GET state/KIND, state/KIND/KEY | records as they are |
| GET writes | the calls that changed something, in order |

Kinds: accounts, contacts, products, users, offices, carriers, product_types. An update merges what it is given, deeply;
null clears.
"""  # noqa: E501

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from ams_etl.sandbox.benefitpoint.book import TYPES, Book, Record
from ams_etl.sandbox.benefitpoint.operations import BrokerOperations
from ams_etl.sandbox.benefitpoint.sessions import Sessions
from ams_etl.sandbox.faults import Faults
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.contract import Contract
from ams_etl.sandbox.stats import Stats


class Control:
    """Answers control requests.

    Args:
        book: the records.
        contract: what members a record may have.
        names: every operation that a switch may name.
        operations: the service and its log.
        sessions: who is logged in.
        faults: what can go wrong.
        stats: what was asked.
        connection: makes a customer of an account, or None where no AMS360 is beside.
    """

    def __init__(
        self, book: Book, contract: Contract, names: frozenset[str], operations: BrokerOperations, sessions: Sessions,
        faults: Faults, stats: Stats, connection: Callable[[Record], None] | None,
    ) -> None:  # fmt: skip
        self._book, self._contract, self._names, self._operations = book, contract, names, operations
        self._sessions, self._faults, self._stats, self._connection = sessions, faults, stats, connection
        self.wsdl_address = "host"
        self.is_wsdl_split = False
        """Which address the WSDLs carry: the one they are fetched from, or an internal host that nobody can reach."""
        self._common = next(name for name in contract.types if name.endswith("}Account")).rpartition("}")[0] + "}"

    def answer(self, request: Request, path: str) -> Response:
        """One request; `path` is what comes after `/sandbox/benefitpoint/`."""
        try:
            given = json.loads(request.body) if request.body else {}
            return _json(200, self._answer(request.method, [unquote(part) for part in path.split("/")], given))
        except LookupError as error:
            return _json(404, {"error": f"{type(error).__name__}: {error}"})
        except (ValueError, TypeError, AttributeError) as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    def switch(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Set switches by name; those that are not named stay as they are. Returns all of them."""
        given = dict(settings)
        if given.get("off"):
            self._operations.denied, self._sessions.calls_per_session = frozenset(), None
        if given.pop("expire_sessions", False):
            self._sessions.expire_all()
        if "session_calls" in given:
            self._sessions.calls_per_session = given.pop("session_calls")
        if given.get("off"):
            self.wsdl_address = "host"
            self.is_wsdl_split = False
        if "split_wsdl" in given:
            self.is_wsdl_split = bool(given.pop("split_wsdl"))
        if "wsdl_address" in given:
            self.wsdl_address = given.pop("wsdl_address")
            if self.wsdl_address not in {"host", "internal"}:
                raise ValueError(self.wsdl_address)
        if "denied" in given:
            self._operations.denied = self._known(given.pop("denied"))
        self._known(given.get("only", ()))
        self._known(given.get("slow_ms", ()))
        self._faults.switch(given)
        return {
            **self._faults.as_dict(), "denied": sorted(self._operations.denied),
            "session_calls": self._sessions.calls_per_session, "wsdl_address": self.wsdl_address, "split_wsdl": self.is_wsdl_split,
        }  # fmt: skip

    def _answer(self, method: str, path: list[str], given: dict[str, Any]) -> Any:
        match (method, *path):
            case ("GET", "stats"):
                self._stats.logins = self._sessions.logins
                return self._stats.as_dict()
            case ("POST", "reset-stats"):
                self._stats.reset()
                self._sessions.logins = 0
                return {}
            case ("GET", "faults"):
                return self.switch({})
            case ("POST", "faults"):
                return self.switch(given)
            case ("POST", "edit"):
                return self._edit(**given)
            case ("POST", "connect"):
                self._book.connected = self._connection if given["connected"] else None
                return {"connected": self._book.connected is not None}
            case ("GET", "writes"):
                return self._operations.writes
            case ("GET", "state", kind):
                return list(self._book.rows[kind].values())
            case ("GET", "state", kind, key):
                return self._book.rows[kind][int(key)]
        raise LookupError("/".join(path))

    def _edit(
        self, *, entity: str, op: str, key: str | None = None, fields: Record | None = None, at: str | None = None
    ) -> dict[str, Any]:
        """Nothing is checked but the members' names and their types."""
        number = int(key) if key is not None else 0
        if op == "delete":
            return {"deleted": self._book.remove(entity, number, at)}
        changes = self._known_members(self._common + TYPES[entity], fields or {})
        if op == "insert":
            return {"key": str(self._book.add(entity, changes, at))}
        if op != "update":
            raise ValueError(op)
        self._book.replace(entity, _merged(self._book.rows[entity][number], changes), at)
        return {"key": key}

    def _known(self, names: Any) -> frozenset[str]:
        unknown = frozenset(names) - self._names
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        return frozenset(names)

    def _known_members(self, type_name: str, fields: Record) -> Record:
        members = {member.name: member for member in self._contract.types[type_name]}
        for name, value in fields.items():
            member = members[name]
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    self._known_members(member.type_name, item)
                elif item is not None and member.type_name in self._contract.types:
                    raise TypeError(f"{name}: expected a record")
        return fields


def _merged(before: Record, changes: Record) -> Record:
    merged = dict(before)
    for name, value in changes.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _json(status: int, value: Any) -> Response:
    return Response(status, json.dumps(value, default=str).encode(), "application/json")
