"""How an agency's AMS360 is opened: for one use, or once for many, so that contract, connections and ticket stay warm."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from ams_etl.sources.ams360 import Ams360, Ams360Connection, open_ams360
from ams_etl.sources.calling.event_loop import run
from ams_etl.sources.calling.runner import Runner

IDLE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Access:
    """How calls are run, and how an AMS360 is opened for them."""

    run: Runner
    open: Callable[[Ams360Connection], AbstractAsyncContextManager[Ams360]]


COLD = Access(run, open_ams360)
"""An event loop and a login for each use, as a run does."""


@dataclass(slots=True)
class _Open:
    connection: Ams360Connection
    client: Ams360
    closing: AsyncExitStack
    used_at: float = field(default_factory=time.monotonic)
    users: int = 0


class WarmAms360:
    """Opens each agency's AMS360 once; used inside one event loop.

    A client is opened again after an error, after its settings or secret changed, and after ten idle minutes.
    """

    def __init__(self) -> None:
        self._opened: dict[tuple[str, str, str], _Open] = {}

    @asynccontextmanager
    async def open(self, connection: Ams360Connection) -> AsyncIterator[Ams360]:
        """Return the open client, and keep it; its counts begin at zero where nobody else uses it."""
        key = (connection.wsdl, connection.agency_no, connection.login_id)
        await self._close_idle()
        known = self._opened.get(key)
        if known is None or known.connection != connection:
            closing = AsyncExitStack()
            client = await closing.enter_async_context(open_ams360(connection))
            if known is not None and not known.users:
                await known.closing.aclose()
            known = self._opened[key] = _Open(connection, client, closing)
        known.users += 1
        if known.users == 1:
            known.client.restart_counts()
        try:
            yield known.client
        except BaseException:
            if self._opened.get(key) is known:
                del self._opened[key]
            raise
        finally:
            known.users -= 1
            known.used_at = time.monotonic()
            if not known.users and self._opened.get(key) is not known:
                await known.closing.aclose()

    async def close(self) -> None:
        """Close every client that nobody uses."""
        await self._close_idle(for_seconds=-1.0)

    async def _close_idle(self, for_seconds: float = IDLE_SECONDS) -> None:
        for key, known in list(self._opened.items()):
            if not known.users and time.monotonic() - known.used_at > for_seconds:
                del self._opened[key]
                await known.closing.aclose()
