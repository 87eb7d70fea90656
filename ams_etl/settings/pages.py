"""The `pages` block: the integration page for all agencies, and how people sign in to it."""

from typing import Annotated

from pydantic import Field

from ams_etl.settings.strict import Strict


class PagesSettings(Strict):
    """How the integration page is reached, and how long a session lasts."""

    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """The address that people open; with https the session cookie is sent over TLS only."""
    session_hours: Annotated[int, Field(ge=1, le=168)] = 12
    """A session ends so many hours after the sign-in."""
    idle_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """A session ends after so many minutes without a request."""
    most_wrong_passwords: Annotated[int, Field(ge=1, le=100)] = 5
    """After so many wrong passwords in a row a person is locked out for `lock_minutes`."""
    lock_minutes: Annotated[int, Field(ge=1, le=1440)] = 5
    proxy_user_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    """The header in which a proxy in front says who signed in there; None: only passwords count."""
    dagster_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """Where engineers open Dagster; pages then link their runs."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)
    """The addresses from which that header is believed."""

    @property
    def address(self) -> str:
        """Where the page is reached: as the settings say, else as `ams-etl up` serves it."""
        return (self.public_url or "http://127.0.0.1:8362").rstrip("/")
