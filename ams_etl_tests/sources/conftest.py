"""The contract and sandboxes that the tests of this room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ams_etl.sources.calling.retry import RetryPolicy
from ams_etl.sources.soap.contract import Contract
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

WSDL = Path(__file__).parents[2] / "ams_etl" / "sandbox" / "ams360" / "WSAPIService.wsdl"


@pytest.fixture(scope="session")
def contract() -> Contract:
    """AMS360's contract, from the file."""
    return Contract(str(WSDL), cache_folder=None)


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """A sandbox for tests that do not change it."""
    with running_sandbox(size=60) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(RetryPolicy, "delay", lambda _policy, _failed, _asked: 0.0)
