"""The AMS360 sandbox sends, the inbound service stores: every version, and an outage of ours in the middle."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl_tests.inbound.conftest import Rows
from ams_etl_tests.inbound.service_process import CODE, running_service, write_agencies
from ams_etl_tests.sandbox_process import Sandbox


def settled(sandbox: Sandbox) -> dict[str, Any]:
    for _ in range(750):
        told: dict[str, Any] = sandbox.ask("notifications")
        if told["waiting"] == 0:
            return told
        time.sleep(0.02)
    raise AssertionError(f"still waiting: {told}")


@pytest.mark.parametrize("version", ["1", "2.0", "3"])
def test_what_is_edited_there_is_pending_here(
    tmp_path: Path, database: str, sandbox: Sandbox, rows: Rows, version: str
) -> None:
    """Record, change and keys of each edit, in their order; no tax number and no code on the way in."""
    write_agencies(tmp_path, version=version)
    with running_service(tmp_path, database) as service:
        sandbox.put("notifications", url=f"{service.url}/notifications/demo", code=CODE, version=version)
        customer_id = sandbox.ask("customers")[0][0]
        sandbox.edit("customers", "update", customer_id, FederalTaxIdNumber="12-3456789", Occupation="Miner")
        policy = sandbox.edit("policies", "insert", CustomerId=customer_id, PolicyNumber="P")
        sandbox.ask("edit", {"entity": "policies", "op": "delete", "key": policy})
        sandbox.edit("notes", "insert", CustomerId=customer_id)
        assert settled(sandbox)["delivered"] == 4
        found = rows()
    for row in found:
        row["keys"].pop("CustomerNumber", None)  # the versions with data in them tell it as well
    assert [(row["state"], row["object_type"], row["change"], row["keys"]) for row in found] == [
        ("pending", "customer", "update", {"CustomerId": customer_id}),
        ("pending", "policy", "insert", {"PolicyId": policy, "CustomerId": customer_id}),
        ("pending", "policy", "delete", {"PolicyId": policy, "CustomerId": customer_id}),
        ("ignored", "customernote", "insert", {}),
    ]
    bodies = b"".join(bytes(row["body"]) for row in found)
    assert CODE.encode() not in bodies
    assert b"12-3456789" not in bodies


def test_an_outage_of_the_door_costs_nothing_where_ams360_blocks(
    tmp_path: Path, database: str, sandbox: Sandbox, connection: psycopg.Connection[Any]
) -> None:
    """Blocking retries until the inbound service is back; what arrives is in order and complete."""
    write_agencies(tmp_path)
    ids = [row[0] for row in sandbox.ask("customers")[:20]]
    with running_service(tmp_path, database) as service:
        port = int(service.url.rpartition(":")[2])
        sandbox.put("notifications", url=service.address, retry="blocking", compress=30_000)
        for key in ids[:10]:
            sandbox.edit("customers", "update", key, Occupation="Miner")
        service.kill()
        for key in ids[10:]:
            sandbox.edit("customers", "update", key, Occupation="Miner")
    with running_service(tmp_path, database, port):
        told = settled(sandbox)
        assert (told["is_on"], told["gave_up"]) == (True, 0)
        for _ in range(100):
            pending = connection.execute(
                "select keys ->> 'CustomerId' from ops.notifications where state = 'pending' order by notification_id"
            ).fetchall()
            if len(pending) >= len(ids):
                break
            time.sleep(0.05)
    assert list(dict.fromkeys(row[0] for row in pending)) == ids
