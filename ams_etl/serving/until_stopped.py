"""A uvicorn server that says when it listens: what every HTTP process of ams_etl runs."""

from collections.abc import Callable

import uvicorn

from ams_etl.errors import ConfigError


def serve_until_stopped(config: uvicorn.Config, ready: Callable[[str, int], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        config: the application, its address and its limits.
        ready: called with the host and the port once requests are answered.

    Raises:
        ConfigError: the port is taken.
    """
    server = _Server(config, ready)
    server.run()
    if not server.was_ready:
        raise ConfigError(
            f"{config.host}:{config.port} cannot be listened on; is another process there? Choose another --port"
        )


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
