"""The checks that guard the publish: blocking, and plain SQL, since every run waits for them, of two customers too.

What watches the published tables comes after it (mart_checks.py).
"""

import dagster as dg

from ams_etl.defs.contacts.assets import PLAN_KEY
from ams_etl.defs.expectations import SAMPLE
from ams_etl.defs.partitions import agency_partitions
from ams_etl.defs.resources import Warehouse

NO_GREETING = r"\((?:deceased|dnc|dec'd|do not contact|minor|former)|^(?:mr|mrs|ms|dr)\.?$"
"""What nobody may be greeted as (N7, N10), in lower case; a name given in the platform could bring it in."""
_PLANNED = """with planned as (
    select contact_id::text as id, lower(coalesce(document ->> 'nickname', document ->> 'first_name')) as greeting,
        coalesce(document ->> 'first_name', document ->> 'last_name', document ->> 'email') as name_or_email,
        jsonb_array_length(document -> 'sources') as sources
    from stage.planned_contacts where agency = %(agency)s and op <> 'delete'),
unfit as (
    select id, name_or_email is null as is_nameless, sources is null or sources < 1 as has_no_source,
        coalesce(greeting ~ %(no_greeting)s, false) as is_greeted_by_a_mark
    from planned)
select (select count(*) from planned), count(*), count(*) filter (where is_nameless), count(*) filter (where has_no_source),
    count(*) filter (where is_greeted_by_a_mark), coalesce((array_agg(id order by id))[1:%(sample)s], '{}')
from unfit where is_nameless or has_no_source or is_greeted_by_a_mark"""


@dg.asset_check(
    asset=PLAN_KEY,
    name="every_planned_contact_meets_the_requirements",
    description="Q1, Q2, N10: every contact about to be published has a name or email, a source, and no mark as greeting.",
    blocking=True,
    partitions_def=agency_partitions,
)
def every_planned_contact_meets_the_requirements(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse
) -> dg.AssetCheckResult:
    """Look at what would be published, before it is."""
    asked = {"agency": context.partition_key, "no_greeting": NO_GREETING, "sample": SAMPLE}
    with warehouse.connection() as connection:
        row = connection.execute(_PLANNED, asked).fetchone()
    if row is None:
        raise AssertionError("an aggregate gives a row")
    planned, unfit, nameless, sourceless, marked, ids = row
    return dg.AssetCheckResult(
        passed=not unfit,
        metadata={
            "rows": planned,
            "violations": unfit,
            "without_name_or_email": nameless,
            "without_source": sourceless,
            "greeted_by_a_mark": marked,
            "sample_ids": dg.MetadataValue.json(ids),
        },
    )


@dg.asset_check(
    asset=PLAN_KEY,
    name="the_brake_lets_it_through",
    description="The plan deletes and re-owns no more contacts than the agency's brake allows.",
    blocking=True,
    partitions_def=agency_partitions,
)
def the_brake_lets_it_through(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
    """Say what the brake saw and how a person lets the plan through."""
    from ams_etl.sync.contacts.plan_report import latest_plan

    agency = context.partition_key
    with warehouse.connection() as connection:
        plan = latest_plan(connection, agency)
    if plan is None or plan.stopped_by is None:
        return dg.AssetCheckResult(passed=True)
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=plan.stopped_by,
        metadata={
            "plan_id": str(plan.plan_id),
            "look_at_it": f"ams-etl plan {agency}",
            "let_it_through": f"ams-etl sync {agency} --apply {plan.plan_id}  (or the job publish_plan)",
        },
    )
