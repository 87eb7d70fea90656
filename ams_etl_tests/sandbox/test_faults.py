"""What can be made to go wrong, at run time, by operation; and what the sandbox counts."""

import contextlib
import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lxml import etree

from ams_etl_tests.sandbox.wire import Wire
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

_LIST = "<o:EmployeeGetListAll/>"
_NOTE = "<a:CustomerNote><a:CustomerId>{id}</a:CustomerId><a:NoteText>x</a:NoteText></a:CustomerNote>"


def _outcome(sandbox: Sandbox, ticket: str | None) -> str:
    wire = Wire(sandbox, ticket)
    try:
        reply = wire.send("EmployeeGetListAll", _LIST)
    except (http.client.HTTPException, ConnectionError) as error:
        return type(error).__name__
    if reply.status == 503:
        return "503"
    try:
        return reply.fault or "answered"
    except etree.XMLSyntaxError:
        return "not XML"


@pytest.fixture
def ticket(sandbox: Sandbox) -> str | None:
    """A ticket that outlives every fault."""
    wire = Wire(sandbox)
    wire.login()
    return wire.ticket


@pytest.mark.parametrize(("kind", "outcomes"), [
    ("unavailable", {"503"}), ("drop", {"RemoteDisconnected", "ConnectionResetError"}), ("fault", {"WSAPIGeneralFault"}),
    ("bare_fault", {"Server"}),
    ("lost", {"RemoteDisconnected", "ConnectionResetError"}), ("fault_after", {"WSAPIGeneralFault"}),
    ("cut", {"IncompleteRead"}), ("half", {"not XML"}),
])  # fmt: skip
def test_the_next_calls_fail_as_told_and_then_no_more(
    sandbox: Sandbox, ticket: str | None, kind: str, outcomes: set[str]
) -> None:
    sandbox.ask("faults", {kind: {"next": 2}})
    seen = [_outcome(sandbox, ticket) for _ in range(3)]
    assert set(seen[:2]) <= outcomes
    assert seen[2] == "answered"
    assert sandbox.ask("stats")["faults_by_kind"] == {kind: 2}


@pytest.mark.parametrize(("kind", "written"), [
    ("unavailable", 0), ("drop", 0), ("fault", 0), ("bare_fault", 0), ("lost", 1), ("fault_after", 1), ("cut", 1), ("half", 1),
])  # fmt: skip
def test_a_fault_strikes_before_or_after_the_write(
    sandbox: Sandbox, ticket: str | None, kind: str, written: int
) -> None:
    """A lost reply is not a lost write: this is what makes doing something exactly once hard."""
    sandbox.ask("faults", {kind: {"next": 1}})
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        Wire(sandbox, ticket).call("CustomerNoteInsert", _NOTE.format(id=sandbox.ask("customers")[0][0]))
    assert len(sandbox.ask("state/notes")) == written


def test_a_rate_strikes_its_share_and_the_same_calls_for_the_same_seed(sandbox: Sandbox, ticket: str | None) -> None:
    seen = []
    for _ in range(2):
        sandbox.ask("faults", {"off": True, "seed": 5, "unavailable": {"rate": 0.3}})
        seen.append([_outcome(sandbox, ticket) for _ in range(200)])
    assert seen[0] == seen[1]
    assert 35 < seen[0].count("503") < 85


def test_a_fault_can_be_for_some_operations_and_spares_the_login_unless_it_is_named(
    sandbox: Sandbox, ticket: str | None
) -> None:
    sandbox.ask("faults", {"unavailable": {"rate": 1, "operations": ["CompanyGetListAll"]}})
    wire = Wire(sandbox, ticket)
    assert wire.send("EmployeeGetListAll", _LIST).status == 200
    assert wire.send("CompanyGetListAll", "<o:CompanyGetListAll/>").status == 503
    sandbox.ask("faults", {"unavailable": {"rate": 1}})
    assert wire.send("EmployeeGetListAll", _LIST).status == 503
    assert wire.login().status == 200
    sandbox.ask("faults", {"unavailable": {"rate": 1, "operations": ["Login"]}})
    assert (
        wire.post(b"<x/>", {"SOAPAction": '"http://www.WSAPI.AMS360.com/v3.0/WSAPIServiceContract/Login"'}).status
        == 503
    )
    sandbox.ask("faults", {"unavailable": None})
    assert wire.login().status == 200


