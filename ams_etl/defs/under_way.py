"""Whether a run still goes on, so that nobody starts it twice."""

from collections.abc import Iterable, Mapping

import dagster as dg

_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def is_under_way(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags waits, starts, runs or is being stopped."""
    return bool(instance.get_runs(dg.RunsFilter(tags=dict(tags), statuses=_UNDER_WAY), limit=1))


def agencies_under_way(
    instance: dg.DagsterInstance, tag: str, agencies: Iterable[str], also: Mapping[str, str] | None = None
) -> set[str]:
    """Return those of these agencies that a run with the tag waits, starts or runs for: one query for all of them."""
    wanted = list(agencies)
    if not wanted:
        return set()
    runs = instance.get_runs(dg.RunsFilter(tags={tag: wanted, **(also or {})}, statuses=_UNDER_WAY))
    return {run.tags[tag] for run in runs}


def asked_agencies(instance: dg.DagsterInstance, run_key_prefix: str) -> set[str]:
    """Return what follows this beginning of a run key, the agency as a rule, in all runs that were asked for: one query."""
    found = instance.get_run_tags(tag_keys=["dagster/run_key"], value_prefix=run_key_prefix)
    return {value.removeprefix(run_key_prefix) for _, values in found for value in values}
