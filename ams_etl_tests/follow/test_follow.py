"""Edits and events come through the follower alone; killed, stopped or disturbed it loses and doubles nothing."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.store.signs_of_life.followers import living
from ams_etl.writeback.events.accept import accept_events
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.served import take_notifications
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.warm_processes import Process
from ams_etl_tests.writeback.sample_events import event

CUSTOMERS = 40


@dataclass(slots=True)
class Desk:
    """An agency that was synced once, and the followers that serve it."""

    line: CommandLine
    sandbox: Sandbox
    connection: psycopg.Connection[Any]
    followers: list[Process] = field(default_factory=list)

    def follow(self) -> Process:
        process = self.line.start("follow")
        self.followers.append(process)
        own = f"/{process.pid}/"
        self.wait_for(lambda: any(own in name for name in living(self.connection)) or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        return process

    def notify(self, customer: str) -> None:
        """As the inbound service leaves it once it has interpreted what AMS360 sent."""
        self.connection.execute(
            """insert into ops.notifications (agency, body, state, object_type, change, keys)
            values ('demo', '', 'pending', 'customer', 'update', jsonb_build_object('CustomerId', %s::text))""",
            (customer,),
        )

    def edit(self, customer: str, city: str) -> None:
        self.sandbox.edit("customers", "update", customer, City=city)
        self.notify(customer)

    def cities(self) -> dict[str, str]:
        """Of the contacts that are one customer."""
        return dict(
            self.connection.execute(
                """select min(s.customer_id), min(c.city) from mart.contacts c
                join mart.contact_sources s using (agency, contact_id) where s.entity = 'customer'
                group by c.contact_id having count(*) = 1"""
            ).fetchall()
        )

    def open_notifications(self) -> int:
        row = self.connection.execute("select count(*) from ops.notifications where state = 'pending'").fetchone()
        return row[0] if row else 0

    def wait_for(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.state()
            time.sleep(0.05)

    def state(self) -> Any:
        return [
            self.connection.execute(query).fetchall()
            for query in (
                "select state, count(*), max(attempts) from ops.notifications group by state",
                "select * from ops.follower_handovers", "select kind, error, seconds from ops.follower_batches",
                "select subject, holder from ops.leases",
            )
        ]  # fmt: skip


@contextmanager
def opened(tmp_path: Path, database: str) -> Iterator[Desk]:
    with running_sandbox(size=CUSTOMERS) as sandbox, connect(database) as connection:
        line = command_line(tmp_path, database, sandbox)
        take_notifications(line)
        line.run("sync", "demo")
        desk = Desk(line, sandbox, connection)
        try:
            yield desk
        finally:
            for process in desk.followers:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def desk(tmp_path: Path, database: str) -> Iterator[Desk]:
    with opened(tmp_path, database) as made:
        yield made


def test_what_changes_is_published_delivered_and_refreshed(desk: Desk) -> None:
    """An edit, an event and a person's refresh, with no Dagster anywhere; SIGTERM ends it cleanly."""
    process = desk.follow()
    customer = sorted(desk.cities())[0]
    desk.edit(customer, "Notified")
    desk.wait_for(lambda: desk.cities()[customer] == "Notified")
    desk.wait_for(lambda: desk.open_notifications() == 0)

    accept_events(desk.connection, "demo", [event("note", customer)])
    desk.wait_for(lambda: len(desk.sandbox.ask("writes")) == 1)

    desk.sandbox.edit("customers", "update", customer, City="Refreshed")
    assert "1 customers read and published" in desk.line.run("refresh", "demo", customer)
    assert desk.cities()[customer] == "Refreshed"

    os.killpg(process.pid, signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert "demo: notifications, 1 customers, 1 changes, lag" in printed
    assert "Notified" not in printed
    assert living(desk.connection) == []
    kinds = desk.connection.execute("select kind, error from ops.follower_batches order by batch").fetchall()
    assert kinds == [("notifications", None), ("writeback", None), ("refresh", None)]
    assert desk.connection.execute("select count(*) from ops.leases where holder is not null").fetchone() == (0,)


def test_two_followers_killed_at_random_lose_and_double_nothing(desk: Desk) -> None:
    """Each is killed while it works, and started again; every edit is published, every write is sent once."""
    rng = random.Random(int(os.environ.get("STORM_SEED", "1")))
    single = sorted(desk.cities())
    wanted: dict[str, str] = {}
    for _ in range(2):
        desk.follow()
    for number in range(int(os.environ.get("STORM_EDITS", "24"))):
        customer = rng.choice(single)
        wanted[customer] = f"City {number}"
        desk.edit(customer, wanted[customer])
        accept_events(desk.connection, "demo", [event("ticket_created", customer)])
        if number % 6 == 3:
            at = rng.randrange(2)
            os.killpg(desk.followers[at].pid, signal.SIGKILL)
            desk.followers.pop(at).wait()
            desk.follow()
        time.sleep(rng.uniform(0, 0.2))
    desk.wait_for(lambda: desk.open_notifications() == 0, 240)
    desk.wait_for(lambda: {key: desk.cities()[key] for key in wanted} == wanted)
    overlapping = desk.connection.execute(
        """select count(*) from ops.notification_batches a join ops.notification_batches b using (agency)
        where a.batch_id < b.batch_id and a.outcome = 'done' and b.outcome = 'done'
            and a.claimed_at < b.closed_at and b.claimed_at < a.closed_at"""
    ).fetchone()
    assert overlapping == (0,)


def test_what_the_follower_must_not_publish_is_left_to_a_run(desk: Desk) -> None:
    """Changed settings make every customer due: a run publishes them, and the follower goes on afterwards."""
    desk.connection.execute("update stage.engine set fingerprint = 'another'")
    customer = sorted(desk.cities())[0]
    desk.follow()
    desk.edit(customer, "Later")
    desk.wait_for(lambda: bool(desk.connection.execute("select 1 from ops.follower_handovers").fetchone()))
    assert desk.open_notifications() == 1
    desk.line.run("sync", "demo")
    desk.wait_for(lambda: desk.open_notifications() == 0)
    assert desk.cities()[customer] == "Later"
    assert desk.connection.execute("select 1 from ops.follower_handovers").fetchone() is None
