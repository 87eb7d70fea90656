"""An agency's `hawksoft` block."""

from typing import Annotated

from pydantic import Field

from ams_etl.settings.strict import CallsPerSecond, Concurrency, Seconds, Strict


class HawkSoftSettings(Strict):
    """How to reach one agency's HawkSoft."""

    agency_id: Annotated[int, Field(ge=1)]
    client_id: str
    client_secret_env: str
    base: str = "https://integration.hawksoft.app"
    version: str = "3.0"
    max_concurrency: Concurrency = 4
    calls_per_second: CallsPerSecond | None = None
    timeout_seconds: Seconds = 60.0
    overlap_minutes: Annotated[int, Field(ge=0)] = 30
    """Changes are asked for from so long before the last sync began."""
