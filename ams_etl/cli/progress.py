"""Show the progress of a run on the terminal: the same lines as in the run's log."""

import logging

from rich.console import Console


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._console = Console(stderr=True, highlight=False)

    def emit(self, record: logging.LogRecord) -> None:
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        self._console.print(f"  {record.getMessage()}", style=style, markup=False, soft_wrap=True)


def show_progress() -> None:
    """Print what ams_etl logs from now on."""
    log = logging.getLogger("ams_etl")
    log.setLevel(logging.INFO)
    if not any(isinstance(handler, _Lines) for handler in log.handlers):
        log.addHandler(_Lines())
