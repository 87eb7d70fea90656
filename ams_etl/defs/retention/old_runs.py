"""Delete Dagster's old runs through its own API, but never one that an asset's or check's latest state is in.

`DagsterInstance.delete_run` also deletes the run's events. Of a run that holds a partition's newest materialization, that
would make the partition look as if it had never been materialized.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

REPOSITORY_TAG = ".dagster/repository"
"""Dagster's own tag of a run: the code location and repository whose job it is."""
_ASSET_EVENTS = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION}


@dataclass(frozen=True, slots=True)
class _Newest:
    """What must stay: events by their storage id, and runs."""

    events: frozenset[int]
    runs: frozenset[str]


def delete_old_runs(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    label: str,
    *,
    succeeded_before: datetime,
    failed_before: datetime,
) -> tuple[int, int]:
    """Delete this code location's finished runs from before these moments, with their events and compute logs.

    Args:
        instance: may be shared with other code locations, whose runs are left alone.
        repository: ours; its assets and checks say which runs must stay.
        label: the value of the tag `.dagster/repository` on our runs.
        succeeded_before: for runs that succeeded.
        failed_before: for runs that failed or were canceled.

    Returns:
        How many runs were deleted, and how many old ones were kept for the newest state that they hold.
    """
    newest = _newest(instance, repository)
    deleted = kept = 0
    for run_id in _old(instance, label, succeeded_before, failed_before):
        if _holds_newest(instance, run_id, newest):
            kept += 1
            continue
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        deleted += 1
    return deleted, kept


def _old(
    instance: dg.DagsterInstance, label: str, succeeded_before: datetime, failed_before: datetime
) -> Iterator[str]:
    for statuses, before in (
        ([dg.DagsterRunStatus.SUCCESS], succeeded_before),
        ([dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED], failed_before),
    ):
        yield from instance.get_run_ids(
            dg.RunsFilter(statuses=statuses, tags={REPOSITORY_TAG: label}, created_before=before)
        )


def _newest(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition) -> _Newest:
    events: set[int] = set()
    runs: set[str] = set()
    graph = repository.asset_graph
    keys: Sequence[dg.AssetKey] = list(graph.get_all_asset_keys())
    for key in keys:
        for kind in _ASSET_EVENTS:
            events |= set(instance.get_latest_storage_id_by_partition(key, kind).values())
    runs |= {event.run_id for event in instance.get_latest_materialization_events(keys).values() if event is not None}
    runs |= {
        check.latest_planned_run_id
        for check in instance.event_log_storage.get_asset_check_partition_info(list(graph.asset_check_keys))
    }
    return _Newest(frozenset(events), frozenset(runs))


def _holds_newest(instance: dg.DagsterInstance, run_id: str, newest: _Newest) -> bool:
    if run_id in newest.runs:
        return True
    cursor = None
    while True:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=_ASSET_EVENTS)
        if any(record.storage_id in newest.events for record in page.records):
            return True
        if not page.has_more:
            return False
        cursor = page.cursor
