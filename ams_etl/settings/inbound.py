"""What comes in over HTTP: an agency's `notifications` and `events`, and the one `inbound` door for all."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ams_etl.settings.strict import Strict


def _as_written(version: object) -> object:
    return str(version) if isinstance(version, int | float) and not isinstance(version, bool) else version


class NotificationSettings(Strict):
    """What AMS360's outbound notifications present to us, and what becomes of them."""

    authentication_code_env: str
    version: Annotated[Literal["1", "2.0", "3"], BeforeValidator(_as_written)] = "2.0"
    """Accept it unquoted too, as YAML then returns a number."""
    retry_method: Literal["single", "blocking"] = "single"
    """What `ams-etl notifications setup` says to choose."""
    client: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,39}$")] = "AmsEtl"
    """The Notification Client; the recipient's name is made of it."""
    capture: bool = False
    """Store everything and understand nothing, to learn the format."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long the body of a settled notification is kept."""
    parked_retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long a parked or captured one waits for a person, counted from when it came."""


class EventSettings(Strict):
    """How the platform sends its events."""

    token_env: str
    """The environment variable that holds the bearer token."""


class InboundSettings(Strict):
    """The inbound HTTP service for all agencies."""

    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """Public address of the inbound service; the proxy in front of it speaks TLS."""
    max_body_bytes: Annotated[int, Field(ge=1_000, le=16_000_000)] = 1_000_000
    max_event_bytes: Annotated[int, Field(ge=1_000, le=500_000_000)] = 100_000_000
    """Of one request with events, the files in them included."""
    request_seconds: Annotated[float, Field(gt=0, le=300)] = 20.0
    """A request that is not whole by then is cut off."""
    header_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """The same for its request line and headers alone."""
    keep_alive_seconds: Annotated[int, Field(ge=1, le=600)] = 75
    max_connections: Annotated[int, Field(ge=1)] = 1_000
    """Beyond it, whoever has most connections with half-sent requests loses the oldest of them."""
    body_key_env: str = "AMS_ETL_BODY_KEY"
    """The environment variable with the key that encrypts notifications which cannot be redacted with certainty."""
    why_password_env: str | None = None
    """Deprecated and ignored: the page that says why a contact is what it is belongs to `ams-etl pages`, with its sign-in."""
