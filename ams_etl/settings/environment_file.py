"""`$AMS_ETL_HOME/.env`: secrets for every process, read again when it was edited, so that an `up` that runs sees the edit."""

import os
from pathlib import Path

from ams_etl.settings.places import home

_MARK = "AMS_ETL_FROM_ENV_FILE"
"""Names of the variables whose value came from the file; inherited, so that a child knows which it may set again."""
_stamps: dict[Path, tuple[int, int]] = {}


def load_environment_file() -> None:
    """Take the variables of the file that the shell has not set; after an edit, also those that came from it before.

    Without an edit since the last call, this costs one check of the file's time.
    """
    path = home() / ".env"
    try:
        status = path.stat()
    except OSError:
        return
    stamp = (status.st_mtime_ns, status.st_size)
    if _stamps.get(path) == stamp:
        return
    from dotenv import dotenv_values

    own = set(filter(None, os.environ.get(_MARK, "").split(",")))
    for name, value in dotenv_values(path).items():
        if value is not None and (name in own or name not in os.environ):
            os.environ[name] = value
            own.add(name)
    os.environ[_MARK] = ",".join(sorted(own))
    _stamps[path] = stamp
