"""One session at a time: a ticket that all calls share, and one login when it is dead."""

import asyncio
from collections.abc import Awaitable, Callable

from ams_etl.scrubbing import forget_secret, remember_secret


class Session:
    """Keeps a ticket; what a ticket is and how one is got is the remote system's own affair.

    Args:
        log_in: gets a new ticket, or raises.
    """

    def __init__(self, log_in: Callable[[], Awaitable[str]]) -> None:
        self._log_in = log_in
        self._logging_in = asyncio.Lock()
        self.ticket: str | None = None
        self.logins = 0

    async def current(self) -> str:
        """The ticket; logs in first where there is none."""
        return self.ticket or await self.renewed(None)

    async def renewed(self, dead: str | None) -> str:
        """A ticket other than the dead one: many calls that find it dead cause one login."""
        async with self._logging_in:
            if self.ticket is None or self.ticket == dead:
                if self.ticket is not None:
                    forget_secret(self.ticket)
                self.ticket = None
                self.logins += 1
                self.ticket = await self._log_in()
                remember_secret(self.ticket)
            return self.ticket
