"""An agency's `mycase` block."""

from typing import Annotated

from pydantic import Field

from ams_etl.settings.strict import Concurrency, Seconds, Strict


class MyCaseSettings(Strict):
    """How to reach one firm's MyCase."""

    client_id: str
    client_secret_env: str
    redirect_uri: str
    token_key_env: str
    """Fernet keys with which the granted tokens are kept; parted by commas, the first encrypts."""
    base: str = "https://external-integrations.mycase.com/v1"
    login_base: str = "https://auth.mycase.com"
    max_concurrency: Concurrency = 8
    calls_per_second: Annotated[float, Field(gt=0, le=25)] | None = 20.0
    timeout_seconds: Seconds = 60.0
    overlap_minutes: Annotated[int, Field(ge=0)] = 30
