"""A role that owns its database and nothing else: no superuser, no right to create roles or databases."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from psycopg.conninfo import make_conninfo

from ams_etl.errors import ConfigError
from ams_etl.feed import snapshot
from ams_etl.frames import contacts
from ams_etl.store.database import connect, dagster_url
from ams_etl.store.maintenance.readers import read_only_url
from ams_etl.store.migrations import sql_folder
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.end_to_end.published_rows import count
from ams_etl_tests.end_to_end.served import take_notifications
from ams_etl_tests.postgres import reader_role_to_oneself, sibling
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.waiting import wait_for

TOOL = str(Path(sys.executable).parent / "dagster")
ROLE, PASSWORD = "plain_owner", "of-the-tests"


@pytest.fixture
def owned(postgres_server: str) -> Iterator[str]:
    """An empty database, by the address of the plain role that owns it; and a role that it may let read."""
    with connect(postgres_server) as admin:
        admin.execute(
            f"create role {ROLE} login password '{PASSWORD}' nosuperuser nocreaterole nocreatedb noreplication"
        )
        admin.execute("create role plain_reader login password 'reader'")
        admin.execute(f"create database owned owner {ROLE}")
        # As it is since Postgres 15, and as some administrators make it in older ones.
        with connect(sibling(postgres_server, "owned")) as inside:
            inside.execute("revoke all on schema public from public")
    host = postgres_server.split("@")[1].rsplit("/", 1)[0]
    yield f"postgresql://{ROLE}:{PASSWORD}@{host}/owned"
    with connect(postgres_server) as admin:
        admin.execute("drop database owned with (force)")
        admin.execute(f"drop role {ROLE}")
        admin.execute("drop role plain_reader")


def test_everything_works_for_a_role_that_only_owns_its_database(
    owned: str, postgres_server: str, tmp_path: Path
) -> None:
    """Migrations, a sync, the follower, forgetting, retention, the doctor, grants, frames: each by its command."""
    with running_sandbox(size=30, more=("--benefitpoint",)) as sandbox, connect(owned) as connection:
        assert count(connection, "select count(*) from pg_roles where rolname = current_user and rolsuper") == 0
        line = command_line(tmp_path, owned, sandbox)
        take_notifications(line)
        line.environment.update(
            AMS_ETL_DAGSTER_URL=dagster_url(owned), DAGSTER_HOME=str(tmp_path / "dagster"),
            AMS_ETL_FORGET_KEY="f" * 64, AMS_ETL_BODY_KEY=Fernet.generate_key().decode(),
        )  # fmt: skip
        assert "applied 0001_raw.sql" in line.run("db", "upgrade")
        assert count(connection, "select count(*) from ops.schema_migrations") == len(
            list(sql_folder().glob("[0-9]*.sql"))
        )
        line.run("sync", "demo")
        assert count(connection, "select count(*) from mart.contacts") > 10
        assert count(connection, "select count(*) from mart.accounts") > 10
        line.run("sync", "demo", "--benefitpoint")
        line.run("sync", "demo", "--changed")
        line.run("doctor", "demo")

        customer, email = connection.execute(
            """select s.customer_id, c.email from mart.contacts c join mart.contact_sources s using (agency, contact_id)
            where c.email is not null and s.entity = 'customer' order by 1 limit 1"""
        ).fetchone() or ("", "")
        follower = line.start("follow")
        try:
            sandbox.edit("customers", "update", customer, City="Followed")
            connection.execute(
                """insert into ops.notifications (agency, body, state, object_type, change, keys)
                values ('demo', '', 'pending', 'customer', 'update', jsonb_build_object('CustomerId', %s::text))""",
                (customer,),
            )
            wait_for(lambda: count(connection, "select count(*) from mart.contacts where city = 'Followed'") > 0, 90)
        finally:
            os.killpg(follower.pid, signal.SIGTERM)
            printed, _ = follower.communicate(timeout=30)
        assert follower.returncode == 0, printed

        line.run("forget", "demo", email, "--apply")
        assert count(connection, "select count(*) from ops.forgotten") > 0
        assert not connection.execute("select from mart.contacts where email = %s", (email,)).fetchall()

        command = [TOOL, "job", "execute", "-m", "ams_etl.definitions", "-j", "retention"]
        done = subprocess.run(command, env=line.environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

        line.run("db", "sizes")
        line.run("db", "grant", "plain_reader", "--agency", "demo")
        assert json.loads(line.run("alerts", "list", "--json")) is not None
        assert len(contacts("demo", url=owned)) > 10
        with snapshot("demo", url=owned) as (_, documents):
            assert len(list(documents)) > 10
        # What needs a right that the role lacks says which, and what to ask an administrator for.
        wanted = "may not create roles; have an administrator create ams_etl_reader"
        with reader_role_to_oneself(postgres_server), pytest.raises(ConfigError, match=wanted):
            read_only_url(owned, connection, tmp_path)
    reader = make_conninfo(owned, user="plain_reader", password="reader")
    with connect(reader) as connection:
        assert count(connection, "select count(*) from mart.contacts") > 10
        assert count(connection, "select count(*) from mart.contact_as_of('demo', gen_random_uuid(), now()) x") == 1
