"""Access tokens of a sandbox: issued, and expired by time or on request."""

import secrets
import time


class Tokens:
    """The tokens that are good now.

    Args:
        lifetime_seconds: how long a token is good.
    """

    def __init__(self, lifetime_seconds: float) -> None:
        self.lifetime_seconds = lifetime_seconds
        self.calls_per_token: int | None = None
        self._until: dict[str, float] = {}
        self._calls: dict[str, int] = {}

    def issue(self) -> str:
        """A new one."""
        token = secrets.token_urlsafe(32)
        self._until[token] = time.monotonic() + self.lifetime_seconds
        self._calls[token] = 0
        return token

    def accepts(self, token: str | None) -> bool:
        """Whether a token is good, counting its use."""
        if token is None or time.monotonic() >= self._until.get(token, 0):
            return False
        self._calls[token] += 1
        return self.calls_per_token is None or self._calls[token] <= self.calls_per_token

    def expire_all(self) -> None:
        """Every token is dead from now on."""
        self._until.clear()
