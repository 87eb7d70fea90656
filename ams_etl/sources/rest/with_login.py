"""A service whose tokens come from a server of their own: how both are reached, and both opened."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ams_etl.sources.rest.client import RestClient, RestResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class WithLogin:
    """Where a service and its login are, and how fast each may be asked."""

    base: str
    login_base: str
    max_concurrency: int = 8
    calls_per_second: float | None = None
    timeout_seconds: float = 60.0


@asynccontextmanager
async def open_with_login(
    there: WithLogin,
    *,
    system: str,
    dropped: frozenset[str],
    known: frozenset[str],
    soft_error: Callable[[RestResponse], str | None],
) -> AsyncIterator[tuple[RestClient, RestClient]]:
    """Open clients of the service and of its login, and close them afterwards.

    Args:
        there: how to reach them.
        system: its name, for messages.
        dropped: names of members that its records lose, beside the secrets.
        known: the names of its members, as the service spells them.
        soft_error: returns what a 200 answer reports as its error, or None.

    Raises:
        ConfigError: an address is not valid.
    """

    def client(base: str) -> RestClient:
        return RestClient(
            base,
            system=system,
            max_concurrency=there.max_concurrency,
            calls_per_second=there.calls_per_second,
            timeout_seconds=there.timeout_seconds,
            dropped=dropped,
            known=known,
            soft_error=soft_error,
        )

    async with client(there.base) as service, client(there.login_base) as login:
        yield service, login
