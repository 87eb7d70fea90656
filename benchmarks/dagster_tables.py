"""By how much Dagster's tables grow in a day of 200 notifications: a run for each batch, as without a follower, and with one.

    python -m benchmarks.dagster_tables [--runs 8] [--agencies 4] [--notifications 200]

Without a follower each batch is a run, so the size of a run is measured, over some real ones. With one, a day is played: the batches
of every agency are recorded at random moments, and the sensor that reports them to the catalog is asked once in each minute of it.
The ages of what is recorded are moved instead of the clock. Regular work is a sweep and a BenefitPoint sync a day, which find little,
and a full resync a week, measured likewise; the sum is what an agency adds in a day.
"""

import argparse
import os
import random
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psycopg
from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus

from ams_etl.cli.instance import dagster_instance, prepare
from ams_etl.defs.follow.sensors import report_followed
from ams_etl.defs.resources import Warehouse
from ams_etl.store.database import connect
from ams_etl.store.maintenance.sizes import table_sizes
from ams_etl.store.signs_of_life.followers import FollowerBatch, record
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.sandbox_process import running_sandbox
from benchmarks.own_server import own_server

MINUTES = 24 * 60
REGULAR = {
    "daily sweep": (("sync", "demo", "--changed"), 1.0),
    "daily BenefitPoint sync": (("sync", "demo", "--benefitpoint"), 1.0),
    "weekly full resync": (("sync", "demo"), 1 / 7),
}
"""Regular work: the command that does it by hand, and how often a day it comes."""

REPEATED = 3


def dagster_bytes(connection: psycopg.Connection[Any]) -> int:
    """The size of Dagster's tables, without the room that deleted rows leave."""
    for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall():
        connection.execute(f'vacuum full "{name}"')
    return sum(table.bytes for table in table_sizes(connection) if table.owner == "dagster")


def play_a_day(
    connection: psycopg.Connection[Any], instance: dg.DagsterInstance, agencies: list[str], batches: int
) -> int:
    """Have the follower's batches of a day reported; return the number of events."""
    draw = random.Random(4)
    moments = sorted((draw.randrange(MINUTES), agency) for agency in agencies for _ in range(batches))
    events = 0
    for minute in range(MINUTES):
        connection.execute("update ops.follower_batches set at = at - interval '1 minute' where not reported")
        while moments and moments[0][0] == minute:
            record(connection, FollowerBatch(moments.pop(0)[1], "notifications", 1, 1, 0.4, {"reading": 0.2}))
        with dg.build_sensor_context(instance=instance) as context:
            found = report_followed(context, warehouse=Warehouse())
        for event in found.asset_events if isinstance(found, dg.SensorResult) else ():
            instance.report_runless_asset_event(event)
            events += 1
    return events


def ticks_of_a_day(instance: dg.DagsterInstance, sensors: int) -> None:
    """Write the ticks of a day that find nothing: one in each 30 s for each sensor, of all agencies together."""
    for sensor in range(sensors):
        for second in range(0, MINUTES * 60, 30):
            instance.create_tick(
                TickData(
                    instigator_origin_id=f"sensor-{sensor}",
                    instigator_name=f"sensor_{sensor}",
                    instigator_type=InstigatorType.SENSOR,
                    status=TickStatus.SKIPPED,
                    timestamp=datetime(2026, 6, 1, tzinfo=UTC).timestamp() + second,
                    skip_reason="nothing to report",
                )
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--agencies", type=int, default=4)
    parser.add_argument("--notifications", type=int, default=200)
    given = parser.parse_args()
    with (
        own_server() as (home, url),
        running_sandbox(size=200, more=("--benefitpoint",)) as sandbox,
        connect(url) as connection,
    ):
        line = command_line(home, url, sandbox)
        line.run("sync", "demo")
        line.run("sync", "demo", "--benefitpoint")
        regular = {}
        for name, (command, a_day) in REGULAR.items():
            before = dagster_bytes(connection)
            for _ in range(REPEATED):
                line.run(*command)
            regular[name] = ((dagster_bytes(connection) - before) / REPEATED, a_day)
        before = dagster_bytes(connection)
        for row in sandbox.ask("state/customers")[: given.runs]:
            line.run("sync", "demo", "--customer", str(row["CustomerNumber"]))
        a_run = (dagster_bytes(connection) - before) / given.runs
        os.environ |= {"AMS_ETL_HOME": str(home), "AMS_ETL_DATABASE_URL": url}
        prepare()
        agencies = [f"agency{number}" for number in range(given.agencies)]
        with dagster_instance() as instance:
            instance.add_dynamic_partitions("agency", agencies)
            before = dagster_bytes(connection)
            events = play_a_day(connection, instance, agencies, given.notifications)
            reported = (dagster_bytes(connection) - before) / given.agencies
            before = dagster_bytes(connection)
            ticks_of_a_day(instance, 1)
            ticks = dagster_bytes(connection) - before
    print(f"a run of one customer: {a_run / 1e3:.0f} kB")
    for name, (size, _) in regular.items():
        print(f"{name}: {size / 1e3:.0f} kB")
    work = sum(size * a_day for size, a_day in regular.values())
    print(
        f"regular work, {sum(a_day for _, a_day in regular.values()):.2f} runs: {work / 1e6:.2f} MB an agency and day"
    )
    print(
        f"a day of {given.notifications} notifications, a run each: {given.notifications * a_run / 1e6:.1f} MB an agency"
    )
    print(f"with a follower: {reported / 1e6:.2f} MB an agency, {events / given.agencies:.0f} events")
    print(f"an agency's day with a follower, before retention: {(work + reported) / 1e6:.2f} MB")
    print(f"a day of one sensor that finds nothing: {ticks / 1e6:.2f} MB for all agencies, deleted after a day")


if __name__ == "__main__":
    main()
