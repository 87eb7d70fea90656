"""The first syncs of all agencies in one run: starting a run for each of hundreds would take most of an hour."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import dagster as dg
import psycopg
from pydantic import Field

from ams_etl.defs.failures import permanent
from ams_etl.defs.metadata import failing_agencies
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.rules.settings import SourceSystem

FIRST_SYNCS_KEY = dg.AssetKey(["ops", "first_syncs"])
FAILED = "failed"
"""The metadata entry that lists the agencies that failed."""


class FirstSyncsConfig(dg.Config):
    """Which agencies are synced, and how many at a time."""

    agencies: list[str] = Field(default=[], description="Only these agencies; empty means all that were never synced.")
    at_once: int = Field(default=4, ge=1, le=16, description="How many agencies are read and published at a time.")


@dg.asset(
    key=FIRST_SYNCS_KEY,
    group_name="contacts",
    kinds={"python", "postgres"},
    owners=OWNERS,
    check_specs=[
        dg.AssetCheckSpec(
            "every_first_sync_ended",
            asset=FIRST_SYNCS_KEY,
            description="Every agency that this run should sync for the first time was read and published.",
        )
    ],
)
def first_syncs(
    context: dg.AssetExecutionContext, config: FirstSyncsConfig, warehouse: Warehouse, agencies: AgenciesFile
) -> Iterator[dg.MaterializeResult[None]]:
    """Read and publish all agencies that were never synced; an agency that fails stops none of the others.

    Each agency's partition of the raw, stage and mart assets is materialized with its row counts.
    """
    from ams_etl.sync.first_syncs.all_agencies import first_syncs as sync_all
    from ams_etl.sync.first_syncs.never_synced import never_synced

    done, failed = [], []
    with permanent(), warehouse.connection() as connection:
        read = agencies.read()
        asked = [read.get(agency) for agency in config.agencies] if config.agencies else read.all
        wanted = never_synced(connection, asked)
        context.instance.add_dynamic_partitions("agency", [agency.id for agency in wanted])
        with closing(
            sync_all(read, wanted, warehouse.url(), agencies.today(), run_id=context.run_id, at_once=config.at_once)
        ) as outcomes:
            for outcome in outcomes:
                if outcome.error is not None:
                    failed.append((outcome.agency, outcome.error, outcome.what_to_do))
                    continue
                done.append(outcome)
                if outcome.counts is not None:
                    for event in _materializations(connection, outcome.agency, read.get(outcome.agency).system):
                        context.log_event(event)
    counts = [outcome.counts for outcome in done if outcome.counts is not None]
    yield dg.MaterializeResult(
        metadata={
            "agencies": len(done),
            "records_read": sum(each.records_read for each in counts),
            "calls": sum(each.calls for each in counts),
            "contacts": sum(each.contacts for each in counts),
            FAILED: dg.MetadataValue.json(failed),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="every_first_sync_ended",
                passed=not failed,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata=failing_agencies(
                    ("agency", "reason", "what to do"),
                    failed,
                    "do what the table says of each agency, then run `ams-etl sync --new` again",
                ),
            )
        ],
    )


def synced_assets(system: SourceSystem) -> Sequence[dg.AssetSpec]:
    """Return the assets that a sync of an agency with this system materializes."""
    # Imported here: a module that holds an asset of another one would define it a second time.
    from ams_etl.defs.ams360.assets import ams360_customer_records, ams360_reference
    from ams_etl.defs.benefitpoint.assets import publish_accounts
    from ams_etl.defs.contacts.assets import contact_candidates, contact_plan, publish_contacts
    from ams_etl.defs.other_systems.assets import hawksoft_records, mycase_records, qq_catalyst_records

    contacts = [contact_candidates, contact_plan, publish_contacts]
    of_system = {
        "ams360": [ams360_reference, ams360_customer_records, *contacts, publish_accounts],
        "hawksoft": [hawksoft_records, *contacts],
        "qq_catalyst": [qq_catalyst_records, *contacts],
        "mycase": [mycase_records, *contacts],
    }
    return [spec for definition in of_system[system] for spec in definition.specs]


def _materializations(
    connection: psycopg.Connection[Any], agency: str, system: SourceSystem
) -> Iterator[dg.AssetMaterialization]:
    """Yield an event for each asset, with its rows alone; the first regular sync adds pictures and tables."""
    specs = synced_assets(system)
    tables = [str(spec.metadata["dagster/table_name"]) for spec in specs]
    counts = ", ".join(
        f"(select count(*) from {table} where agency = %(agency)s"
        f"{' and deleted_at is null' if table.startswith('raw_') else ''})"
        for table in tables
    )
    row = connection.execute(f"select {counts}", {"agency": agency}).fetchone() or ()
    for spec, rows in zip(specs, row, strict=True):
        yield dg.AssetMaterialization(spec.key, partition=agency, metadata={"dagster/row_count": rows})
