"""A Postgres of a benchmark's own, gone with its files afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ams_etl.store.embedded import running_server, server_root, stop


@contextmanager
def own_server() -> Iterator[tuple[Path, str]]:
    """Give a new home and the URL of its server; both end with the block."""
    home = Path(tempfile.mkdtemp(prefix="ams-etl-benchmark-"))
    # Where root runs it, the server's own user must get to its files.
    home.chmod(0o711)
    try:
        yield home, running_server(home)
    finally:
        stop(home)
        shutil.rmtree(server_root(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
