"""The leases of one process's threads: they wait for one another, and one that waits in vain names the holder."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.store.lease import Lease, LeaseHeld, LeaseLost, acquire, release
from ams_etl.store.shared_access.held_leases import HeldLeases


@pytest.fixture
def leases() -> HeldLeases:
    return HeldLeases("ams-etl follow here")


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("wait_seconds", [0.0, 0.3])
def test_it_waits_that_long_and_names_the_holder(
    leases: HeldLeases, connection: psycopg.Connection[Any], wait_seconds: float
) -> None:
    assert acquire(connection, "demo", "publish", "run 4711")
    begun = time.monotonic()
    with (
        pytest.raises(LeaseHeld, match=r"^demo: publish is held by run 4711, since "),
        leases.hold(connection, "demo", "publish", wait_seconds=wait_seconds),
    ):
        raise AssertionError("two at once")
    assert time.monotonic() - begun >= wait_seconds


def test_it_gets_its_turn_while_it_waits(
    leases: HeldLeases, connection: psycopg.Connection[Any], database: str
) -> None:
    """The first holder ends in the middle of the wait."""
    first = acquire(connection, "demo", "publish", "run 4711")
    assert first is not None
    waiting, generations = threading.Event(), []

    def wait() -> None:
        with connect(database) as own:
            waiting.set()
            with leases.hold(own, "demo", "publish", wait_seconds=60) as lease:
                generations.append(lease.generation)

    thread = in_thread(wait)
    assert waiting.wait(60)
    time.sleep(0.2)
    assert generations == []
    release(connection, first)
    thread.join(60)
    assert generations == [first.generation + 1]


def test_threads_of_one_process_hold_it_in_turn(leases: HeldLeases, database: str) -> None:
    """They have one name, and only the generation tells them apart."""
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with connect(database) as own, leases.hold(own, "demo", "publish", wait_seconds=60):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [in_thread(work) for _ in range(5)]
    for thread in threads:
        thread.join(60)
    assert (inside, most) == (0, 1)


def test_all_that_are_held_are_renewed_and_no_other(leases: HeldLeases, connection: psycopg.Connection[Any]) -> None:
    """A lease that passed to another holder is not taken back."""

    def expire() -> None:
        connection.execute("update ops.leases set expires_at = clock_timestamp() - interval '1 second'")

    with leases.hold(connection, "demo", "publish") as lost, leases.hold(connection, "demo", "writeback") as kept:
        expire()
        other = acquire(connection, "demo", "publish", "other")
        assert isinstance(other, Lease)
        expire()
        leases.renew(connection)
        kept.check(connection)
        with pytest.raises(LeaseLost):
            lost.check(connection)
        living = "select subject from ops.leases where expires_at > clock_timestamp()"
        assert connection.execute(living).fetchall() == [("writeback",)]
    assert connection.execute("select subject, holder from ops.leases order by 1").fetchall() == [
        ("publish", "other"),
        ("writeback", None),
    ]


def test_it_is_free_after_an_error_and_after_a_lost_connection(leases: HeldLeases, database: str) -> None:
    """The second expires, since nothing renews it any more."""
    with connect(database) as own:
        with pytest.raises(KeyboardInterrupt), leases.hold(own, "demo", "publish"):
            raise KeyboardInterrupt
        with leases.hold(own, "demo", "publish"):
            own.close()
    with connect(database) as own:
        leases.renew(own)
        with pytest.raises(LeaseHeld), leases.hold(own, "demo", "publish"):
            raise AssertionError("nobody released it")
        own.execute("update ops.leases set expires_at = clock_timestamp()")
        with leases.hold(own, "demo", "publish") as lease:
            assert lease.generation == 3
