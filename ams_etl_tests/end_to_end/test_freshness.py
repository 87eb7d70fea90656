"""An edit in AMS360 comes to the mart by itself, while `ams-etl up --sandbox` runs."""

import time
from pathlib import Path

import pytest

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.end_to_end.served import free_port, served, take_notifications
from ams_etl_tests.sandbox_process import running_sandbox

PATIENCE = 120
"""Seconds, on a machine that does a lot besides."""


@pytest.mark.long
def test_an_edit_appears_in_the_mart_by_itself(tmp_path: Path, database: str) -> None:
    """Sent by the sandbox, stored by the inbound service, noticed by the sensor, read and published by a run of the daemon's."""
    home = tmp_path / "home"
    home.mkdir()
    with running_sandbox(size=40, more=("--ready-file", str(home / "sandbox.json"))) as sandbox:
        line = command_line(home, database, sandbox)
        take_notifications(line)
        line.run("sync", "demo")
        with served(line, "--sandbox", "--inbound-port", str(free_port())), connect(database) as connection:
            customer_id, contact_id = connection.execute(
                """select customer_id, contact_id from mart.contact_sources s where entity = 'customer'
                and (select count(*) from mart.contact_sources o where o.contact_id = s.contact_id) = 1
                order by 1 limit 1"""
            ).fetchone()  # type: ignore[misc]
            sandbox.edit("customers", "update", customer_id, City="Told of")
            deadline = time.monotonic() + PATIENCE
            while (
                connection.execute(
                    "select 1 from mart.contacts where contact_id = %s and city = 'Told of'", (contact_id,)
                ).fetchone()
                is None
            ):
                assert time.monotonic() < deadline, connection.execute(
                    "select state, reason, sync_id from ops.notifications"
                ).fetchall()
                time.sleep(0.2)
            triggers = connection.execute(
                "select object_type, changed from ops.trigger_changes where trigger = 'notification'"
            )
            assert triggers.fetchall() == [("customer", 1)]
