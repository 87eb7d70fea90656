"""Refresh tokens that are good once: whoever renews must keep the new one before anything else can go wrong."""

from datetime import datetime
from typing import Protocol

RotatingTokens = tuple[str, str, datetime]
"""An access token, the one refresh token that gets the next, and until when the first is good."""


class TokenStore(Protocol):
    """Where one agency's tokens are kept, encrypted, for all processes together."""

    def lock(self) -> RotatingTokens | None:
        """The tokens kept, with nobody else renewing them until `release`; None where none were ever granted."""

    def release(self, renewed: RotatingTokens | None) -> None:
        """Keep the renewed tokens, if there are any, and let others go on."""
