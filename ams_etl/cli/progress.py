"""Show the progress of a run on the terminal: the same lines as in the run's log."""

import json
import logging
import os
import sys

from rich.console import Console

FORMAT = "AMS_ETL_LOG_FORMAT"
"""`json`: a line is an object with `level` and `text`, for machines and for `ams-etl up`."""


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._console = Console(stderr=True, highlight=False)

    def emit(self, record: logging.LogRecord) -> None:
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        self._console.print(f"  {record.getMessage()}", style=style, markup=False, soft_wrap=True)


class _JsonLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        line = json.dumps({"level": record.levelname.lower(), "text": record.getMessage()})
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def show_progress() -> None:
    """Print what ams_etl logs from now on, in the form that the environment variable `AMS_ETL_LOG_FORMAT` names."""
    log = logging.getLogger("ams_etl")
    log.setLevel(logging.INFO)
    if not any(isinstance(handler, _Lines | _JsonLines) for handler in log.handlers):
        log.addHandler(_JsonLines(logging.INFO) if os.environ.get(FORMAT) == "json" else _Lines())
