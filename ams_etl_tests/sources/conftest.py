"""The contract and stand-ins that the tests of this room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ams_etl.sources.soap.contract import Contract
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

WSDL = Path(__file__).parents[2] / "ams_etl" / "sandbox" / "ams360" / "WSAPIService.wsdl"


@pytest.fixture(scope="session")
def contract() -> Contract:
    """AMS360's contract, from the file."""
    return Contract(str(WSDL), cache_folder=None)


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """A stand-in for tests that leave it as it was."""
    with running_sandbox(size=60) as running:
        yield running
