"""What is old and finished goes, in small steps; what somebody still needs stays, however old."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import CliRunner

from ams_etl.cli import cli as command_line
from ams_etl.settings import RetentionSettings
from ams_etl.store.maintenance import retention
from ams_etl.store.maintenance.sizes import agency_sizes, database_bytes, table_sizes

NOW = datetime.now(UTC)
OLD, NEW = NOW - timedelta(days=1000), NOW - timedelta(days=1)
KEPT = RetentionSettings()


def event(
    connection: psycopg.Connection[Any], at: datetime, state: str, *writes: tuple[str, str]
) -> tuple[UUID, list[UUID]]:
    event_id = uuid4()
    connection.execute(
        "insert into ops.events (agency, event_id, kind, payload, state, received_at) values ('acme', %s, 'note', '{}', %s, %s)",
        (event_id, state, at),
    )
    ids = []
    for operation, status in writes:
        ids.append(uuid4())
        connection.execute(
            """insert into ops.writebacks (agency, writeback_id, event_id, kind, operation, lane, request, status, created_at)
            values ('acme', %s, %s, 'note', %s, %s, '{}', %s, %s)""",
            (ids[-1], event_id, operation, str(ids[-1]), status, at),
        )
    return event_id, ids


def test_finished_events_go_with_their_writes_and_open_or_uncertain_ones_stay(
    connection: psycopg.Connection[Any],
) -> None:
    """An uncertain write waits for a person, and a later event may refer to the suspense of a ticket."""
    gone = [
        event(connection, OLD, "done"),
        event(connection, OLD, "refused"),
        event(connection, OLD, "planned", ("note", "delivered"), ("activity", "delivered")),
    ]
    stays = [
        event(connection, NEW, "planned", ("note", "delivered")),
        event(connection, OLD, "received"),
        event(connection, OLD, "waiting"),
        *(
            event(connection, OLD, "planned", ("note", "delivered"), ("note", status))
            for status in ("waiting", "pending", "claimed", "delivering", "failed", "uncertain")
        ),
        *(
            event(connection, OLD, "planned", (operation, "delivered"))
            for operation in ("suspense", "complete_suspense", "customer", "policy")
        ),
    ]
    deleted = retention.prune(connection, "acme", KEPT, NOW)
    assert deleted == {"ops.events": len(gone)}
    assert {row[0] for row in connection.execute("select event_id from ops.events")} == {entry for entry, _ in stays}
    writes = {row[0] for row in connection.execute("select writeback_id from ops.writebacks")}
    assert writes == {key for _, ids in stays for key in ids}
    assert retention.prune(connection, "acme", KEPT, NOW) == {}


def test_the_feed_keeps_what_is_new_and_goes_in_steps(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each agency by itself: a feed is followed by its sequence number, so only its beginning goes."""
    monkeypatch.setattr(retention, "STEP", 7)
    for agency, at, count in (("acme", OLD, 20), ("acme", NEW, 5), ("other", OLD, 3)):
        connection.execute(
            """insert into mart.changes (agency, entity, entity_id, op, at)
            select %s, 'contact', n::text, 'insert', %s from generate_series(1, %s) n""",
            (agency, at, count),
        )
    assert retention.prune(connection, "acme", KEPT, NOW) == {"mart.changes": 20}
    left = connection.execute("select agency, count(*) from mart.changes group by agency order by agency").fetchall()
    assert left == [("acme", 5), ("other", 3)]


def test_notifications_go_once_all_parts_are_processed(connection: psycopg.Connection[Any]) -> None:
    """Parked and pending ones stay, and so does the request whose part is one of them."""

    def stored(state: str, at: datetime, part_of: int | None = None) -> int:
        row = connection.execute(
            """insert into ops.notifications (agency, state, received_at, settled_at, part_of, part, object_type, change, keys)
            values ('acme', %s, %s, %s, %s, %s, 'customer', 'update', '{}') returning notification_id""",
            (state, at, at, part_of, int(part_of is not None)),
        ).fetchone()
        assert row
        return int(row[0])

    whole = stored("done", OLD)
    stored("ignored", OLD, whole)
    half = stored("done", OLD)
    stays = {half, stored("parked", OLD, half), stored("pending", OLD), stored("parked", OLD), stored("done", NEW)}
    assert retention.prune(connection, "acme", KEPT, NOW) == {"ops.notifications": 2}
    assert {row[0] for row in connection.execute("select notification_id from ops.notifications")} == stays


def test_work_lists_of_abandoned_syncs_go_and_the_newest_syncs_stay(connection: psycopg.Connection[Any]) -> None:
    """However old, the newest ones say what the last sync did."""
    for days in range(60):
        connection.execute(
            "insert into ops.sync_runs (agency, sync_id, mode, state, started_at) values ('acme', %s, 'full', 'failed', %s)",
            (uuid4(), OLD - timedelta(days=days)),
        )
    connection.execute(
        "insert into ops.sync_customers (agency, sync_id, customer_id) select agency, sync_id, 'c' from ops.sync_runs"
    )
    assert retention.prune(connection, "acme", KEPT, NOW) == {"ops.sync_customers": 60, "ops.sync_runs": 10}


def test_sizes_are_shared_out_among_agencies(connection: psycopg.Connection[Any]) -> None:
    """An agency's size is its share of each table's rows; the tables together are no larger than the database."""
    connection.execute(
        """insert into mart.changes (agency, entity, entity_id, op)
        select case when n % 4 = 0 then 'small' else 'large' end, 'contact', n::text, 'insert' from generate_series(1, 4000) n"""
    )
    tables = table_sizes(connection)
    assert tables[0].table == "changes"
    assert sum(table.bytes for table in tables) < database_bytes(connection)
    (first, large), (second, small) = agency_sizes(connection, [tables[0]])
    assert (first, second) == ("large", "small")
    assert large + small == pytest.approx(tables[0].bytes, abs=2)
    assert large == pytest.approx(3 * small, rel=0.01)


def test_the_command_prints_both_tables(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON: a program sums up the bytes."""
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    result = CliRunner().invoke(command_line, ["db", "sizes", "--json", "--all"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"mart.contacts", "ops.events", "stage.plans"} <= {row["table"] for row in found["tables"]}
    assert found["agencies"] == []
