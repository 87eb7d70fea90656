"""While Postgres is away every page says so; it heals without a restart, and nobody has to sign in again."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from ams_etl.store.database import connect
from ams_etl_tests.pages.pages_process import people, running_pages, write_agencies


def test_a_page_says_so_and_heals(
    postgres_server: str, database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """Away as after a failover: open connections are cut, new ones are refused."""
    write_agencies(tmp_path)
    people(connection)
    with running_pages(tmp_path, database) as site, connect(postgres_server) as server:
        somebody = site.visitor(connection, "operator")
        connection.close()
        name = urlsplit(database).path.strip("/")
        server.execute(f"alter database {name} allow_connections false")
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        answer = somebody.get("/acme/set-up")
        assert answer.status_code == 503
        assert "Postgres does not answer" in answer.text
        assert answer.headers["refresh"] == "5"
        assert somebody.post("/acme/set-up/test").status_code == 503
        assert somebody.get("/healthz").status_code == 503
        server.execute(f"alter database {name} allow_connections true")
        deadline = time.monotonic() + 30
        while (status := somebody.get("/acme/set-up").status_code) != 200:
            assert status == 503
            assert time.monotonic() < deadline
            time.sleep(0.2)
