"""The manifests fit Kubernetes' published schemas, and the values name keys that Dagster's chart has."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
MANIFESTS = sorted(set(FOLDER.glob("*.yaml")) - {FOLDER / "values.yaml"})
CONTAINER = {"image", "env", "envConfigMaps", "envSecrets", "annotations", "labels", "nodeSelector", "affinity", "tolerations",
             "podSecurityContext", "securityContext", "resources", "livenessProbe", "readinessProbe", "startupProbe",
             "volumes", "volumeMounts", "schedulerName"}  # fmt: skip
DAYS = {"purgeAfterDays": {"skipped", "success", "failure", "started"}}
# As the chart's values.schema.json of 1.13 has them, of what our file uses; None: anything below it.
KEYS: dict[str, Any] = {
    "global": {"postgresqlSecretName", "dagsterHome", "serviceAccountName", "celeryConfigSecretName", "dagsterInstanceConfigMap"},
    "generatePostgresqlPasswordSecret": None,
    "generateCeleryConfigSecret": None,
    "postgresql": {"enabled", "image", "postgresqlHost", "postgresqlUsername", "postgresqlPassword", "postgresqlDatabase",
                   "postgresqlParams", "postgresqlScheme", "service"},
    "dagster-user-deployments": {"enabled", "enableSubchart", "imagePullSecrets", "deployments"},
    "runLauncher": {"type": None, "config": {"k8sRunLauncher": {
        "image", "imagePullPolicy", "jobNamespace", "loadInclusterConfig", "kubeconfigFile", "envConfigMaps", "envSecrets",
        "envVars", "volumeMounts", "volumes", "labels", "failPodOnRunFailure", "resources", "securityContext",
        "runK8sConfig"}}},
    "dagsterWebserver": CONTAINER | {"replicaCount", "service", "workspace", "pathPrefix", "enableReadOnly", "logLevel"},
    "dagsterDaemon": {**dict.fromkeys(CONTAINER), "enabled": None, "heartbeatTolerance": None,
        "runCoordinator": {"enabled": None, "type": None, "config": {"queuedRunCoordinator": {
            "maxConcurrentRuns", "tagConcurrencyLimits", "dequeueIntervalSeconds", "dequeueNumWorkers", "dequeueUseThreads",
            "blockOpConcurrencyLimitedRuns"}}},
        "runMonitoring": None, "runRetries": None,
        "sensors": {"useThreads", "numWorkers", "numSubmitWorkers"},
        "schedules": {"useThreads", "numWorkers", "numSubmitWorkers"}},
    "retention": {"enabled": None, "schedule": DAYS, "sensor": DAYS, "autoMaterialize": DAYS},
    "pythonLogs": {"pythonLogLevel", "managedPythonLoggers", "dagsterHandlerConfig"},
    **{name: {"enabled"} for name in ("telemetry", "rabbitmq", "redis", "flower")},
}  # fmt: skip
DEPLOYMENT = CONTAINER | {
    "name",
    "port",
    "codeServerArgs",
    "dagsterApiGrpcArgs",
    "includeConfigInLaunchedRuns",
    "replicaCount",
}


def unknown(given: Any, known: Any, path: str = "") -> list[str]:
    """The paths in `given` that `known` does not have."""
    if known is None or not isinstance(given, dict):
        return []
    found = []
    for name, value in given.items():
        if name not in known:
            found.append(f"{path}{name}")
        elif isinstance(known, dict):
            found += unknown(value, known[name], f"{path}{name}.")
    return found


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text())
    return read


def test_the_manifests_fit_the_published_schemas() -> None:
    """Strictly: a misspelt member is a mistake."""
    tool = Path(sys.executable).parent / "kubernetes-validate"
    done = subprocess.run([tool, "--strict", *MANIFESTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_values_name_what_the_chart_has(values: dict[str, Any]) -> None:
    """A misspelt key is ignored by Helm where the chart's schema allows others."""
    assert unknown(values, KEYS) == []
    for deployment in values["dagster-user-deployments"]["deployments"]:
        assert not set(deployment) - DEPLOYMENT
    assert unknown({"postgresql": {"host": 1}}, KEYS) == ["postgresql.host"]


def test_the_chart_is_of_the_version_that_we_pin(values: dict[str, Any]) -> None:
    """Chart and image speak to one database."""
    assert f"--version {version('dagster')} " in (FOLDER / "values.yaml").read_text()
    # With plain `postgresql`, SQLAlchemy 2.1 takes psycopg 3, and dagster-postgres fails in every run.
    assert values["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"


def test_the_queue_is_limited_as_on_one_machine(values: dict[str, Any]) -> None:
    """The tags of dagster.yaml: with another one, a notified customer would wait for a full sync of its agency."""
    ours = yaml.safe_load((FOLDER.parents[1] / "dagster.yaml").read_text())["concurrency"]["runs"][
        "tag_concurrency_limits"
    ]
    queue = values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert [(limit["key"], limit["limit"]) for limit in queue["tagConcurrencyLimits"]] == [
        (limit["key"], limit["limit"]) for limit in ours
    ]


def test_the_charts_pods_have_no_rights_that_they_do_not_need(values: dict[str, Any]) -> None:
    """As ours; their root file systems stay writable, since the chart mounts nothing for /tmp."""
    for pod in (
        values["dagsterWebserver"],
        values["dagsterDaemon"],
        *values["dagster-user-deployments"]["deployments"],
    ):
        assert pod["podSecurityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert pod["resources"]["limits"]["memory"]


def test_every_deployment_is_probed_and_walled_in() -> None:
    """A hanging pod is restarted, and each has a NetworkPolicy; what runs twice, a PodDisruptionBudget."""
    documents = [document for manifest in MANIFESTS for document in yaml.safe_load_all(manifest.read_text())]
    named = {(document["kind"], document["metadata"]["name"]) for document in documents}
    deployments = [document for document in documents if document["kind"] == "Deployment"]
    assert {document["metadata"]["name"] for document in deployments} == {
        f"ams-etl-{name}" for name in ("alerts", "follow", "inbound", "pages")
    }
    for document in deployments:
        name = document["metadata"]["name"]
        (container,) = document["spec"]["template"]["spec"]["containers"]
        assert container["livenessProbe"], name
        assert container["startupProbe"], name
        assert ("NetworkPolicy", name) in named
        if document["spec"]["replicas"] > 1:
            assert container["readinessProbe"], name
            assert ("PodDisruptionBudget", name) in named


def test_pods_have_no_rights_that_they_do_not_need() -> None:
    """Not root, nothing writable but what is mounted, no token of the cluster, secrets by reference alone."""
    for manifest in MANIFESTS:
        text = manifest.read_text()
        for document in yaml.safe_load_all(text):
            pod = document.get("spec", {}).get("template", {}).get("spec")
            if pod is None:
                continue
            assert pod["automountServiceAccountToken"] is False
            assert pod["securityContext"]["runAsNonRoot"] is True
            for container in pod["containers"]:
                assert container["securityContext"]["readOnlyRootFilesystem"] is True
                assert container["resources"]["limits"]["memory"]
                assert container["envFrom"] == [{"secretRef": {"name": "ams-etl"}}]
        assert "password" not in text.lower()
