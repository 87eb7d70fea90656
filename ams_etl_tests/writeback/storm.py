"""A storm: mixed events, replies lost, 503s, dead tickets, and a deliverer that is killed again and again.

Afterwards AMS360 is compared with the outbox, write by write; `python -m ams_etl_tests.long.writeback_storm` runs a large one.
"""

import random
import signal
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from ams_etl.rules.writeback.certainty import after_loss
from ams_etl_tests import warm_processes
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.warm_processes import Process
from ams_etl_tests.writeback.sample_events import event
from ams_etl_tests.writeback.working_agency import Office

_UNREADABLE = ["CustomerActivityInsert", "CustomerNoteInsert"]
_READABLE = ["CustomerSuspenseInsert", "CustomerSuspenseUpdate", "CustomerInsert", "CustomerUpdate", "PolicyInsert"]
_KINDS = (
    ["note", "email", "call", "text", "meeting"] * 3
    + ["handwritten_card", "voice_note", "ticket_created", "ticket_created", "properties_found", "deal_won", "contact_created"]
)  # fmt: skip


@dataclass(slots=True)
class Findings:
    """What a storm did and what was found after it; `wrong` must be empty."""

    events: int = 0
    writes: int = 0
    kills: int = 0
    seconds: float = 0.0
    struck: dict[str, int] = field(default_factory=dict)
    uncertain_lost: int = 0
    uncertain_killed: int = 0
    uncertain_there: int = 0
    retries: int = 0
    wrong: list[str] = field(default_factory=list)


def mixed_events(customers: list[str], count: int, seed: int) -> list[dict[str, Any]]:
    """Events whose texts hold a token each; tickets are completed and created contacts written to later on."""
    rng = random.Random(seed)
    events: list[dict[str, Any]] = []
    open_tickets: list[str] = []
    contacts: list[str] = []
    for number in range(count):
        token, customer = f"<{number:06}>", rng.choice(customers)
        kind = rng.choice(_KINDS)
        if open_tickets and rng.random() < 0.05:
            events.append(event("ticket_completed", None, ticket_id=open_tickets.pop(0)))
        elif contacts and rng.random() < 0.1:
            events.append(event("note", None, contact={"email": rng.choice(contacts)}, text=token))
        elif kind == "ticket_created":
            ticket = f"T-{number}"
            open_tickets.append(ticket)
            talk = {"kind": "call", "summary": token}
            events.append(event(kind, customer, ticket_id=ticket, title=f"Do {token}", conversation=talk))
        elif kind == "contact_created":
            email = f"new{number}@storm.example"
            contacts.append(email)
            person = {"first_name": "New", "last_name": f"Storm{number}"}
            events.append(event(kind, None, contact={"email": email}, properties=person))
        elif kind == "properties_found":
            events.append(event(kind, customer, properties={"occupation": f"Job {number}"}))
        elif kind == "deal_won":
            events.append(event(kind, customer, deal_id=f"D-{number}"))
        else:
            body = "summary" if kind in {"call", "meeting", "voice_note"} else "text"
            events.append(event(kind, customer, **{body: token}))
    return events


def storm(
    office: Office, database: str, *, events: int, kills: int, seed: int, rates: float = 0.03, batch: int = 500
) -> Findings:
    """Let it storm and kill deliverers, deliver the rest in the same weather, and compare."""
    rng = random.Random(seed)
    began = time.monotonic()
    # AMS360 takes no update of a customer without a name; the sandbox has such.
    customers = [
        customer["CustomerId"]
        for customer in office.state("customers")
        if customer.get("LastName") or customer.get("FirmName")
    ]
    sent = mixed_events(customers, events, seed)
    for at in range(0, len(sent), batch):
        office.tell(*sent[at : at + batch])
    office.sandbox.faults(
        lost={"rate": rates, "operations": _UNREADABLE},
        cut={"rate": 4 * rates, "operations": _READABLE},
        unavailable={"rate": rates},
        ticket_calls=150,
        latency_ms=3,
    )
    findings = Findings(events=events, kills=kills)
    for _ in range(kills):
        with _deliverer(database, office.sandbox) as process:
            assert process.stdout is not None
            while process.stdout.readline() not in {"ready\n", ""}:
                pass
            time.sleep(rng.uniform(0.05, 0.6))
            process.send_signal(signal.SIGKILL)
    for _ in range(10):
        office.drain()
        if not office.outbox("1", "status not in ('delivered', 'uncertain', 'failed')"):
            break
        time.sleep(1)
    findings.struck = dict(office.sandbox.stats()["faults_by_kind"])
    office.sandbox.faults(off=True)
    findings.seconds = time.monotonic() - began
    _compare(office, sent, findings)
    return findings


