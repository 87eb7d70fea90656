"""From candidates to contacts: derive what changed, plan the difference, publish it."""

from collections.abc import Iterator
from uuid import UUID

import dagster as dg

from ams_etl.defs.contacts.published import published_tables
from ams_etl.defs.failures import permanent
from ams_etl.defs.metadata import about_table
from ams_etl.defs.other_systems.records import RECORDS
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.progress import run_log_progress
from ams_etl.defs.resources import AgenciesFile, SyncScopeConfig, Warehouse

_KINDS = {"python", "postgres"}
_RAW = [
    dg.AssetKey(["raw_ams360", table])
    for table in (
        "employees", "business_units", "companies", "lines_of_business",
        "customers", "customer_contacts", "customer_dependents", "policies",
    )
] + [dg.AssetKey(["raw_benefitpoint", table]) for table in (
    "accounts", "contacts", "plans", "offices", "carriers", "product_types",
)] + [dg.AssetKey([f"raw_{system}", table]) for system, tables in RECORDS.items() for table in tables]  # fmt: skip
PLAN_KEY = dg.AssetKey(["stage", "contact_plan"])


@dg.asset(
    key=["stage", "contact_candidates"],
    group_name="contacts",
    kinds=_KINDS,
    owners=OWNERS,
    partitions_def=agency_partitions,
    deps=_RAW,
    metadata={"dagster/table_name": "stage.candidates"},
)
def contact_candidates(
    context: dg.AssetExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.MaterializeResult[None]:
    """Who may become a contact (rules C, N, L, T, K, X): only customers whose inputs changed are derived again."""
    from ams_etl.sync.contacts.derive import derive_dirty, mark_due

    agency = agency_of(context)
    settings, today = agencies.agency(agency).settings, agencies.today()
    with (
        permanent(),
        warehouse.connection() as connection,
        warehouse.lease(agency, "publish", context.run_id) as lease,
    ):
        due = mark_due(connection, agency, settings, today, lease=lease)
        progress = run_log_progress()
        counts = derive_dirty(
            connection, agency, settings, today, lambda done: progress("customers derived", done, due), lease=lease
        )
        about = about_table(connection, "stage.candidates", agency)
    return dg.MaterializeResult(
        metadata={
            **about,
            "customers_derived": counts.customers,
            "candidates_derived": counts.candidates,
            "candidates_changed": counts.changed,
            "records_skipped": counts.skipped,
            "today": str(today),
        }
    )


@dg.asset(
    key=PLAN_KEY,
    group_name="contacts",
    kinds=_KINDS,
    owners=OWNERS,
    partitions_def=agency_partitions,
    deps=[contact_candidates],
    metadata={"dagster/table_name": "stage.planned_contacts"},
)
def contact_plan(
    context: dg.AssetExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.MaterializeResult[None]:
    """What publishing would insert, update and delete: the merged contacts (rules M, O, T4) against the mart."""
    from ams_etl.sync.contacts.plan import make_plan

    agency = agency_of(context)
    chosen = agencies.agency(agency)
    progress = run_log_progress()
    with (
        permanent(),
        warehouse.connection() as connection,
        warehouse.lease(agency, "publish", context.run_id) as lease,
    ):
        plan = make_plan(
            connection,
            agency,
            chosen.settings,
            chosen.brake,
            agencies.today(),
            lambda done: progress("candidates merged", done, None),
            lease=lease,
        )
        counts = plan.counts
        about = about_table(connection, "stage.planned_contacts", agency)
    return dg.MaterializeResult(
        metadata={
            **about,
            "plan_id": str(plan.plan_id),
            "insert": counts.insert,
            "update": counts.update,
            "delete": counts.delete,
            "unchanged": counts.unchanged,
            "owner_changes": counts.owner_changes,
            "candidates_read": counts.candidates_read,
            "contacts_before": counts.contacts_before,
            "stopped_by": plan.stopped_by or "nothing",
        }
    )


def _published(table: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey(["mart", table]),
        description=description,
        group_name="contacts",
        kinds={"postgres"},
        owners=OWNERS,
        deps=[PLAN_KEY],
        metadata={"dagster/table_name": f"mart.{table}"},
    )


@dg.multi_asset(
    name="publish_contacts",
    partitions_def=agency_partitions,
    specs=[
        _published("contacts", "One row a contact: name, company, first e-mail and phone, address, owner, status."),
        _published("contact_emails", "Every e-mail address of a contact."),
        _published("contact_phones", "Every phone of a contact, E.164 where valid."),
        _published("contact_sources", "The crosswalk: which source records a contact was made of."),
        _published("contact_tags", "Default, policy, place and ownership tags."),
        _published("key_facts", "Birthdays and renewals."),
        _published("connections", "Which employee of the agency has which role for the contact."),
        _published("skipped_contacts", "Every source record that became no contact, with the rule and the reason."),
        _published("changes", "The change feed: every contact inserted, updated or deleted, before and after."),
    ],
)
def publish_contacts(
    context: dg.AssetExecutionContext, warehouse: Warehouse, agencies: AgenciesFile, sync_scope: SyncScopeConfig
) -> Iterator[dg.MaterializeResult[None]]:
    """Apply the plan to `mart.*` in one transaction, with its rows in the change feed."""
    from ams_etl.store.signs_of_life.followers import take_back
    from ams_etl.sync.contacts.publish import PlanOutdated, publish
    from ams_etl.sync.notifications.batches import close
    from ams_etl.sync.publish_changes import publish_changes
    from ams_etl.sync.runs import SyncRuns

    agency = agency_of(context)
    wanted = UUID(sync_scope.apply_plan) if sync_scope.apply_plan else None
    with (
        permanent(),
        warehouse.connection() as connection,
        warehouse.lease(agency, "publish", context.run_id) as lease,
    ):
        try:
            counts = publish(connection, agency, plan_id=wanted, run_id=context.run_id, lease=lease)
        except PlanOutdated:
            if wanted:
                raise
            context.log.info("another publish came after this run's plan: deriving and planning again")
            counts = publish_changes(
                connection, agencies.agency(agency), agencies.today(), lease=lease, run_id=context.run_id
            ).contacts
        published = {"inserted": counts.inserted, "updated": counts.updated, "deleted": counts.deleted}
        SyncRuns(connection, agency).published(published)
        take_back(connection, agency)
        if sync_scope.batch:
            close(connection, agency, UUID(sync_scope.batch), "done")
        yield from published_tables(connection, agencies.read(), agency, published)
