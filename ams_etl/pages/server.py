"""The integration page as a process: uvicorn and what it is made of."""

from collections.abc import Callable
from pathlib import Path

import uvicorn

from ams_etl.pages.application import Application
from ams_etl.pages.pool import Pool
from ams_etl.pages.screens.registry import SCREENS
from ams_etl.serving.bounded_protocol import bounded_protocol
from ams_etl.serving.until_stopped import serve_until_stopped
from ams_etl.settings import load_agencies
from ams_etl.store.database import locator

REQUEST_SECONDS = 60.0
"""A request that is not whole by then is cut off; a form may carry a file over a slow line."""
HEADER_SECONDS = 10.0
MOST_CONNECTIONS = 200


def serve(home: Path, host: str, port: int, ready: Callable[[str, int], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        home: where the embedded server lives, which is started again should it die.
        host: the address to listen on.
        port: 0 takes a free one.
        ready: called with the host and the port once requests are answered.

    Raises:
        ConfigError: the port is taken.
    """
    application = Application(SCREENS, Pool(locator(home)), load_agencies)
    protocol = bounded_protocol(
        request_seconds=REQUEST_SECONDS, header_seconds=HEADER_SECONDS, max_connections=MOST_CONNECTIONS
    )
    config = uvicorn.Config(
        application.asgi, host=host, port=port, http=protocol, ws="none", lifespan="on", access_log=False, log_level="warning",
        server_header=False, proxy_headers=False, limit_concurrency=MOST_CONNECTIONS + 1, timeout_graceful_shutdown=5,
    )  # fmt: skip
    serve_until_stopped(config, ready)
