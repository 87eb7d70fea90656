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

HELD = "select subject from ops.leases where holder is not null"


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


def test_it_is_free_after_an_error(leases: HeldLeases, connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(KeyboardInterrupt), leases.hold(connection, "demo", "publish"):
        raise KeyboardInterrupt
    assert connection.execute(HELD).fetchall() == []


def break_off(own: psycopg.Connection[Any], database: str) -> None:
    """The session ends, as with a server that restarts."""
    with connect(database) as other:
        other.execute("select pg_terminate_backend(%s)", (own.info.backend_pid,))


@pytest.mark.parametrize("lose", [lambda own, _: own.close(), break_off], ids=["closed", "ended by Postgres"])
@pytest.mark.parametrize("give_back", [HeldLeases.renew, HeldLeases.release_left])
def test_another_connection_gives_back_what_a_lost_one_could_not(
    leases: HeldLeases,
    connection: psycopg.Connection[Any],
    database: str,
    lose: Callable[[psycopg.Connection[Any], str], None],
    give_back: Callable[[HeldLeases, psycopg.Connection[Any]], None],
) -> None:
    with connect(database) as own, leases.hold(own, "demo", "publish"):
        lose(own, database)
    assert connection.execute(HELD).fetchall() == [("publish",)]
    give_back(leases, connection)
    assert connection.execute(HELD).fetchall() == []
    # Once: the lease that another one takes then is not touched.
    assert acquire(connection, "demo", "publish", "ams-etl follow here")
    give_back(leases, connection)
    assert connection.execute(HELD).fetchall() == [("publish",)]


def test_a_lease_whose_return_is_cancelled_is_given_back_later(
    leases: HeldLeases, connection: psycopg.Connection[Any], database: str
) -> None:
    """A run that is stopped cancels whatever statement its threads are at, and that may be this one."""
    held, ended = threading.Event(), threading.Event()
    with connect(database) as own, connect(database) as other:

        def hold() -> None:
            with leases.hold(own, "demo", "publish"):
                held.set()
                assert ended.wait(60)

        thread = in_thread(hold)
        assert held.wait(60)
        with other.transaction():
            # The lease's return waits for this lock.
            other.execute("select from ops.leases for update")
            ended.set()
            while thread.is_alive():
                own.cancel_safe()
                thread.join(0.05)
    assert connection.execute(HELD).fetchall() == [("publish",)]
    leases.release_left(connection)
    assert connection.execute(HELD).fetchall() == []
