"""Whether a run still goes on, so that nobody starts it twice."""

from collections.abc import Mapping

import dagster as dg

_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def is_under_way(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags waits, starts, runs or is being stopped."""
    return bool(instance.get_runs(dg.RunsFilter(tags=dict(tags), statuses=_UNDER_WAY), limit=1))
