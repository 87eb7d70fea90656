"""One holder per agency and subject, and nothing of a former holder is stored."""

import threading
from typing import Any

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.store.lease import LeaseHeld, LeaseLost, acquire, leased, release, renew


def expire(connection: psycopg.Connection[Any]) -> None:
    """As if the holder's heartbeat had stopped."""
    connection.execute("update ops.leases set expires_at = clock_timestamp() - interval '1 second'")


def test_of_many_at_once_one_gets_it(database: str) -> None:
    """Ten threads, each with a connection of its own."""
    found: list[Any] = []
    together = threading.Barrier(10)

    def ask(number: int) -> None:
        with connect(database) as own:
            together.wait()
            found.append(acquire(own, "demo", "publish", f"number {number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    assert sum(lease is not None for lease in found) == 1


def test_agencies_and_subjects_are_apart(connection: psycopg.Connection[Any]) -> None:
    """Reading one agency keeps nobody from publishing it, or from reading another."""
    assert acquire(connection, "demo", "full_read", "a")
    assert acquire(connection, "demo", "publish", "b")
    assert acquire(connection, "other", "full_read", "c")
    assert acquire(connection, "demo", "full_read", "d") is None


def test_a_holder_that_was_away_is_refused(connection: psycopg.Connection[Any]) -> None:
    """Its heartbeat, its check and its release find the next generation."""
    away = acquire(connection, "demo", "publish", "away")
    assert away is not None
    expire(connection)
    away.check(connection)
    present = acquire(connection, "demo", "publish", "present")
    assert present is not None
    assert present.generation == away.generation + 1
    assert not renew(connection, away)
    with pytest.raises(LeaseLost, match="away had lost the lease on demo"):
        away.check(connection)
    release(connection, away)
    present.check(connection)


def test_a_former_holder_of_the_same_name_is_refused(connection: psycopg.Connection[Any]) -> None:
    """A run that starts again has the name of its former process."""
    first = acquire(connection, "demo", "publish", "run 1")
    expire(connection)
    second = acquire(connection, "demo", "publish", "run 1")
    assert first is not None
    assert second is not None
    with pytest.raises(LeaseLost):
        first.check(connection)
    second.check(connection)


def test_nobody_takes_it_over_in_the_middle_of_a_publish(database: str, connection: psycopg.Connection[Any]) -> None:
    """Even an expired one: the check holds the row until the transaction ends."""
    slow = acquire(connection, "demo", "publish", "slow")
    assert slow is not None
    expire(connection)
    with connect(database) as other:
        with connection.transaction():
            slow.check(connection)
            assert acquire(other, "demo", "publish", "next") is None
        assert acquire(other, "demo", "publish", "next") is not None


def test_the_second_one_names_the_first(database: str) -> None:
    """After a bounded wait, in one sentence; and once the first is done it gets its turn."""
    with (
        leased(database, "demo", "full_read", "run 4711"),
        pytest.raises(LeaseHeld, match=r"demo is being read already \(run 4711, since .*; wait for it, or stop it"),
        leased(database, "demo", "full_read", "run 4712", wait_seconds=0),
    ):
        raise AssertionError("two at once")
    with leased(database, "demo", "full_read", "run 4712", wait_seconds=0) as lease:
        assert lease.generation == 2


def test_the_second_one_says_once_that_it_waits_and_gets_its_turn(
    database: str, connection: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The first holder ends in the middle of the wait, after several tries."""
    first = acquire(connection, "demo", "publish", "run 4711")
    assert first is not None
    ends = threading.Timer(0.8, release, (connection, first))
    ends.start()
    with (
        caplog.at_level("INFO", logger="ams_etl.store.lease"),
        leased(database, "demo", "publish", "run 4712", wait_seconds=60) as lease,
    ):
        assert lease.generation == first.generation + 1
    ends.join()
    [said] = caplog.messages
    assert said.startswith("demo is being published already (run 4711, since ")
    assert said.endswith("; waiting up to 60 s")


def test_a_heartbeat_keeps_it(database: str, connection: psycopg.Connection[Any]) -> None:
    """It outlives its expiry as long as the block goes on."""
    with leased(database, "demo", "publish", "a", expires_seconds=0.6) as lease:
        renewed = "select heartbeat_at > acquired_at + interval '0.7 seconds' from ops.leases"
        while connection.execute(renewed).fetchone() != (True,):
            threading.Event().wait(0.05)
        lease.check(connection)
    assert connection.execute("select holder from ops.leases").fetchone() == (None,)


def test_it_is_free_after_an_interrupt(database: str) -> None:
    """Whatever ends the block."""
    with pytest.raises(KeyboardInterrupt), leased(database, "demo", "publish", "a"):
        raise KeyboardInterrupt
    with leased(database, "demo", "publish", "b", wait_seconds=0):
        pass
