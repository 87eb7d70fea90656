"""One session at a time: a ticket that all calls share, and one login when it is dead."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ams_etl.errors import AmsEtlError, LoginRefused
from ams_etl.scrubbing import forget_secret, remember_secret
from ams_etl.sources.calling.across_processes import SharedTicket
from ams_etl.sources.calling.login_gate import LoginGate

_LOOK_AGAIN_SECONDS = 0.1


class Session:
    """Keeps a ticket; what a ticket is and how one is got is the remote system's own affair.

    A refused login ends the session for good: every later call raises the same error without another try.

    Args:
        log_in: gets a new ticket, or raises.
        gate: what other processes know about this login, with its secret; None asks nobody.
        shared: the ticket of all processes; None: each has one of its own.
    """

    def __init__(
        self,
        log_in: Callable[[], Awaitable[str]],
        gate: tuple[LoginGate, str] | None = None,
        shared: SharedTicket | None = None,
    ) -> None:
        self._log_in, self._gate, self._shared = log_in, gate, shared
        self._logging_in = asyncio.Lock()
        self._refused: LoginRefused | None = None
        self.ticket: str | None = None
        self.logins = 0

    async def current(self) -> str:
        """Return the ticket; log in first where there is none.

        Raises:
            LoginRefused: the login is refused, or was a while ago.
        """
        return self.ticket or await self.renewed(None)

    async def renewed(self, dead: str | None) -> str:
        """Return a ticket other than the dead one: many calls that find it dead cause one login."""
        async with self._logging_in:
            if self._refused is not None:
                raise self._refused
            if self.ticket is None or self.ticket == dead:
                if self.ticket is not None:
                    forget_secret(self.ticket)
                self.ticket = None
                try:
                    self.ticket = await self._of_all_processes(dead)
                except LoginRefused as refused:
                    self._refused = refused
                    raise
                remember_secret(self.ticket)
            return self.ticket

    async def _of_all_processes(self, dead: str | None) -> str:
        """Return the ticket that another process has, or log in while the others wait for it."""
        shared = self._shared
        if shared is None:
            return await self._through_gate()
        while True:
            ticket, may_log_in = await asyncio.to_thread(shared.take, dead)
            if ticket is not None:
                return ticket
            if may_log_in:
                break
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        ticket = None
        try:
            ticket = await self._through_gate()
        finally:
            # Without it the others wait some seconds, and log in themselves.
            with suppress(AmsEtlError):
                await asyncio.to_thread(shared.keep, ticket)
        return ticket

    async def _through_gate(self) -> str:
        if self._gate is None:
            self.logins += 1
            return await self._log_in()
        gate, secret = self._gate
        await asyncio.to_thread(gate.check, secret)
        self.logins += 1
        try:
            ticket = await self._log_in()
        except LoginRefused:
            await asyncio.to_thread(gate.refused, secret)
            raise
        await asyncio.to_thread(gate.accepted)
        return ticket
