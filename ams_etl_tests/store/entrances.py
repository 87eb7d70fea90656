"""Whatever opens the database without a person's command: `python -m ams_etl_tests.store.entrances NAME`, in a process."""

import json
import sys
from collections.abc import Callable

from ams_etl.errors import AmsEtlError
from ams_etl.settings import home, load_agencies


def _run() -> None:
    """Execute a run, as its process does."""
    import dagster as dg

    from ams_etl.definitions import defs

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("agency", ["demo"])
        job = defs().resolve_job_def("rederive")
        result = job.execute_in_process(instance=instance, partition_key="demo", raise_on_error=False)
        assert not result.success
        failures = (getattr(event.event_specific_data, "error", None) for event in result.all_events)
        raise AmsEtlError(next(error for error in failures if error).to_string())


def _code_location() -> None:
    from ams_etl.definitions import defs

    defs().resolve_all_job_defs()


def _resource() -> None:
    from ams_etl.defs.resources import Warehouse

    with Warehouse().connection() as connection:
        connection.execute("select 1")


def _source() -> None:
    from ams_etl.defs.resources import AgenciesFile

    AgenciesFile().ams360("demo")


def _feed() -> None:
    from ams_etl.feed import follow

    for change in follow("demo", 0, wait=False):
        print(change)


def _snapshot() -> None:
    from ams_etl.feed import snapshot

    with snapshot("demo") as (cursor, _):
        print(cursor)


def _frames() -> None:
    from ams_etl.frames import contacts

    print(len(contacts("demo")))


def _locator() -> None:
    from ams_etl.store.database import locator

    locator(home())()


def _inbound() -> None:
    from ams_etl.inbound.server import serve

    serve(load_agencies(), home(), "127.0.0.1", 0, _ready)


def _pages() -> None:
    from ams_etl.pages.server import serve

    serve(home(), "127.0.0.1", 0, _ready)


def _ready(host: str, port: int) -> None:
    print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)


ENTRANCES: dict[str, Callable[[], None]] = {
    "run": _run,
    "resource": _resource,
    "source": _source,
    "feed": _feed,
    "snapshot": _snapshot,
    "frames": _frames,
    "locator": _locator,
}
"""Those that end."""
SERVICES: dict[str, Callable[[], None]] = {"inbound": _inbound, "pages": _pages}
"""Those that serve until they are stopped; each prints its address."""

if __name__ == "__main__":
    try:
        {**ENTRANCES, **SERVICES, "code location": _code_location}[sys.argv[1]]()
    except AmsEtlError as error:
        sys.exit(f"{type(error).__name__}: {error}")
