"""A bearer token that all calls share, fetched again once when it is refused."""

from collections.abc import Awaitable, Callable

from ams_etl.errors import ConfigError, PermanentError
from ams_etl.sources.calling.login_gate import LoginGate
from ams_etl.sources.calling.session import Session


class Bearer:
    """An `Authorization` over a session.

    Args:
        log_in: gets a new access token.
        unauthorized: what to tell when a new token is refused too.
        forbidden: what to tell on 403.
        gate: what other processes know about this login, with its secret.
    """

    def __init__(
        self,
        log_in: Callable[[], Awaitable[str]],
        unauthorized: str,
        forbidden: str,
        gate: tuple[LoginGate, str] | None = None,
    ) -> None:
        self._session = Session(log_in, gate)
        self._unauthorized, self._forbidden = unauthorized, forbidden

    async def current(self) -> str:
        """The token; got first where there is none."""
        return f"Bearer {await self._session.current()}"

    async def renewed(self, refused: str) -> str:
        """A token other than the refused one: many calls that find it dead cause one token call."""
        return f"Bearer {await self._session.renewed(refused.removeprefix('Bearer '))}"

    def unauthorized(self) -> ConfigError:
        """Which settings to check."""
        return ConfigError(self._unauthorized)

    def forbidden(self) -> PermanentError:
        """What the agency must grant."""
        return PermanentError(self._forbidden)
