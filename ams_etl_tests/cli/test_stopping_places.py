"""Wherever in a run the signal comes, the run ends CANCELED and the command with the signal's code."""

import os
import signal
import uuid
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from ams_etl.cli.stopping import RunStopped, stoppable


def stop(number: int) -> None:
    os.kill(os.getpid(), number)


class Place(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Sends the signal at its place, once."""

    at: str = ""
    number: int = 0

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        self.stop_at("resource")

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        self.stop_at("teardown")

    def stop_at(self, place: str) -> None:
        if place == self.at:
            stop(self.number)


class Keeper(dg.IOManager):
    """Stores nothing; sends the signal while an output is stored or loaded."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        self._place.stop_at("output")

    def load_input(self, context: dg.InputContext) -> int:
        self._place.stop_at("input")
        return 1


@dg.io_manager(required_resource_keys={"place"})
def keeper(context: Any) -> Keeper:
    return Keeper(context.resources.place)


@dg.op(out=dg.Out(io_manager_key="keeper"))
def first(place: Place) -> int:
    place.stop_at("step")
    if place.at == "twice":
        try:
            stop(place.number)
        finally:
            stop(place.number)
    if place.at == "turned into an error":
        try:
            stop(place.number)
        except BaseException:  # noqa: BLE001 - as a library might
            raise ValueError("no connection") from None
    return 1


@dg.op
def second(place: Place, number: int) -> None:
    place.stop_at("second step")


@dg.job(executor_def=dg.in_process_executor)
def work() -> None:
    second(first())


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def run(instance: dg.DagsterInstance, at: str, number: int) -> str:
    run_id = str(uuid.uuid4())
    place = Place(at=at, number=number)
    with stoppable(instance, run_id, "and so on"):
        if at == "before the run":
            stop(number)
        work.execute_in_process(
            instance=instance, run_id=run_id, raise_on_error=False, resources={"place": place, "keeper": keeper}
        )
        if at == "after the run":
            stop(number)
    return run_id


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "at", ["before the run", "resource", "step", "twice", "turned into an error", "output", "input", "second step"]
)
def test_the_run_is_canceled(instance: dg.DagsterInstance, at: str, number: int) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RunStopped, match=r"stopped: run .* is canceled; and so on") as stopped:
        run(instance, at, number)
    assert stopped.value.exit_code == 128 + number
    (made,) = instance.get_runs(limit=1)
    assert made.status is dg.DagsterRunStatus.CANCELED
    kinds = {entry.dagster_event.event_type_value for entry in instance.all_logs(made.run_id) if entry.dagster_event}
    assert kinds & {"PIPELINE_FAILURE", "PIPELINE_SUCCESS", "PIPELINE_CANCELED"} == {"PIPELINE_CANCELED"}
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", ["teardown", "after the run"])
def test_a_run_that_had_ended_stays_as_it_is(instance: dg.DagsterInstance, at: str, number: int) -> None:
    """The command ends all the same: what it would do next is not wanted any more."""
    with pytest.raises(RunStopped) as stopped:
        run(instance, at, number)
    assert stopped.value.exit_code == 128 + number
    (made,) = instance.get_runs(limit=1)
    assert made.status in {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED}


def test_without_a_signal_nothing_is_changed(instance: dg.DagsterInstance) -> None:
    run_id = run(instance, "", 0)
    made = instance.get_run_by_id(run_id)
    assert made is not None
    assert made.status is dg.DagsterRunStatus.SUCCESS
    assert "get_run_by_id" not in vars(instance)
    assert signal.set_wakeup_fd(-1) == -1
