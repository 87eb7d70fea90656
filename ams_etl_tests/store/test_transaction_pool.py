"""The data's connections pass through pgbouncer in transaction mode, where each transaction may have another session."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.database import connect
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.lease import LeaseLost, acquire, leased
from ams_etl.store.merge import Record, merge_records
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.store.shared_access.call_slots import PostgresCallSlots
from ams_etl.sync.notifications.batches import claim, close
from ams_etl.sync.raw.ams360_tables import CUSTOMERS
from ams_etl_tests.pgbouncer import pooled_database
from ams_etl_tests.sync.source_history import customer, customer_id, refresh

TODAY = date(2026, 6, 1)


@pytest.fixture
def pooled(postgres_server: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """An empty database: its address through a pool of two sessions, and its own."""
    with pooled_database(postgres_server, tmp_path, sessions=2) as addresses:
        yield addresses


def work(url: str, agency: str) -> list[Any]:
    """Store, derive, plan, publish, twice, and serve a notification: temporary tables, cursors and locks on the way."""
    with connect(url) as connection:
        for city in ("Oldtown", "Newtown"):
            with connection.transaction():
                records = [
                    Record(customer_id(number), customer_id(number), customer(number, Email=f"{number}@example.com", City=city))
                    for number in range(30)
                ]  # fmt: skip
                now = connection.execute("select now()").fetchone()
                assert now
                merged = merge_records(connection, CUSTOMERS, agency, records, seen_at=now[0])
                mark_customers(AgencyDb(connection, agency), merged.customers)
            refresh(connection, RuleSettings(), TODAY, agency=agency)
        connection.execute(
            """insert into ops.notifications (agency, state, object_type, change, keys)
            values (%s, 'pending', 'customer', 'update', '{"CustomerId": "x"}')""",
            (agency,),
        )
        batch = claim(connection, agency)
        assert batch is not None
        assert close(connection, agency, batch.batch_id, "done") == 1
        return connection.execute(
            "select city, count(*) from mart.contacts where agency = %s group by 1", (agency,)
        ).fetchall()


def test_five_agencies_share_two_sessions(pooled: tuple[str, str]) -> None:
    """Migrations from several processes at once included: each is applied once, and no lock stays behind."""
    through, direct = pooled
    with ThreadPoolExecutor(5) as threads:
        applied = list(threads.map(lambda _: _upgrade(through), range(3)))
        assert sorted(name for names in applied for name in names) == sorted(
            path.name for path in sql_folder().glob("[0-9]*.sql")
        )
        found = list(threads.map(lambda number: work(through, f"agency{number}"), range(5)))
    assert found == [[("Newtown", 30)]] * 5
    with connect(direct) as connection:
        held = connection.execute(
            """select count(*) from pg_locks l join pg_database d on d.oid = l.database
            where l.locktype = 'advisory' and d.datname = 'pooled'"""
        ).fetchone()
        assert held == (0,)
        sessions = connection.execute(
            "select count(*) from pg_stat_activity where datname = 'pooled' and pid <> pg_backend_pid()"
        ).fetchone()
        assert sessions is not None
        assert sessions[0] <= 2


def test_one_writer_and_one_limit_hold_through_the_pool(pooled: tuple[str, str]) -> None:
    """Leases, their heartbeat and fencing, and the calls of several processes, each statement in whatever session is free."""
    through, direct = pooled
    _upgrade(direct)
    together = threading.Barrier(8)
    order: list[str] = []

    def works(number: int) -> int:
        together.wait()
        with leased(through, "demo", "publish", f"run {number}", expires_seconds=1.0) as lease:
            order.append(f"begins {number}")
            with connect(through) as own, own.transaction():
                # Longer than the lease lasts without its heartbeat.
                own.execute("select pg_sleep(1.5)" if number == 0 else "select 1")
                lease.check(own)
            order.append(f"ends {number}")
            return lease.generation

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(works, range(8))) == list(range(1, 9))
    assert [step.split()[0] for step in order] == ["begins", "ends"] * 8
    assert all(first.split()[1] == last.split()[1] for first, last in zip(order[::2], order[1::2], strict=True))
    with connect(through) as one, connect(through) as other:
        away = acquire(one, "demo", "full_read", "away", expires_seconds=0)
        present = acquire(other, "demo", "full_read", "present")
        assert away is not None
        assert present is not None
        with pytest.raises(LeaseLost), one.transaction():
            away.check(one)
        with other.transaction():
            present.check(other)
    clients = [PostgresCallSlots(through, "demo", "ams360") for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        allowed = list(threads.map(lambda client: client.share(6, 0, 6), clients))
    assert sum(allowed) == 6
    for client in clients:
        client.release()


def _upgrade(url: str) -> list[str]:
    with connect(url) as connection:
        return upgrade(connection, sql_folder())