def test_a_fault_can_be_about_one_record(sandbox: Sandbox, ticket: str | None) -> None:
    (struck, _), (spared, _) = sandbox.ask("customers")[:2]
    sandbox.ask("faults", {"bare_fault": {"rate": 1, "about": struck}})
    wire = Wire(sandbox, ticket)
    answers = {key: wire.call("CustomerGetById", f"<a:CustomerId>{key}</a:CustomerId>") for key in (struck, spared)}
    assert (answers[struck].status, answers[spared].status) == (500, 200)
    assert answers[struck].root.find(".//detail") is None


def test_latency_waits_without_holding_up_other_calls(sandbox: Sandbox, ticket: str | None) -> None:
    sandbox.ask("faults", {"latency_ms": 1500, "slow_ms": {"CompanyGetListAll": 600}})
    sandbox.ask("reset-stats", {})
    started = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: _outcome(sandbox, ticket), range(8))) == {"answered"}
    assert time.monotonic() - started >= 1.5
    stats = sandbox.ask("stats")
    # All eight at once, however busy the machine is.
    assert (stats["peak_in_flight"], stats["calls"], stats["in_flight"]) == (8, {"EmployeeGetListAll": 8}, 0)
    started = time.monotonic()
    Wire(sandbox, ticket).send("CompanyGetListAll", "<o:CompanyGetListAll/>")
    assert time.monotonic() - started >= 0.6


@pytest.mark.parametrize(("kind", "reads", "fault"), [
    ("customers", "CustomerGetById", "WSAPIBusinessFault"), ("policies", "PolicyGet", "WSAPIBusinessFault"),
])  # fmt: skip
def test_a_record_can_vanish_between_the_list_and_the_read(
    sandbox: Sandbox, ticket: str | None, kind: str, reads: str, fault: str
) -> None:
    customer_id = sandbox.edit("customers", "insert", LastName="Vanishing", CustomerType="C")
    policy_id = sandbox.edit(
        "policies", "insert", CustomerId=customer_id, PolicyNumber="V", PolicySubType="P", PolicyStatus="A"
    )
    key = {"customers": customer_id, "policies": policy_id}[kind]
    sandbox.ask("faults", {"vanish": [key]})
    wire = Wire(sandbox, ticket)
    listing = {
        "customers": ("CustomerGetListByNamePrefix", "<a:NamePrefix>Vanishing</a:NamePrefix>"),
        "policies": ("PolicyGetListByCustomerId", f"<a:CustomerId>{customer_id}</a:CustomerId>"),
    }[kind]
    member = {"customers": "CustomerId", "policies": "PolicyId"}[kind]
    assert wire.call(*listing).texts(member) == [key]
    assert wire.call(reads, f"<a:{member}>{key}</a:{member}>").fault == fault
    assert wire.call(*listing).texts(member) == []


def test_stats_count_what_was_asked_since_the_last_reset(sandbox: Sandbox) -> None:
    sandbox.ask("reset-stats", {})
    wire = Wire(sandbox)
    wire.login("wrong")
    wire.login()
    for _ in range(3):
        wire.send("EmployeeGetListAll", _LIST)
    wire.send("Unknown", "<o:Unknown/>")
    stats: dict[str, Any] = sandbox.ask("stats")
    assert stats["calls"] == {"Login": 2, "EmployeeGetListAll": 3, "?": 1}
    assert (stats["total"], stats["logins"], stats["soap_faults"], stats["faults"]) == (6, 1, 2, 0)
    assert stats["bytes_in"] > 6 * 300
    assert stats["bytes_out"] > 3 * 1000
    # One connection for all calls, and one for asking.
    assert stats["connections"] == 2


def test_faults_can_be_there_from_the_start() -> None:
    with running_sandbox(
        size=5, more=("--latency", "5", "--faults", '{"denied": ["PolicyGet"], "drop": {"next": 2}}')
    ) as sandbox:
        switches = sandbox.faults()
        assert (switches["latency_ms"], switches["denied"]) == (5, ["PolicyGet"])
        assert switches["drop"] == {"rate": 0, "next": 2, "operations": [], "about": ""}
        assert sandbox.faults(off=True, drop=None)["denied"] == []
