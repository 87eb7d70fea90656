"""What a person clicks in the UI, over the GraphQL that the UI itself uses."""

import json
import time
import urllib.request
from typing import Any

_LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_TERMINATE = """mutation ($id: String!, $policy: TerminateRunPolicy) { terminateRun(runId: $id, terminatePolicy: $policy) {
    __typename } }"""
_STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
_WHY = """query ($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection { events {
    ... on ExecutionStepFailureEvent { stepKey error { message } failureMetadata { description } }
    ... on RunFailureEvent { message } } } } } }"""
_BACKFILL = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_BACKFILL_STATUS = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status } } }"""
_LINEAGE = """query ($path: [String!]!) { assetNodeOrError(assetKey: {path: $path}) { ... on AssetNode {
    assetMaterializations(limit: 1) { metadataEntries { ... on TableColumnLineageMetadataEntry {
        lineage { columnName columnDeps { assetKey { path } columnName } } } } } } } }"""
_SENSORS = """query ($repository: RepositorySelector!) { sensorsOrError(repositorySelector: $repository) {
    ... on Sensors { results { id name } } } }"""
_STOP_SENSOR = "mutation ($id: String!) { stopSensor(id: $id) { __typename } }"
_RUNS = "query { runsOrError { ... on Runs { results { runId status jobName } } } }"


class UserInterface:
    """The UI of `ams-etl up` at its address."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/graphql"

    def launch(self, job: str, agency: str | None) -> str:
        """Launch a job from its Launchpad, without tags of ours; returns the run's id. None: the job has no partitions."""
        scope = agency is not None and "sync" in job
        launched = self._ask(
            _LAUNCH,
            {
                "params": {
                    "selector": {
                        "repositoryLocationName": "ams_etl", "repositoryName": "__repository__", "jobName": job,
                    },
                    "runConfigData": {"resources": {"sync_scope": {"config": {}}}} if scope else {},
                    "executionMetadata": {"tags": [{"key": "dagster/partition", "value": agency}] if agency else []},
                }
            },
        )["launchRun"]  # fmt: skip
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def backfill(self, job: str, agencies: list[str]) -> str:
        """Launch a backfill of a job's partitions; returns its id."""
        repository = {"repositoryLocationName": "ams_etl", "repositoryName": "__repository__"}
        launched = self._ask(
            _BACKFILL,
            {
                "params": {
                    "selector": {"repositorySelector": repository, "partitionSetName": f"{job}_partition_set"},
                    "partitionNames": agencies, "fromFailure": False, "tags": [],
                }
            },
        )["launchPartitionBackfill"]  # fmt: skip
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def backfill_ended(self, backfill: str, seconds: float = 300) -> str:
        """The status of a backfill once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            status = str(self._ask(_BACKFILL_STATUS, {"id": backfill})["partitionBackfillOrError"]["status"])
            if status not in {"REQUESTED", "CANCELING", "FAILING"}:
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.5)

    def column_lineage(self, path: list[str], column: str) -> list[tuple[str, str]]:
        """The columns that a column of the last materialization comes from, as asset and column."""
        (made,) = self._ask(_LINEAGE, {"path": path})["assetNodeOrError"]["assetMaterializations"]
        columns = [column for entry in made["metadataEntries"] for column in entry.get("lineage") or ()]
        return [
            ("/".join(dep["assetKey"]["path"]), dep["columnName"])
            for known in columns if known["columnName"] == column for dep in known["columnDeps"]
        ]  # fmt: skip

    def terminate(self, run_id: str, *, force: bool = False) -> None:
        """The button of that name, with its box `Force termination immediately`."""
        policy = "MARK_AS_CANCELED_IMMEDIATELY" if force else "SAFE_TERMINATE"
        ended = self._ask(_TERMINATE, {"id": run_id, "policy": policy})["terminateRun"]
        assert ended["__typename"] == "TerminateRunSuccess", ended

    def stop_sensors(self) -> None:
        """Turn every sensor off, so that only what somebody clicks runs."""
        repository = {"repositoryLocationName": "ams_etl", "repositoryName": "__repository__"}
        for sensor in self._ask(_SENSORS, {"repository": repository})["sensorsOrError"]["results"]:
            stopped = self._ask(_STOP_SENSOR, {"id": sensor["id"]})["stopSensor"]
            assert stopped["__typename"] == "StopSensorMutationResult", (sensor, stopped)

    def status(self, run_id: str) -> str:
        """Of one run."""
        return str(self._ask(_STATUS, {"id": run_id})["runOrError"]["status"])

    def why(self, run_id: str) -> str:
        """What a run's failures say."""
        events = self._ask(_WHY, {"id": run_id})["runOrError"]["eventConnection"]["events"]
        return "\n".join(str(event) for event in events if event)

    def runs(self) -> list[dict[str, str]]:
        """All runs, the newest first."""
        found: list[dict[str, str]] = self._ask(_RUNS, {})["runsOrError"]["results"]
        return found

    def ended(self, run_id: str, seconds: float = 180) -> str:
        """The status once the run has ended."""
        deadline = time.monotonic() + seconds
        while (status := self.status(run_id)) not in {"SUCCESS", "FAILURE", "CANCELED"}:
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
        return status

    def _ask(self, query: str, variables: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self._url,
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            read = json.load(answer)
        assert "errors" not in read, read
        return read["data"]
