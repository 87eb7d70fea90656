"""BenefitPoint's raw records, account links, and the accounts and policies of both systems."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import psycopg
from pydantic import Field

from ams_etl.defs.agencies.applicable import inapplicable, nothing_to_read
from ams_etl.defs.benefitpoint.waiting_plans import reasons
from ams_etl.defs.failures import permanent, with_tries
from ams_etl.defs.metadata import about_merge, about_table, table_of, totals_by
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.progress import run_log_progress
from ams_etl.defs.resources import AgenciesFile, SyncScopeConfig, Warehouse
from ams_etl.store.agency_db import scalar
from ams_etl.store.merge import MergeCounts
from ams_etl.writeback.benefit_plans.waiting import MissingCode

_READ = {
    "accounts": "Account records of every classification, without tax ids and SSNs.",
    "contacts": "AccountContact records.",
    "plans": "Product records, which BenefitPoint shows as plans.",
    "offices": "Offices and their regions.",
    "users": "UserSummary rows, without SSNs.",
    "carriers": "Carriers, for the names on plans.",
    "product_types": "Product types with their line of coverage.",
}


class BenefitPointScope(dg.Config):
    """What a run reads of BenefitPoint."""

    accounts: list[int] = Field(
        default=[],
        description="Only these accountIDs; empty means what changed, or everything when it is time for that.",
    )
    full: bool = Field(default=False, description="Read everything, though findChanges could tell what changed.")


class AccountsPublish(dg.Config):
    """How accounts and policies are published."""

    past_the_brake: bool = Field(
        default=False,
        description="Publish even where a system seems to have lost many records: a person has checked it.",
    )


@dg.multi_asset(
    name="benefitpoint_records",
    partitions_def=agency_partitions,
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["raw_benefitpoint", table]),
            description=description,
            group_name="benefitpoint_raw",
            kinds={"soap", "postgres"},
            owners=OWNERS,
            metadata={"dagster/table_name": f"raw_benefitpoint.{table}"},
        )
        for table, description in _READ.items()
    ],
)
def benefitpoint_records(
    context: dg.AssetExecutionContext, config: BenefitPointScope, warehouse: Warehouse, agencies: AgenciesFile
) -> Iterator[dg.MaterializeResult[None]]:
    """Read what changed since the last time; everything at first, after a week, or when asked."""
    from ams_etl.sync.extract.benefitpoint import extract_benefitpoint

    agency = agency_of(context)
    if reason := inapplicable(agencies.agency(agency), "raw_benefitpoint.accounts"):
        yield from nothing_to_read(context, (f"raw_benefitpoint.{table}" for table in _READ), reason)
        return
    with (
        permanent(),
        warehouse.connection() as connection,
        warehouse.lease(agency, "benefitpoint_read", context.run_id) as lease,
    ):
        report = with_tries(
            lambda: extract_benefitpoint(
                connection,
                agency,
                agencies.benefitpoint(agency),
                accounts=config.accounts,
                full=config.full,
                lease=lease,
                progress=run_log_progress(),
            )
        )
        about: dict[str, Any] = {
            "mode": report.mode,
            "accounts_read": report.accounts_read,
            "soap_calls": dg.MetadataValue.int(report.calls),
            "calls_by_operation": table_of(("operation", "calls"), report.calls_by_operation.items()),
            "retries": report.retries,
            "quarantined": report.quarantined,
            "seconds": round(report.seconds, 2),
        }
        for table in _READ:
            counts = report.tables.get(table, MergeCounts())
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["raw_benefitpoint", table]),
                metadata={
                    **about_table(connection, f"raw_benefitpoint.{table}", agency),
                    **about_merge(counts),
                    **(about if table == "accounts" else {}),
                },
            )


def _published(key: list[str], description: str, *deps: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey(key),
        description=description,
        group_name="accounts",
        kinds={"postgres"},
        owners=OWNERS,
        deps=[dg.AssetKey(dep.split(".")) for dep in deps],
        metadata={"dagster/table_name": ".".join(key)},
    )


@dg.multi_asset(
    name="publish_accounts",
    partitions_def=agency_partitions,
    specs=[
        _published(
            ["ops", "account_links"],
            "Which BenefitPoint account is which AMS360 customer: by id, by number, by a user's decision; equal names are "
            "suggested.",
            "raw_ams360.customers",
            "raw_benefitpoint.accounts",
        ),
        _published(
            ["mart", "accounts"],
            "One row per account, whichever system has it, marked ams360_synced and benefitpoint_synced.",
            "raw_ams360.customers",
            "raw_benefitpoint.accounts",
            "raw_benefitpoint.offices",
        ),
        _published(
            ["mart", "policies"],
            "Policies of AMS360 and plans of BenefitPoint; those that are the same are listed once.",
            "raw_ams360.policies",
            "raw_ams360.companies",
            "raw_ams360.lines_of_business",
            "raw_benefitpoint.plans",
            "raw_benefitpoint.carriers",
            "raw_benefitpoint.product_types",
        ),
    ],
)
def publish_accounts(
    context: dg.AssetExecutionContext,
    config: AccountsPublish,
    warehouse: Warehouse,
    agencies: AgenciesFile,
    sync_scope: SyncScopeConfig,
) -> Iterator[dg.MaterializeResult[None]]:
    """Link, then bring accounts and policies up to date for what was touched, with the difference in `mart.changes`."""
    from ams_etl.sync.accounts.publish_accounts import publish_accounts as publish
    from ams_etl.sync.accounts.publish_policies import publish_policies
    from ams_etl.sync.accounts.quality import coverage
    from ams_etl.writeback.benefit_plans.to_policies import enqueue_plans
    from ams_etl.writeback.benefit_plans.waiting import missing_codes

    agency = agency_of(context)
    chosen = agencies.agency(agency)
    # Who lets a plan through has said that what is lost is lost.
    let_through = config.past_the_brake or bool(sync_scope.apply_plan)
    benefitpoint, limits = chosen.benefitpoint, None if let_through else chosen.brake
    with (
        permanent(),
        warehouse.connection() as connection,
        warehouse.lease(agency, "publish", context.run_id) as lease,
    ):
        report = publish(connection, agency, run_id=context.run_id, limits=limits, lease=lease)
        policies = publish_policies(connection, agency, run_id=context.run_id, limits=limits, lease=lease)
        mappings = None if benefitpoint is None else benefitpoint.plan_mappings
        plans: dict[str, Any] = {"plans_for_ams360": enqueue_plans(connection, agency, agencies.today(), mappings)}
        plans |= _waiting(connection, agency, missing_codes(connection, agency))
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["ops", "account_links"]),
            metadata={
                **about_table(connection, "ops.account_links", agency),
                "links": table_of(("links", "pairs"), sorted(report.links.items())),
                "coverage": _picture(coverage(connection, agency)),
            },
        )
        for table, counts, column in (
            ("accounts", report.accounts, "classification"),
            ("policies", policies, "origin"),
        ):
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["mart", table]),
                metadata={
                    **about_table(connection, f"mart.{table}", agency),
                    "inserted": counts.inserted,
                    "updated": counts.updated,
                    "deleted": counts.deleted,
                    **(plans if table == "policies" else {}),
                    f"by_{column}": table_of((column, "rows"), totals_by(connection, f"mart.{table}", agency, column)),
                },
            )


def _waiting(connection: psycopg.Connection[Any], agency: str, missing: Sequence[MissingCode]) -> dict[str, Any]:
    """How many plans wait, and what for."""
    waiting = scalar(
        connection, "select count(distinct benefitpoint_plan_id) from ops.waiting_plans where agency = %s", (agency,)
    )
    table = {"plans_wait_for": reasons(missing)} if missing else {}
    return {"plans_waiting": waiting, **table}


def _picture(rows: list[tuple[str, int]]) -> dg.MarkdownMetadataValue:
    """Show one bar per relation of BenefitPoint's accounts to AMS360."""
    most = max((count for _, count in rows), default=0) or 1
    return table_of(
        ("BenefitPoint accounts", "", "how many"), ((name, "█" * round(24 * n / most), n) for name, n in rows)
    )
