"""The control API beside the service: what a test or a person asks of the sandbox, as JSON under `/sandbox/`.

| request | answer |
|---|---|
| GET stats, POST reset-stats | what was asked of the service |
| GET faults, POST faults | the switches: those of `Faults.switch`, and the ones below |
| POST edit | insert, update or delete a record as a person in AMS360 would: `{entity, op, key, fields, agency}` |
| POST merge | merge a customer into another one, as a person does with AMS360's Merge tool: `{duplicate, into, people, agency}` |
| GET customers | every customer's [CustomerId, CustomerNumber] |
| GET state/KIND, state/KIND/KEY, state/KIND?customer=ID | records as they are |
| GET writes | the calls that changed something, in order: operation, customer, members written, ids given |
| GET notifications, PUT notifications | how edits are notified, and what was sent and lost: the members of `Delivery` |
| GET drift, PUT drift | `{per_minute: N}`: edits by itself |

An agency other than the first is named by `?agency=ID`. Switches of AMS360's own, beside those of every sandbox:
`expire_tickets: true` (now), `ticket_calls: N` (a ticket's life), `denied: [operation]` (rights), `refuse: [operation]`
(business faults), `vanish: [id]` (deleted once a list has shown it), `empty_prefix: fault | all | none`, `row_limit: N`,
`gzip: true` (compressed answers), `us_dates: true` (`5/4/2013 12:00:00 AM` instead of ISO).
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

from ams_etl.sandbox.ams360.agency import KEYS, TYPES, Agency, Record, key_of
from ams_etl.sandbox.ams360.notifications.drift import Drift
from ams_etl.sandbox.ams360.notifications.sender import NotificationSender
from ams_etl.sandbox.ams360.operations import Ams360Operations
from ams_etl.sandbox.ams360.refusals import DATA
from ams_etl.sandbox.ams360.sessions import Sessions
from ams_etl.sandbox.faults import Faults
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.contract import Contract
from ams_etl.sandbox.soap.scalars import XSD, read_scalar
from ams_etl.sandbox.stats import Stats

T = TypeVar("T")


_MERGED = ("policies", "suspenses", "activities", "notes")
_PEOPLE = ("customer_contacts", "customer_dependents")
"""What AMS360's Merge tool moves: the first always, the others where the person at the screen ticks them."""


