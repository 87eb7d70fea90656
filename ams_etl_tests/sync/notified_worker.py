"""What the sensor and its runs do, without Dagster, in a process that may be killed at any moment.

Prints `ready` once it has given back what an earlier one left open.
"""

import random
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.notifications.batches import NotificationBatch, claim, close, open_batches
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sync.source_history import AGENCY, refresh

TODAY = date(2026, 6, 1)
FAILING = 0.1


def serve(connection: psycopg.Connection[Any], sandbox: Sandbox, batch: NotificationBatch, rng: random.Random) -> None:
    """One run: it may fail before it reads, before it publishes, or before it says that it has."""
    fails = rng.choice(("early", "read", "published")) if rng.random() < FAILING else None
    if fails != "early":
        scope = SyncScope(batch.customers, batch.batch_id, trigger="notification")
        extract(connection, AGENCY, sandbox.connection(), scope)
        if fails != "read":
            refresh(connection, RuleSettings(), TODAY)
    close(connection, AGENCY, batch.batch_id, "failed" if fails else "done")


def main(home: str, url: str, wsdl: str, seed: str) -> None:
    """Serve what waits until killed, or until Postgres is gone."""
    rng, sandbox = random.Random(seed), Sandbox(url, wsdl)
    with connect(running_server(Path(home))) as connection:
        for left in open_batches(connection, [AGENCY]):
            close(connection, AGENCY, left.batch_id, "failed")
        print("ready", flush=True)
        while True:
            # A failed run's notifications would wait for half a minute.
            connection.execute("update ops.notifications set not_before = now() where not_before > now()")
            batch = claim(connection, AGENCY)
            if batch is None:
                time.sleep(0.02)
            else:
                serve(connection, sandbox, batch, rng)


if __name__ == "__main__":
    main(*sys.argv[1:])
