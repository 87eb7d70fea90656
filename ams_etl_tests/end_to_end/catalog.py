"""The whole Dagster catalog on one readable page, so that a change of it shows in a review.

`python -m ams_etl_tests.end_to_end.catalog --write` writes catalog.yaml; without it, the page is printed.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import yaml

PAGE = Path(__file__).parent / "catalog.yaml"


def render() -> str:
    """Return the page: every asset, check, job, schedule and sensor with what a reviewer must not miss."""
    from ams_etl.definitions import defs

    # In an instance of its own: Dagster asks the last one that this process entered, which another test may have dropped.
    # Without an agencies file: its `schedule` block would move the crons.
    with dg.DagsterInstance.ephemeral(), patch.dict(os.environ, AMS_ETL_CONFIG=os.devnull):
        repository = defs().get_repository_def()
    graph = repository.asset_graph
    checks: dict[str, list[str]] = {}
    for node in repository.asset_checks_defs_by_key.values():
        for spec in node.check_specs:
            blocking = " (blocking)" if spec.blocking else ""
            checks.setdefault(spec.asset_key.to_user_string(), []).append(spec.name + blocking)
    page = {
        "assets": {
            key.to_user_string(): _without_empty(
                {
                    "group": graph.get(key).group_name,
                    "owners": sorted(graph.get(key).owners),
                    "kinds": sorted(graph.get(key).kinds),
                    "partitions": getattr(graph.get(key).partitions_def, "name", None),
                    "depends on": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
                    "checks": sorted(set(checks.get(key.to_user_string(), ()))),
                }
            )
            for key in sorted(graph.materializable_asset_keys | graph.external_asset_keys)
        },
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "schedules": {
            schedule.name: {"job": schedule.job_name, "cron": _cron(schedule.cron_schedule)}
            for schedule in sorted(repository.schedule_defs, key=lambda schedule: schedule.name)
        },
        "sensors": {
            sensor.name: {"every seconds": sensor.minimum_interval_seconds}
            for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name)
        },
    }
    return yaml.safe_dump(page, sort_keys=False, width=120)


def _cron(cron: str | Sequence[str]) -> str | list[str]:
    return cron if isinstance(cron, str) else list(cron)


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, [], "")}


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(render(), encoding="utf-8")
    else:
        sys.stdout.write(render())
