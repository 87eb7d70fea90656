"""One sandbox for all tests that leave it as it is; `sandbox` is one of a test's own."""

from collections.abc import Iterator

import pytest

from ams_etl_tests.sandbox.service import Service, connect
from ams_etl_tests.sandbox.wire import Wire
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """900 customers; only read from."""
    with running_sandbox(size=900) as running:
        yield running


@pytest.fixture
def wire(shared_sandbox: Sandbox) -> Wire:
    """A logged-in hand-written client of the shared sandbox."""
    made = Wire(shared_sandbox)
    made.login()
    return made


@pytest.fixture(scope="session")
def reading(shared_sandbox: Sandbox) -> Service:
    """A logged-in zeep client of the shared sandbox."""
    return connect(shared_sandbox)


@pytest.fixture
def service(sandbox: Sandbox) -> Service:
    """A logged-in zeep client of the test's own sandbox."""
    return connect(sandbox)


@pytest.fixture(scope="session")
def customer_id(shared_sandbox: Sandbox) -> str:
    """Some customer."""
    return str(shared_sandbox.ask("customers")[5][0])


@pytest.fixture(scope="session")
def frozen_sandbox() -> Iterator[Sandbox]:
    """One whose day is 21 November 2026."""
    with running_sandbox(more=("--today", "2026-11-21")) as running:
        yield running


@pytest.fixture(scope="session")
def letter(shared_sandbox: Sandbox) -> str:
    """A letter with which last names of customers, prospects and suspects begin."""
    found: dict[str, set[str]] = {}
    for customer in shared_sandbox.ask("state/customers"):
        found.setdefault((customer.get("LastName") or " ")[0].upper(), set()).add(customer["CustomerType"])
    return next(letter for letter, types in sorted(found.items()) if letter > "A" and len(types) == 3)
