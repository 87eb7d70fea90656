"""Raw assets of the systems that can say what changed: one asset of many tables for each."""

from collections.abc import Iterator

import dagster as dg

from ams_etl.defs.agencies.applicable import inapplicable, nothing_to_read
from ams_etl.defs.failures import permanent, with_tries
from ams_etl.defs.metadata import about_merge, about_table, table_of
from ams_etl.defs.other_systems.records import RECORDS
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.progress import run_log_progress
from ams_etl.defs.resources import AgenciesFile, SyncScopeConfig, Warehouse
from ams_etl.rules.settings import SourceSystem
from ams_etl.settings.systems import SYSTEM_NAMES


def _records_of(system: SourceSystem) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"{system}_records",
        partitions_def=agency_partitions,
        specs=[
            dg.AssetSpec(
                dg.AssetKey([f"raw_{system}", table]),
                description=description,
                group_name=f"{system}_raw",
                kinds={"postgres"},
                owners=OWNERS,
                metadata={"dagster/table_name": f"raw_{system}.{table}"},
            )
            for table, description in RECORDS[system].items()
        ],
        description=f"Read {SYSTEM_NAMES[system]}: everything, what changed since the last time, or some customers.",
    )
    def records(
        context: dg.AssetExecutionContext,
        warehouse: Warehouse,
        agencies: AgenciesFile,
        sync_scope: SyncScopeConfig,
    ) -> Iterator[dg.MaterializeResult[None]]:
        from ams_etl.sync.extract.opening import opening_of
        from ams_etl.sync.extract.run_extractor import extract_source

        read = agencies.read()
        agency = read.get(agency_of(context))
        if reason := inapplicable(agency, f"raw_{system}.any"):
            yield from nothing_to_read(context, (f"raw_{system}.{table}" for table in RECORDS[system]), reason)
            return
        with permanent(), warehouse.connection() as connection:
            scope = sync_scope.scope_of(connection, agency)
        with (
            permanent(),
            warehouse.connection() as connection,
            warehouse.lease(agency.id, "full_read", context.run_id) as lease,
        ):
            opening, overlap = opening_of(read, agency, warehouse.url())
            report = with_tries(
                lambda: extract_source(
                    connection,
                    agency.id,
                    opening,
                    scope,
                    system=agency.system,
                    overlap=overlap,
                    full=scope.mode == "full",
                    run_id=context.run_id,
                    lease=lease,
                    progress=run_log_progress(),
                )
            )
            for table, counts in report.tables.items():
                yield dg.MaterializeResult(
                    asset_key=dg.AssetKey([f"raw_{system}", table]),
                    metadata={
                        **about_table(connection, f"raw_{system}.{table}", agency.id),
                        **about_merge(counts),
                        "changed_since": str(report.changed_since or "everything was read"),
                        "calls": report.calls,
                        "calls_by_operation": table_of(("operation", "calls"), report.calls_by_operation.items()),
                        "quarantined": report.quarantined,
                        "seconds": round(report.seconds, 2),
                    },
                )

    return records


hawksoft_records, qq_catalyst_records, mycase_records = map(_records_of, RECORDS)
