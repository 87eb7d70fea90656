"""One service for the tests that leave it running; each finds its own rows by their keys."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl_tests.inbound.service_process import Service, running_service, write_agencies

Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def service(tmp_path: Path, database: str) -> Iterator[Service]:
    """The inbound service of one agency, on a database of the test's own."""
    write_agencies(tmp_path / "home")
    with running_service(tmp_path / "home", database) as running:
        yield running


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    """The notifications in the order they came, once none is left to be understood."""

    def ask() -> list[dict[str, Any]]:
        for _ in range(200):
            if connection.execute("select count(*) from ops.notifications where state = 'received'").fetchone() == (0,):
                break
            time.sleep(0.05)
        with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(
                "select * from ops.notifications order by coalesce(part_of, notification_id), part"
            ).fetchall()

    return ask