def _deliverer(database: str, sandbox: Sandbox) -> Process:
    return warm_processes.start("ams_etl_tests.writeback.deliverer", database, sandbox.wsdl, sandbox.url)


def _compare(office: Office, sent: list[dict[str, Any]], findings: Findings) -> None:
    """Every write of the outbox against the records that AMS360 has, and the other way round."""
    rows = office.connection.execute(
        """select w.operation, w.status, w.error, w.customer_id, w.target_id, w.request::text, w.attempts, w.kind
        from ops.writebacks w order by w.position"""
    ).fetchall()
    findings.writes = len(rows)
    findings.retries = sum(max(0, row[6] - 1) for row in rows)
    wrong = findings.wrong
    there = Counter(_token(activity["Description"]) for activity in office.state("activities"))
    notes = Counter(_token(note["NoteText"]) for note in office.state("notes"))
    planned = {"activity": Counter[str](), "note": Counter[str]()}
    for operation, status, error, *_, request, _, _ in rows:
        if operation in planned:
            token = _token(request)
            planned[operation][token] += 1
            found = (there if operation == "activity" else notes)[token]
            if status == "uncertain":
                findings.uncertain_there += found
                if found != 1 and "deliverer ended" not in error:
                    wrong.append(f"{operation} {token} lost its reply, and is {found} times in AMS360")
                if "deliverer ended" in error:
                    findings.uncertain_killed += 1
                else:
                    findings.uncertain_lost += 1
            allowed = {1} if status == "delivered" else {0, 1} if status == "uncertain" else set()
            if found not in allowed:
                wrong.append(f"{operation} {token} is {status}, and {found} times in AMS360: {error}")
        elif status != "delivered":
            wrong.append(f"{operation} is {status}: {error}")
        if status == "uncertain" and after_loss(operation) != "park":
            wrong.append(f"{operation} could have been looked up")
    for operation, counted in (("activity", there), ("note", notes)):
        strange = set(counted) - set(planned[operation])
        if strange or any(number != 1 for number in planned[operation].values()):
            wrong.append(f"{operation}: tokens that nobody planned once: {sorted(strange)[:5]}")
    _compare_records(office, sent, wrong)
    _compare_order(office, rows, wrong)


def _compare_records(office: Office, sent: list[dict[str, Any]], wrong: list[str]) -> None:
    kinds = Counter(entry["kind"] for entry in sent)
    suspenses = Counter(_token(suspense["Description"]) for suspense in office.state("suspenses"))
    tickets = [_token(entry["title"]) for entry in sent if entry["kind"] == "ticket_created"]
    if suspenses != Counter(tickets):
        wrong.append("suspenses are not the tickets, once each")
    completed = sum(bool(suspense["IsCompleted"]) for suspense in office.state("suspenses"))
    if completed != kinds["ticket_completed"]:
        wrong.append(f"{completed} suspenses completed, {kinds['ticket_completed']} tickets")
    emails = Counter(
        customer.get("Email")
        for customer in office.state("customers")
        if "@storm.example" in (customer.get("Email") or "")
    )
    if emails != Counter(entry["contact"]["email"] for entry in sent if entry["kind"] == "contact_created"):
        wrong.append("created customers are not the created contacts, once each")
    shells = {row[0] for row in office.connection.execute("select policy_id from ops.policy_shells")}
    made = {
        policy["PolicyId"] for policy in office.state("policies") if (policy["PolicyNumber"] or "").startswith("SHELL-")
    }
    if shells != made or len(made) != kinds["deal_won"]:
        wrong.append(f"{len(made)} policy shells, {len(shells)} of them known, {kinds['deal_won']} deals won")
    last = {
        entry["contact"]["customer_id"]: entry["properties"]["occupation"]
        for entry in sent
        if entry["kind"] == "properties_found"
    }
    now = {customer["CustomerId"]: customer.get("Occupation") for customer in office.state("customers")}
    wrong += [f"the last property of {key} is not the last told" for key, entry in last.items() if now[key] != entry]


def _compare_order(office: Office, rows: list[Any], wrong: list[str]) -> None:
    """Of one customer, AMS360 got the activities in the order of the events."""
    expected: dict[str, list[str]] = defaultdict(list)
    for operation, _, _, customer, _, request, _, _ in rows:
        if operation == "activity":
            expected[customer].append(_token(request))
    got: dict[str, list[str]] = defaultdict(list)
    for activity in sorted(office.state("activities"), key=lambda row: str(row["ActivityId"])):
        got[activity["CustomerId"]].append(_token(activity["Description"]))
    for customer, tokens in got.items():
        if tokens != [token for token in expected[customer] if token in set(tokens)]:
            wrong.append(f"activities of {customer} are out of order")


def _token(text: str) -> str:
    at = text.find("<0")
    return text[at : at + 8]
