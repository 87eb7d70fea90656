"""One agency's writeback from beginning to end: understand the events, deliver what they ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import psycopg

from ams_etl.settings import Agency
from ams_etl.sources.ams360 import Ams360Connection
from ams_etl.sources.warm import COLD, Access
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.lease import Lease
from ams_etl.writeback.delivery.ams360_target import Ams360Target
from ams_etl.writeback.delivery.deliver import DeliveryReport, deliver
from ams_etl.writeback.planning.expand import ExpandCounts, expand_events


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What came of the events, and of the writes."""

    events: ExpandCounts
    delivery: DeliveryReport
    calls: dict[str, int]


def count_open(connection: psycopg.Connection[Any], agency: str, system: str = "ams360") -> int:
    """Count the writes that are not delivered, failed or uncertain."""
    found: int = AgencyDb(connection, agency).scalar(
        """select count(*) from ops.writebacks where agency = %(agency)s and system = %(system)s
        and status in ('waiting', 'pending', 'claimed', 'delivering')""",
        system=system,
    )
    return found


def forget_files(connection: psycopg.Connection[Any], agency: str, days: int) -> int:
    """Delete the files of events that are so old and wholly delivered; returns how many."""
    return AgencyDb(connection, agency).execute(
        """delete from ops.event_attachments a using ops.events e
        where a.agency = %(agency)s and (e.agency, e.event_id) = (a.agency, a.event_id) and e.state = 'planned'
            and e.received_at < now() - make_interval(days => %(days)s)
            and not exists (select from ops.writebacks w
                where w.agency = %(agency)s and w.event_id = a.event_id and w.status <> 'delivered')""",
        days=days,
    )


def drain(
    connection: psycopg.Connection[Any],
    agency: Agency,
    ams360: Ams360Connection,
    zone: tzinfo | None,
    *,
    linger_seconds: float = 20.0,
    lease_seconds: float | None = None,
    lease: Lease | None = None,
    access: Access = COLD,
    progress: Callable[[str, int, int | None], None] = lambda stage, done, total: None,
) -> DrainReport:
    """Plan the writes of every event that is due and deliver until nothing is due any more.

    Args:
        connection: autocommit; for this call alone.
        agency: the agency and its choices.
        ams360: how to reach its AMS360.
        zone: `schedule.timezone`, if it is set; used where `writeback.timezone` is not.
        linger_seconds: how long to wait for retries that come due.
        lease_seconds: see `deliver`; by default well beyond AMS360's time-out.
        lease: `writeback`; None where nobody else delivers for the agency.
        access: how AMS360 is opened.
        progress: called as (stage, done, total or None).

    Raises:
        ConfigError: AMS360 refuses the login, or the address is wrong; everything waits on.
        TransientError: AMS360 does not answer at all.
    """
    events = expand_events(connection, agency, zone)
    progress("events planned", events.planned, None)
    open_writes = count_open(connection, agency.id)
    claim_seconds = lease_seconds or 2 * ams360.timeout_seconds + 60

    async def work() -> tuple[DeliveryReport, dict[str, int]]:
        async with access.open(ams360) as client:
            report = await deliver(
                connection,
                agency.id,
                Ams360Target(client, agency.id, agency.writeback),
                agency.writeback,
                concurrency=ams360.max_concurrency,
                lease_seconds=claim_seconds,
                lease=lease,
                linger_seconds=linger_seconds,
                progress=lambda done: progress("writes settled", done, open_writes),
            )
            return report, dict(client.counts.by_operation)

    delivery, calls = access.run(work())
    forget_files(connection, agency.id, agency.writeback.keep_files_days)
    return DrainReport(events, delivery, calls)
