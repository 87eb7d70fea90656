"""One page and one database for the tests of a run; each test sets up what it needs."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ams_etl.pages.jobs.queue import COMMANDS
from ams_etl.store.database import connect
from ams_etl_tests.pages.pages_process import (
    Site,
    Visitor,
    people,
    records,
    running_pages,
    work_for_people,
    write_agencies,
)
from ams_etl_tests.postgres import fresh_database


@pytest.fixture(scope="session")
def site(postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page of two agencies that hold the same records."""
    home = tmp_path_factory.mktemp("pages")
    write_agencies(home)
    with fresh_database(postgres_server, migrated_template) as url:
        with connect(url) as connection:
            records(connection)
            work_for_people(connection)
            people(connection)
        with running_pages(home, url) as running:
            yield running


@pytest.fixture(scope="session")
def quiet(site: Site) -> Site:
    """The page with a job of each kind that never ends, so that no test starts a real one."""
    with connect(site.database) as connection:
        for kind in COMMANDS:
            connection.execute(
                """insert into ops.page_jobs (agency, kind, requested_by, state, seen_at)
                values ('acme', %s, 'operator', 'running', now() + interval '1 day')""",
                (kind,),
            )
    return site


@pytest.fixture
def stored(site: Site) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the page's database."""
    with connect(site.database) as connection:
        yield connection


@pytest.fixture
def operator(site: Site, stored: psycopg.Connection[Any]) -> Visitor:
    """Somebody who may act in the first agency."""
    return site.visitor(stored, "operator")


@pytest.fixture
def admin(site: Site, stored: psycopg.Connection[Any]) -> Visitor:
    """Somebody who may do everything in the first agency."""
    return site.visitor(stored, "admin")


@pytest.fixture
def viewer(site: Site, stored: psycopg.Connection[Any]) -> Visitor:
    """Somebody who may only look."""
    return site.visitor(stored, "viewer")
