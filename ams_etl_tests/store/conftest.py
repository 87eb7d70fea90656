"""A fixture for tests that need the oldest Postgres that is supported, as a server of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ams_etl.store.embedded import running_server, stop
from ams_etl.store.migrations import LOWEST_POSTGRES


def debian_server() -> Path | None:
    """The programs of the oldest installed server that is new enough."""
    found = {int(folder.parent.name): folder for folder in Path("/usr/lib/postgresql").glob("[0-9]*/bin")}
    return next(
        (found[major] for major in sorted(found) if major >= LOWEST_POSTGRES and (found[major] / "initdb").exists()),
        None,
    )


@pytest.fixture
def oldest_server(short_home: Path) -> Iterator[str]:
    """The URL of an empty database on that server."""
    binaries = debian_server()
    if binaries is None:
        pytest.skip(
            f"no Postgres server ({LOWEST_POSTGRES} or newer) in /usr/lib/postgresql: apt-get install postgresql"
        )
    try:
        yield running_server(short_home, binaries)
    finally:
        stop(short_home, binaries)
