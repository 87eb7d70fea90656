"""The integration page as a process: uvicorn and what it is made of."""

from collections.abc import Callable
from pathlib import Path

import uvicorn

from ams_etl.errors import ConfigError
from ams_etl.pages.application import Application
from ams_etl.pages.pool import Pool
from ams_etl.pages.screens.registry import SCREENS
from ams_etl.settings import load_agencies
from ams_etl.store.database import locator


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
    config = uvicorn.Config(
        application.asgi, host=host, port=port, ws="none", lifespan="on", access_log=False, log_level="warning",
        server_header=False, proxy_headers=False, limit_concurrency=200, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = _Server(config, ready)
    server.run()
    if not server.was_ready:
        raise ConfigError(f"{host}:{port} cannot be listened on; is another process there? Choose another --port")


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[str, int], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self.was_ready = False

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self.was_ready = True
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(host, port)
