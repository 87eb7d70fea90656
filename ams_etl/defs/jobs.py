"""The jobs: named selections of the asset graph, each one process, since a step's start costs more than its work."""

import dagster as dg

_ACCOUNTS = dg.AssetSelection.assets(["mart", "accounts"], ["mart", "policies"], ["ops", "account_links"])
CONTACTS = dg.AssetSelection.key_prefixes("mart") - _ACCOUNTS
"""What is published of contacts, whatever system they come from."""
_PUBLISHED = CONTACTS | _ACCOUNTS
_BENEFITPOINT = dg.AssetSelection.key_prefixes("raw_benefitpoint")
_EXTRACTED = dg.AssetSelection.key_prefixes("raw_ams360")
STAGED = dg.AssetSelection.key_prefixes("stage")
"""Candidates and the plan, whatever system they come from."""
_PLAN_KEY = dg.AssetKey(["stage", "contact_plan"])

sync_job = dg.define_asset_job(
    "sync",
    selection=_EXTRACTED | STAGED | _PUBLISHED,
    description="Read AMS360 (all, or the customers of sync_scope), derive what changed, publish the difference.",
    executor_def=dg.in_process_executor,
)

notified_job = dg.define_asset_job(
    "notified_sync",
    # The checks that watch the mart come with the daily sweep: they would take longer than all of this together.
    selection=(_EXTRACTED | STAGED | _PUBLISHED).without_checks()
    | dg.AssetSelection.checks(
        dg.AssetCheckKey(_PLAN_KEY, "every_planned_contact_meets_the_requirements"),
        dg.AssetCheckKey(_PLAN_KEY, "the_brake_lets_it_through"),
    ),
    description="Read the customers that notifications name, derive what changed, publish the difference, in seconds.",
    executor_def=dg.in_process_executor,
)

sync_plan_job = dg.define_asset_job(
    "sync_plan",
    selection=_EXTRACTED | STAGED,
    description="Read AMS360 and show what would change in the mart, without changing it.",
    executor_def=dg.in_process_executor,
)

freshness_job = dg.define_asset_job(
    "freshness",
    selection=dg.AssetSelection.keys(["ops", "freshness"]),
    description="How fresh the mart is, which changes no notification announced, and whether an agency's notifications stopped.",
    executor_def=dg.in_process_executor,
)

derive_job = dg.define_asset_job(
    "rederive",
    selection=STAGED | _PUBLISHED,
    description="Derive and publish, for one agency, what settings, mappings, overrides or a new day change; reads nothing.",
    executor_def=dg.in_process_executor,
)

reevaluation_job = dg.define_asset_job(
    "daily_reevaluation",
    selection=dg.AssetSelection.keys(["ops", "daily_reevaluation"], ["ops", "due_work"]),
    description="Derive and publish what the new day changes by itself, for all agencies; reads nothing from any system. "
    "Then list what is due next.",
    executor_def=dg.in_process_executor,
)

first_syncs_job = dg.define_asset_job(
    "first_syncs",
    selection=dg.AssetSelection.keys(["ops", "first_syncs"]),
    description="Read and publish all agencies that were never synced, several at once in one run.",
    executor_def=dg.in_process_executor,
)

benefitpoint_job = dg.define_asset_job(
    "benefitpoint_sync",
    selection=_BENEFITPOINT | STAGED | _PUBLISHED,
    description="Read BenefitPoint (what changed, some accounts, or everything), link its accounts, publish the difference "
    "in accounts, policies and contacts.",
    executor_def=dg.in_process_executor,
)

accounts_job = dg.define_asset_job(
    "publish_account_changes",
    selection=_ACCOUNTS,
    description="Publish accounts and policies of what was read already; past_the_brake lets a great loss through.",
    executor_def=dg.in_process_executor,
)

publish_job = dg.define_asset_job(
    "publish_plan",
    selection=_PUBLISHED,
    description="Publish a plan that a user reviewed (sync_scope.apply_plan holds its id), and accounts and policies with it.",
    executor_def=dg.in_process_executor,
)
