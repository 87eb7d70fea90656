"""Reading and answering the writeback cases in `cases/writeback/*.yaml`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from ams_etl.rules.writeback.activities import actions_that_are_written, activity_action, employee_code
from ams_etl.rules.writeback.certainty import after_loss
from ams_etl.rules.writeback.customers import CustomerOfContact, customer_of, same_customer
from ams_etl.rules.writeback.ladder import raised
from ams_etl.rules.writeback.model import Employees, Happening, Write
from ams_etl.rules.writeback.properties import differing, left_out
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.rules.writeback.writes import plan_writes

CASES = Path(__file__).parent / "cases" / "writeback"
MARKER = "[#0123456789]"
_ZONE = ZoneInfo("America/Chicago")
_RECORDS = {
    "note": "CustomerNote", "activity": "CustomerActivity", "suspense": "Suspense", "customer": "Customer",
    "update_customer": "Customer", "policy": "Policy",
}  # fmt: skip
"""The name under which the delivery looks for each operation's record."""
_BASE = {"occurred_at": "2026-06-01T18:30:00Z", "actor": {"name": "Ann Lee"}, "link": "https://p.example/1"}
_KEYS = {"name", "rules", "event", "settings", "actions", "employees", "ask", "given", "expect"}


@dataclass(frozen=True)
class Case:
    """One line of a table."""

    title: str
    rules: tuple[str, ...]
    given: Mapping[str, Any]


def load() -> tuple[Case, ...]:
    """Every case."""
    found = []
    for file in sorted(CASES.glob("*.yaml")):
        for given in yaml.safe_load(file.read_text(encoding="utf-8")):
            if set(given) - _KEYS:
                raise ValueError(f"{file.name}: {given['name']}: unknown keys {sorted(set(given) - _KEYS)}")
            found.append(Case(f"{file.stem}: {given['name']}", tuple(given["rules"]), given))
    return tuple(found)


def differences(case: Case) -> list[str]:
    """Where the rules' answer differs from what the case expects; empty when it passes."""
    given = case.given
    if "ask" in given:
        answer = _ask(given["ask"], dict(given["given"]))
        return [] if answer == given["expect"] else [f"{answer!r} instead of {given['expect']!r}"]
    writes = planned(given)
    if len(writes) != len(given["expect"]):
        return [f"{len(writes)} writes instead of {len(given['expect'])}"]
    return [
        f"write {number}: {name} is {found!r} instead of {wanted!r}"
        for number, (write, expected) in enumerate(zip(writes, given["expect"], strict=True))
        for name, wanted, found in _unlike(write, expected)
    ]


def planned(given: Mapping[str, Any]) -> tuple[Write, ...]:
    """What `plan_writes` says to an event."""
    payload = {**_BASE, **given["event"]}
    return plan_writes(
        Happening.from_payload(payload["kind"], payload, _ZONE),
        employees=Employees(**given.get("employees", {})),
        marker=MARKER,
        actions=given.get("actions", {}),
        settings=WritebackSettings(**given.get("settings", {})),
        email=payload.get("contact", {}).get("email"),
    )


def _unlike(write: Write, expected: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    record = next((value for value in write.request.values() if isinstance(value, dict)), {})
    named = _RECORDS.get(write.operation)
    if named is not None and write.request.get(named) is not record:
        yield "the record's name", named, sorted(write.request)
    for name, wanted in expected.items():
        if name == "operation":
            found: Any = write.operation
        elif name == "after":
            found = write.after
        else:
            found = record.get(name, write.request.get(name))
        if found != wanted:
            yield name, wanted, found


def _ask(name: str, given: dict[str, Any]) -> Any:
    match name:
        case "customer_of":
            return customer_of(CustomerOfContact(**entry) for entry in given["contact"])
        case "same_customer":
            same = same_customer(given["wanted"], given["found"])
            if same is not None and same.customer_id != given["found"]["CustomerId"]:
                return same
            return same.reason if same else None
        case _:
            return _FUNCTIONS[name](**given)


_FUNCTIONS: dict[str, Any] = {
    "raised": raised, "after_loss": after_loss, "activity_action": activity_action, "employee_code": employee_code,
    "differing": differing,
    "actions_that_are_written": actions_that_are_written, "left_out": lambda **given: list(left_out(**given)),
}  # fmt: skip
