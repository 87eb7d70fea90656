"""An agency's `qq_catalyst` block."""

from typing import Annotated, Literal

from pydantic import Field

from ams_etl.settings.strict import CallsPerSecond, Concurrency, Seconds, Strict


class QQCatalystSettings(Strict):
    """How to reach one agency's QQ Catalyst."""

    username: str
    password_env: str
    client_id: str
    client_secret_env: str
    base: str = "https://api.qqcatalyst.com/v1"
    login_base: str = "https://login.qqcatalyst.com"
    grant_type: Literal["password", "password_credentials"] = "password"
    """Both are seen in use; no documentation says which is right."""
    max_concurrency: Concurrency = 8
    calls_per_second: CallsPerSecond | None = None
    timeout_seconds: Seconds = 60.0
    overlap_minutes: Annotated[int, Field(ge=0)] = 24 * 60
    """Its windows are whole days, and no documentation says whether the last one counts."""
