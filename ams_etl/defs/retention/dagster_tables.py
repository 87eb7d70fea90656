"""Delete rows of Dagster's own tables that its API never deletes: the only SQL on them in this project.

`delete_run` leaves the run's rows in `asset_check_executions`, and events without a run have no public way to go by age.
The statements were read against the tables of the versions named here; with any other, nothing is deleted.
"""

from datetime import datetime

import dagster as dg
import sqlalchemy

REVIEWED = ("1.13.",)
"""Beginnings of the versions of Dagster whose tables these statements fit."""

_STEP = 5_000
_CHECKS = sqlalchemy.text(
    """with gone as (
        delete from asset_check_executions where id in (
            select old.id from asset_check_executions old
            where old.asset_key in :assets and old.create_timestamp < :before
                and not exists (select 1 from runs r where r.run_id = old.run_id)
                and exists (
                    select 1 from asset_check_executions newer
                    where newer.asset_key = old.asset_key and newer.check_name = old.check_name
                        and coalesce(newer.partition, '') = coalesce(old.partition, '') and newer.id > old.id)
            limit :step)
        returning id)
    select count(*) from gone"""
).bindparams(sqlalchemy.bindparam("assets", expanding=True))
_EVENTS_WITHOUT_RUN = sqlalchemy.text(
    """with gone as (
        delete from event_logs where id in (
            select old.id from event_logs old
            where old.run_id = '' and old.asset_key in :assets and old.timestamp < :before
                and exists (
                    select 1 from event_logs newer
                    where newer.asset_key = old.asset_key and newer.dagster_event_type = old.dagster_event_type
                        and coalesce(newer.partition, '') = coalesce(old.partition, '') and newer.id > old.id)
            limit :step)
        returning id),
    tags as (delete from asset_event_tags where event_id in (select id from gone))
    select count(*) from gone"""
).bindparams(sqlalchemy.bindparam("assets", expanding=True))


def delete_leftovers(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, before: datetime
) -> tuple[int, int] | None:
    """Delete old check rows of deleted runs and old events without a run, for this repository's assets.

    The newest row of an asset, check and partition always stays.

    Returns:
        How many check rows and how many events were deleted; None where runs and events are not in one Postgres database,
        or the version of Dagster is not a reviewed one.
    """
    from dagster_postgres.event_log import PostgresEventLogStorage
    from dagster_postgres.run_storage import PostgresRunStorage

    storage, runs = instance.event_log_storage, instance.run_storage
    if not dg.__version__.startswith(REVIEWED) or not isinstance(storage, PostgresEventLogStorage):
        return None
    if not isinstance(runs, PostgresRunStorage) or runs.postgres_url != storage.postgres_url:
        return None
    assets = [key.to_string() for key in repository.asset_graph.get_all_asset_keys()]
    counts = []
    for statement in (_CHECKS, _EVENTS_WITHOUT_RUN):
        total, rows = 0, _STEP
        while rows == _STEP:
            with storage.index_connection() as connection:
                # Dagster's timestamps have no time zone and are in UTC.
                values = {"assets": assets, "before": before.replace(tzinfo=None), "step": _STEP}
                rows = connection.execute(statement, values).scalar_one()
            total += rows
        counts.append(total)
    return counts[0], counts[1]