class Control:
    """Answers control requests.

    Args:
        agencies: by their short id; the first is meant when none is named.
        contract: what members a record may have.
        operations: the service, its habits and its log.
        sessions: tickets and rights.
        faults: what can go wrong.
        stats: what was asked.
        senders: of notifications, by agency.
        drifts: what edits an agency by itself, by agency.
    """

    def __init__(
        self, agencies: Mapping[str, Agency], contract: Contract, operations: Ams360Operations, sessions: Sessions,
        faults: Faults, stats: Stats, senders: Mapping[str, NotificationSender], drifts: Mapping[str, Drift],
    ) -> None:  # fmt: skip
        self._agencies, self._contract = agencies, contract
        self._operations, self._sessions, self._faults, self._stats = operations, sessions, faults, stats
        self._senders, self._drifts = senders, drifts

    def answer(self, request: Request, path: str, query: str) -> Response:
        """One request; `path` is what comes after `/sandbox/`."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        try:
            given = _object(request.body)
            return _json(200, self._answer(request.method, [unquote(part) for part in path.split("/")], asked, given))
        except LookupError as error:
            return _json(
                404 if isinstance(error, _UnknownError) else 400, {"error": f"{type(error).__name__}: {error}"}
            )
        except (ValueError, TypeError, AttributeError) as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    def switch(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Set switches by name; those that are not named stay as they are. Returns all of them."""
        given = dict(settings)
        habits, sessions = self._operations.habits, self._sessions
        if given.get("off"):
            sessions.denied, sessions.calls_per_ticket, sessions.one_session = frozenset(), None, False
            self._operations.refused = frozenset()
            habits.empty_prefix, habits.row_limit = "fault", None
            habits.gzip = habits.us_dates = False
            habits.vanishing.clear()
        if given.pop("expire_tickets", False):
            sessions.expire_all()
        if "denied" in given:
            sessions.denied = self._known_operations(given.pop("denied"))
        if "refuse" in given:
            self._operations.refused = self._known_operations(given.pop("refuse"))
        if "ticket_calls" in given:
            sessions.calls_per_ticket = given.pop("ticket_calls")
        sessions.one_session = given.pop("one_session", sessions.one_session)
        if "empty_prefix" in given:
            habits.empty_prefix = given.pop("empty_prefix")
        habits.gzip, habits.us_dates = given.pop("gzip", habits.gzip), given.pop("us_dates", habits.us_dates)
        if "row_limit" in given:
            habits.row_limit = given.pop("row_limit")
        if "vanish" in given:
            habits.vanishing.update(given.pop("vanish"))
        self._known_operations(given.get("only", ()))
        self._known_operations(given.get("slow_ms", ()))
        self._faults.switch(given)
        return self._switches()

    def _answer(self, method: str, path: list[str], asked: Mapping[str, str], given: dict[str, Any]) -> Any:
        match (method, *path):
            case ("GET", "stats"):
                self._stats.logins = self._operations.logins
                return self._stats.as_dict()
            case ("POST", "reset-stats"):
                self._stats.reset()
                self._operations.logins = 0
                return {}
            case ("GET", "faults"):
                return self._switches()
            case ("POST", "faults"):
                return self.switch(given)
            case ("POST", "edit"):
                return self._edit(**given)
            case ("POST", "merge"):
                return self._merge(**given)
            case ("GET", "customers"):
                rows = self._agency(asked.get("agency")).customers.items()
                return [[key, customer["CustomerNumber"]] for key, customer in rows]
            case ("GET", "writes"):
                return self._operations.writes
            case ("GET" | "PUT", "notifications"):
                return self._notifications(method, self._of(self._senders, asked.get("agency")), given)
            case ("GET" | "PUT", "drift"):
                return self._drift(method, self._of(self._drifts, asked.get("agency")), given)
            case ("GET", "state", kind, *rest) if kind in KEYS:
                return self._state(self._agency(asked.get("agency")), kind, "/".join(rest), asked.get("customer"))
        raise _UnknownError("/".join(path))

    @staticmethod
    def _notifications(method: str, sender: NotificationSender, given: dict[str, Any]) -> dict[str, Any]:
        if method == "PUT":
            sender.configure(**given)
        return sender.as_dict()

    @staticmethod
    def _drift(method: str, drift: Drift, given: dict[str, Any]) -> dict[str, Any]:
        if method == "PUT":
            drift.configure(**given)
        return {"per_minute": drift.per_minute, "made": drift.made}

    def _state(self, agency: Agency, kind: str, key: str, customer: str | None) -> Any:
        if key:
            found = agency.get(kind, key)
            if found is None:
                raise _UnknownError(key)
            return found
        return agency.all_of(kind) if customer is None else agency.under(kind, customer)

    def _switches(self) -> dict[str, Any]:
        habits = self._operations.habits
        return {
            **self._faults.as_dict(), "denied": sorted(self._sessions.denied),
            "refuse": sorted(self._operations.refused),
            "ticket_calls": self._sessions.calls_per_ticket, "one_session": self._sessions.one_session,
            "empty_prefix": habits.empty_prefix,
            "row_limit": habits.row_limit, "gzip": habits.gzip, "us_dates": habits.us_dates, "vanish": sorted(habits.vanishing),
        }  # fmt: skip

    def _known_operations(self, names: Any) -> frozenset[str]:
        unknown = frozenset(names) - self._contract.operations.keys()
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        return frozenset(names)

    def _edit(
        self, *, entity: str, op: str, key: str | None = None, fields: Record | None = None, agency: str | None = None
    ) -> dict[str, Any]:
        """Insert, update (the fields given; null clears) or delete a record; nothing is checked but the types."""
        where = self._agency(agency)
        if op == "delete":
            return {"deleted": where.remove(entity, key or "")}
        if op not in {"insert", "update"}:
            raise ValueError(op)
        before = where.get(entity, key or "") if op == "update" else None
        if op == "update" and before is None:
            raise _UnknownError(key)
        record = {**(before or {}), **self._typed(f"{DATA}{TYPES[entity]}", fields or {})}
        if op == "insert" and len(KEYS[entity]) == 1:
            record.setdefault(KEYS[entity][0], key or where.new_id())
        if op == "insert" and entity == "customers" and "CustomerNumber" not in record:
            record["CustomerNumber"] = self._operations.directory(where).next_number()
        if entity not in {"customers", "employees"} and record["CustomerId"] not in where.customers:
            raise KeyError(record["CustomerId"])
        if op == "update" and key_of(entity, record) != key:
            raise ValueError("an update cannot change the key")
        where.put(entity, record)
        return {"key": key_of(entity, record)}

    def _merge(self, *, duplicate: str, into: str, people: bool = False, agency: str | None = None) -> dict[str, Any]:
        """Merge a customer into another one, as a person does with AMS360's Merge tool.

        Its policies, suspenses, activities and notes move, its people too where `people` is true; the rest goes with it.
        """
        where = self._agency(agency)
        if duplicate not in where.customers or into not in where.customers or duplicate == into:
            raise _UnknownError(f"{duplicate}, {into}")
        moved = dict.fromkeys((*_MERGED, *(_PEOPLE if people else ())), 0)
        for kind in moved:
            for record in where.under(kind, duplicate):
                where.put(kind, {**record, "CustomerId": into})
                moved[kind] += 1
        where.remove("customers", duplicate)
        return {"moved": moved}

    def _typed(self, type_name: str, fields: Record) -> Record:
        members = {member.name: member for member in self._contract.types[type_name]}
        typed: Record = {}
        for name, value in fields.items():
            member = members[name]
            if value is None:
                typed[name] = None
            elif isinstance(value, dict):
                typed[name] = self._typed(member.type_name, value)
            elif member.repeated:
                typed[name] = [self._typed(member.type_name, item) for item in value]
            else:
                text = str(value).lower() if member.type_name == f"{XSD}boolean" else str(value)
                typed[name] = text if member.type_name == f"{XSD}string" else read_scalar(member.type_name, text)
        return typed

    def _agency(self, agency: str | None) -> Agency:
        return self._of(self._agencies, agency)

    @staticmethod
    def _of(by_agency: Mapping[str, T], agency: str | None) -> T:
        """The one of an agency; the first where none is named."""
        if agency is None:
            return next(iter(by_agency.values()))
        if agency not in by_agency:
            raise _UnknownError(agency)
        return by_agency[agency]


class _UnknownError(LookupError):
    """There is nothing by this name."""


def _object(body: bytes) -> dict[str, Any]:
    given = json.loads(body) if body else {}
    if not isinstance(given, dict):
        raise TypeError("expected a JSON object")
    return given


def _json(status: int, value: Any) -> Response:
    return Response(status, json.dumps(value, default=str).encode(), "application/json")
