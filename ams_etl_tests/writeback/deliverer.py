"""A deliverer in a process of its own, to be killed: `python -m ams_etl_tests.writeback.deliverer DATABASE WSDL URL`.

It says `ready` once it is about to deliver, and drains until nothing is due within ten seconds.
"""

import sys

from ams_etl.store.database import connect
from ams_etl.writeback.drain.ams360 import drain
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.working_agency import ZONE, office

LEASE_SECONDS = 2.0


def main() -> None:
    """Deliver what there is."""
    database, wsdl, url = sys.argv[1:4]
    with connect(database) as connection:
        demo = office(connection, Sandbox(url, wsdl))
        drain(
            connection,
            demo.agency,
            demo.sandbox.connection(),
            ZONE,
            linger_seconds=10.0,
            lease_seconds=LEASE_SECONDS,
            progress=lambda stage, done, total: print("ready", flush=True) if stage == "events planned" else None,
        )
    print("done", flush=True)


if __name__ == "__main__":
    main()
