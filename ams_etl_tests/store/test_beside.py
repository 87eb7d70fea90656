"""Database work beside computing: both end together, whatever fails."""

import sys
import time
from typing import Any

import psycopg
import pytest
from psycopg.errors import QueryCanceled

from ams_etl.store.database import connect
from ams_etl.store.loading.beside import beside


def test_the_work_goes_on_while_the_block_computes(connection: psycopg.Connection[Any], database: str) -> None:
    """The work waits for a lock that only the block lets go."""
    with connect(database) as other:
        other.execute("select pg_advisory_lock(1)")
        connection.execute("set lock_timeout = '20s'")
        with beside(connection, lambda: connection.execute("select pg_advisory_lock(1), 'stored'").fetchone()) as work:
            other.execute("select pg_advisory_unlock(1)")
        assert work.result() == ("", "stored")


def test_an_error_of_the_work_comes_with_its_result_after_the_block(connection: psycopg.Connection[Any]) -> None:
    computed = []
    with connection.transaction(force_rollback=True):
        with beside(connection, lambda: connection.execute("select 1 / 0")) as storing:
            computed.append("all the same")
        with pytest.raises(psycopg.errors.DivisionByZero):
            storing.result()
    assert computed


def test_whoever_interrupts_the_block_does_not_wait_for_the_statement(connection: psycopg.Connection[Any]) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        beside(connection, lambda: connection.execute("select pg_sleep(60)")) as storing,
    ):
        time.sleep(0.2)
        raise KeyboardInterrupt
    assert isinstance(storing.exception(), QueryCanceled)
    assert connection.execute("select 1").fetchone() == (1,)


def test_the_computing_thread_takes_short_turns(connection: psycopg.Connection[Any]) -> None:
    """At Python's own five milliseconds, each statement's answer waits that long for the thread that computes."""
    before = sys.getswitchinterval()
    try:
        for set_before, shortest in ((0.005, 0.0005), (0.0001, 0.0001)):
            sys.setswitchinterval(set_before)
            with beside(connection, lambda: None):
                assert sys.getswitchinterval() == pytest.approx(shortest, rel=0.05)
    finally:
        sys.setswitchinterval(before)
