"""Exactly once, whatever happens: the one promise that writeback must keep."""

from typing import Any

import psycopg

from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.warm_processes import Process
from ams_etl_tests.writeback.sample_events import event
from ams_etl_tests.writeback.storm import _deliverer, storm
from ams_etl_tests.writeback.working_agency import office


def test_through_lost_replies_outages_and_kills_no_write_is_missing_and_none_doubled(
    connection: psycopg.Connection[Any], database: str
) -> None:
    """What is uncertain is exactly what cannot be read back and lost its reply, or its deliverer while it was sent."""
    with running_sandbox(size=40) as sandbox:
        found = storm(office(connection, sandbox), database, events=400, kills=4, seed=11)
    assert found.wrong == []
    lost = found.struck["lost"]
    assert lost > 0
    assert found.uncertain_lost <= lost <= found.uncertain_lost + found.uncertain_killed
    # Each write that lost its reply was carried out; of those whose deliverer was killed, some were.
    assert lost <= found.uncertain_there <= found.uncertain_lost + found.uncertain_killed
    assert found.struck["cut"] > 0
    assert found.struck["unavailable"] > 0


def test_two_deliverers_at_once_write_once_and_in_order(
    connection: psycopg.Connection[Any], database: str, sandbox: Sandbox
) -> None:
    """Three processes on one outbox: each write has one activity, and a customer's come one after the other."""
    demo = office(connection, sandbox)
    keys = [customer[0] for customer in sandbox.ask("customers")][:50]
    demo.tell(*[event("call", key, summary=f"<0{number:05}>") for number in range(5) for key in keys])
    sandbox.faults(latency_ms=80)
    processes: list[Process] = [_deliverer(database, sandbox) for _ in range(3)]
    for process in processes:
        assert process.wait(60) == 0
    assert set(demo.outbox("status")) == {"delivered"}
    deliverers = connection.execute("select count(distinct claimed_by) from ops.writebacks").fetchone()
    assert deliverers is not None
    assert deliverers[0] > 1
    for key in keys:
        told = [activity["Description"].split("<0")[1][:5] for activity in demo.state("activities", key)]
        assert told == [f"{number:05}" for number in range(5)]
