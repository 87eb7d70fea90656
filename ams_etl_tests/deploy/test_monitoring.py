"""Every query of the dashboard runs against the schema, and every metric that a rule or panel names is there."""

import json
import re
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ams_etl.follow.metrics import FollowerMetrics
from ams_etl.inbound.metrics import DoorMetrics
from ams_etl.store.database import dagster_url
from ams_etl.store.signs_of_life.followers import FollowerBatch

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "monitoring"
QUERIES: dict[str, Any] = yaml.safe_load((FOLDER / "queries.yaml").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
TARGETS = [t for panel in json.loads((FOLDER / "grafana.json").read_text())["panels"] for t in panel["targets"]]
NAME = re.compile(r"\bams_etl_\w+")


def inbound_metrics() -> set[str]:
    metrics = DoorMetrics()
    metrics.understood.labels("done").inc()
    return samples(metrics.text({"pending": 1}).decode())


def follower_metrics() -> set[str]:
    metrics = FollowerMetrics()
    metrics.note(FollowerBatch("acme", "notifications", 1, 1, 1.0, {"reading": 0.1}, error="failed"))
    return samples(generate_latest(metrics._registry).decode())


def samples(text: str) -> set[str]:
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def queried_metrics() -> set[str]:
    return {
        f"{name}_{column}"
        for name, query in QUERIES.items()
        for metric in query["metrics"]
        for column, about in metric.items()
        if about["usage"] != "LABEL"
    }


def test_every_metric_that_is_named_is_there() -> None:
    """In rules and panels; and the page of monitoring lists all of them."""
    known = inbound_metrics() | follower_metrics() | queried_metrics()
    expressions = [rule["expr"] for rule in RULES] + [target["expr"] for target in TARGETS if "expr" in target]
    named = {name for expression in expressions for name in NAME.findall(expression)}
    assert named
    assert not named - known
    page = (ROOT / "docs" / "monitoring.md").read_text()
    unlisted = {name for name in known if not name.endswith(("_created", "_bucket", "_sum", "_count"))} - set(
        NAME.findall(page)
    )
    assert not unlisted


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_leads_to_a_section_of_a_page(rule: dict[str, Any]) -> None:
    """Whoever is woken up reads what to do."""
    page, section = rule["annotations"]["runbook"].split("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert section in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_every_query_runs_and_has_its_columns(
    connection: psycopg.Connection[Any], database: str, tmp_path: Path
) -> None:
    """Dagster's own tables included."""
    storage = {"postgres": {"postgres_url": dagster_url(database)}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides={"storage": storage}) as instance:
        assert instance.get_runs_count() == 0
        for query in QUERIES.values():
            found = connection.execute(query["query"])
            assert found.description is not None
            assert [column.name for column in found.description] == [
                name for metric in query["metrics"] for name in metric
            ]
        asked = [target["rawSql"] for target in TARGETS if "rawSql" in target]
        assert len(asked) > 5
        for statement in asked:
            connection.execute(statement).fetchall()
