"""One agency's first sync: read everything, derive, plan, check and publish, as a run of the job `sync` does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from ams_etl.settings import Agencies, Agency
from ams_etl.sources.calling.runner import Runner
from ams_etl.sources.connections import ams360_connection
from ams_etl.sources.warm import Access, WarmAms360
from ams_etl.store.lease import WAIT_SECONDS, Lease
from ams_etl.store.shared_access.access import SharedAccess
from ams_etl.store.shared_access.held_leases import HeldLeases
from ams_etl.store.signs_of_life.followers import take_back
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.daily_counts import note_counts
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.opening import opening_of
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.extract.run_extractor import extract_source
from ams_etl.sync.first_syncs.never_synced import stage_of
from ams_etl.sync.publish_changes import publish_changes
from ams_etl.sync.runs import SyncRuns
from ams_etl.sync.scope import SyncScope


@dataclass(frozen=True, slots=True)
class Counts:
    """What one first sync read and published; all 0 where an earlier run did that part."""

    records_read: int = 0
    calls: int = 0
    contacts: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """What all agencies of one run share.

    Attributes:
        url: the database.
        agencies: the agencies file, for secrets.
        today: the date every rule is asked for.
        run_id: the Dagster run, for `ops.sync_runs` and `mart.changes`.
        leases: holds and renews leases.
        runner: runs calls in the event loop that all agencies share.
        check: raises where the run was asked to stop; called between two stages.
        read: called with an agency and how many records of it were read so far.
    """

    url: str
    agencies: Agencies
    today: date
    run_id: str
    leases: HeldLeases
    runner: Runner
    check: Callable[[], None]
    read: Callable[[str, int], None]


def first_sync(connection: psycopg.Connection[Any], agency: Agency, around: Around) -> Counts | None:
    """Read an agency's system and publish it; None where another run published it meanwhile.

    What a killed run had read is not read again.

    Args:
        connection: autocommit.
        agency: the agency and its settings.
        around: what all agencies share.

    Raises:
        AmsEtlError: as the source, the leases and the publish raise it.
    """
    records = calls = 0
    with around.leases.hold(connection, agency.id, "full_read", wait_seconds=WAIT_SECONDS) as lease:
        stage = stage_of(connection, agency.id)
        if stage == "published":
            return None
        if stage == "to_read":
            read = _read_ams360 if agency.system == "ams360" else _read_other_system
            records, calls = read(connection, agency, around, lease)
    around.check()
    with around.leases.hold(connection, agency.id, "publish", wait_seconds=WAIT_SECONDS) as lease:
        contacts = _publish(connection, agency, around, lease)
    return Counts(records, calls, contacts)


def _read_ams360(connection: psycopg.Connection[Any], agency: Agency, around: Around, lease: Lease) -> tuple[int, int]:
    settings = ams360_connection(around.agencies, agency, SharedAccess(around.url, agency.id, "ams360"))
    # One client for lists and customers: it is opened and signs in once.
    warm = WarmAms360()
    access = Access(around.runner, warm.open)

    def progress(stage: str, done: int, _: int | None) -> None:
        if stage == "customers read":
            around.read(agency.id, done)

    try:
        extract_reference(connection, agency.id, settings, access)
        around.check()
        report = extract(
            connection, agency.id, settings, SyncScope(), run_id=around.run_id, lease=lease, access=access,
            progress=progress,
        )  # fmt: skip
    finally:
        around.runner(warm.close())
    return report.customers_read, report.calls


def _read_other_system(
    connection: psycopg.Connection[Any], agency: Agency, around: Around, lease: Lease
) -> tuple[int, int]:
    opening, overlap = opening_of(around.agencies, agency, around.url)
    report = extract_source(
        connection, agency.id, opening, SyncScope(), system=agency.system, overlap=overlap, run_id=around.run_id,
        lease=lease, runner=around.runner, progress=lambda stage, done, _: around.read(f"{agency.id} {stage}", done),
    )  # fmt: skip
    return sum(counts.seen for counts in report.tables.values()), report.calls


def _publish(connection: psycopg.Connection[Any], agency: Agency, around: Around, lease: Lease) -> int:
    published = publish_changes(connection, agency, around.today, lease=lease, run_id=around.run_id).contacts
    around.check()
    if agency.system == "ams360":
        publish_accounts(connection, agency.id, run_id=around.run_id, limits=agency.brake, lease=lease)
        publish_policies(connection, agency.id, run_id=around.run_id, limits=agency.brake, lease=lease)
    note_counts(connection, agency.id, around.today)
    # Last: an agency that a killed run had not brought this far is published again by the next one.
    SyncRuns(connection, agency.id).published(
        {"inserted": published.inserted, "updated": published.updated, "deleted": published.deleted}
    )
    take_back(connection, agency.id)
    return published.inserted
