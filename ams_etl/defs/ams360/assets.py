"""Raw assets: what AMS360 answered, record by record."""

from collections.abc import Iterator
from contextlib import ExitStack

import dagster as dg

from ams_etl.defs.agencies.applicable import inapplicable, nothing_to_read
from ams_etl.defs.failures import permanent, with_tries
from ams_etl.defs.metadata import about_merge, about_table, table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.progress import run_log_progress
from ams_etl.defs.resources import AgenciesFile, SyncScopeConfig, Warehouse

_KINDS = {"soap", "postgres"}
_CUSTOMER_RECORDS = ("customer_list", "customers", "customer_contacts", "customer_dependents", "policies")


def _spec(table: str, description: str, *, deps: tuple[str, ...] = ()) -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey(["raw_ams360", table]),
        description=description,
        group_name="ams360_raw",
        kinds=_KINDS,
        owners=OWNERS,
        deps=[dg.AssetKey(["raw_ams360", dep]) for dep in deps],
        metadata={"dagster/table_name": f"raw_ams360.{table}"},
    )


@dg.multi_asset(
    name="ams360_reference",
    partitions_def=agency_partitions,
    specs=[
        _spec("employees", "EmployeeInfo rows: who can be Executive or Representative, and their ShortName."),
        _spec("business_units", "GL divisions, branches, departments and groups, for the tags of the same names."),
        _spec("companies", "Carriers, for the carrier tag."),
        _spec("lines_of_business", "Lines of business, for their tag and the renewal label."),
    ],
)
def ams360_reference(
    context: dg.AssetExecutionContext, warehouse: Warehouse, agencies: AgenciesFile, sync_scope: SyncScopeConfig
) -> Iterator[dg.MaterializeResult[None]]:
    """Read the four small lists whole; customers that name a changed code are derived again.

    A run for some customers leaves them as they are, unless it is asked to read them or nobody ever did.
    """
    from ams_etl.sync.extract.reference import REFERENCE, extract_reference, has_reference

    agency = agency_of(context)
    if reason := inapplicable(agencies.agency(agency), "raw_ams360.employees"):
        yield from nothing_to_read(context, (f"raw_ams360.{code_list.name}" for code_list in REFERENCE), reason)
        return
    with permanent(), warehouse.connection() as connection:
        if not sync_scope.scope().reads_reference and has_reference(connection, agency):
            for code_list in REFERENCE:
                yield dg.MaterializeResult(
                    asset_key=dg.AssetKey(["raw_ams360", code_list.name]),
                    metadata={**about_table(connection, f"raw_ams360.{code_list.name}", agency), "read": 0},
                )
            return
        read = with_tries(lambda: extract_reference(connection, agency, agencies.ams360(agency)))
        for table, counts in read.items():
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["raw_ams360", table]),
                metadata={**about_table(connection, f"raw_ams360.{table}", agency), **about_merge(counts)},
            )


@dg.multi_asset(
    name="ams360_customer_records",
    partitions_def=agency_partitions,
    specs=[
        _spec("customer_list", "CustomerInfo rows of the last complete sweep over name prefixes."),
        _spec("customers", "Customer records, without FederalTaxIdNumber.", deps=("customer_list",)),
        _spec("customer_contacts", "CustomerContact records.", deps=("customer_list",)),
        _spec("customer_dependents", "CustomerDependent records, without SSN and licence.", deps=("customer_list",)),
        _spec("policies", "Policy records with lines of business, all statuses.", deps=("customer_list",)),
    ],
)
def ams360_customer_records(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    agencies: AgenciesFile,
    sync_scope: SyncScopeConfig,
) -> Iterator[dg.MaterializeResult[None]]:
    """Sweep the customer list, then read every customer with all beneath, streaming into raw as it goes."""
    from ams_etl.sync.extract.ams360 import extract

    agency = agency_of(context)
    if reason := inapplicable(agencies.agency(agency), "raw_ams360.customers"):
        yield from nothing_to_read(context, (f"raw_ams360.{table}" for table in _CUSTOMER_RECORDS), reason)
        return
    with permanent(), warehouse.connection() as connection, ExitStack() as held:
        scope = sync_scope.scope_of(connection, agencies.agency(agency))
        # A few customers are read beside whoever reads all of them: what was read later stays.
        lease = None
        if scope.mode != "customers":
            lease = held.enter_context(warehouse.lease(agency, "full_read", context.run_id))
        report = with_tries(
            lambda: extract(
                connection,
                agency,
                agencies.ams360(agency),
                scope,
                run_id=context.run_id,
                fresh=sync_scope.fresh,
                lease=lease,
                progress=run_log_progress(),
            )
        )
        about: dict[str, dg.MetadataValue | int | float | bool] = {
            "customers_read": report.customers_read,
            "resumed": report.resumed,
            "soap_calls": dg.MetadataValue.int(report.calls),
            "calls_by_operation": table_of(("operation", "calls"), report.calls_by_operation.items()),
            "seconds": round(report.seconds, 2),
            "quarantined": report.quarantined,
            "unlisted_customers": report.unlisted,
            "numbers_without_customer": report.empty_numbers,
        }
        for table, counts in report.tables.items():
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["raw_ams360", table]),
                metadata={
                    **about_table(connection, f"raw_ams360.{table}", agency),
                    **about_merge(counts),
                    **(about if table == "customers" else {}),
                },
            )
