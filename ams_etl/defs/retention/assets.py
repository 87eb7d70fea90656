"""The daily clean-up and the size of the database, as assets; both are for all agencies at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

import ams_etl.defs
from ams_etl.defs.metadata import table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.retention.dagster_tables import REVIEWED, delete_leftovers
from ams_etl.defs.retention.old_runs import REPOSITORY_TAG, delete_old_runs

SIZE_KEY = dg.AssetKey(["ops", "database_size"])


@dg.asset(key=["ops", "retention"], group_name="operations", kinds={"postgres"}, owners=OWNERS)
def retention(
    context: dg.AssetExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.MaterializeResult[None]:
    """What was deleted because it is older than the `retention` block allows: finished work and Dagster's own history."""
    from ams_etl.store.maintenance.retention import prune

    now = datetime.now(UTC)
    read = agencies.read()
    deleted: dict[str, int] = {}
    with warehouse.connection() as connection:
        for agency in read.all:
            for table, rows in prune(connection, agency.id, read.retention, now).items():
                deleted[table] = deleted.get(table, 0) + rows
    failed_before = now - timedelta(days=read.retention.failed_runs_days)
    label = context.run.tags.get(REPOSITORY_TAG)
    repository = _repository()
    runs, kept = (
        (0, 0)
        if label is None
        else delete_old_runs(
            context.instance,
            repository,
            label,
            succeeded_before=now - timedelta(days=read.retention.runs_days),
            failed_before=failed_before,
        )
    )
    leftovers = delete_leftovers(context.instance, repository, failed_before)
    return dg.MaterializeResult(
        metadata={
            "rows_deleted": table_of(("table", "rows"), sorted(deleted.items())),
            "runs_deleted": runs,
            "old_runs_kept": dg.MetadataValue.text(
                f"{kept}: each holds the newest state of an asset's or check's partition"
            ),
            "dagster_rows_deleted": (
                f"none: these tables were not reviewed for Dagster {dg.__version__}, only for {', '.join(REVIEWED)}x"
                if leftovers is None
                else f"{leftovers[0]} check rows of deleted runs, {leftovers[1]} events without a run"
            ),
        }
    )


def _repository() -> dg.RepositoryDefinition:
    # A run's context has it only where a code server started the run, not in `execute_in_process`.
    return dg.load_defs(ams_etl.defs, project_root=Path(__file__).parents[3]).get_repository_def()


@dg.asset(key=SIZE_KEY, group_name="operations", kinds={"postgres"}, owners=OWNERS, deps=[retention])
def database_size(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """How many bytes the database takes, by table and by agency."""
    from ams_etl.store.maintenance.sizes import agency_sizes, database_bytes, table_sizes

    with warehouse.connection() as connection:
        total = database_bytes(connection)
        tables = table_sizes(connection)
        by_agency = agency_sizes(connection, tables)
    return dg.MaterializeResult(
        metadata={
            "bytes": total,
            "dagster_bytes": sum(table.bytes for table in tables if table.owner == "dagster"),
            "largest_tables": table_of(
                ("table", "MB", "rows, estimated"),
                [(f"{table.schema}.{table.table}", round(table.bytes / 1e6, 1), table.rows) for table in tables[:20]],
            ),
            "largest_agencies": table_of(
                ("agency", "MB"), [(agency, round(size / 1e6, 1)) for agency, size in by_agency[:20]]
            ),
        }
    )


@dg.asset_check(
    asset=SIZE_KEY,
    name="database_is_within_its_limit",
    description="The database is no larger than `retention.max_database_gb`; without a limit it always passes.",
)
def database_is_within_its_limit(warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """Compare the size with the limit, and say where to look."""
    from ams_etl.store.maintenance.sizes import database_bytes

    limit = agencies.read().retention.max_database_gb
    with warehouse.connection() as connection:
        size = database_bytes(connection) / 1e9
    return dg.AssetCheckResult(
        passed=limit is None or size <= limit,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "gigabytes": round(size, 3),
            "limit": "none" if limit is None else limit,
            "what_to_do": "ams-etl db sizes shows what is large; shorten `retention`, or make room and raise the limit",
        },
    )
