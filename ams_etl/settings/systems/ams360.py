"""An agency's `ams360` block."""

from typing import Annotated

from pydantic import Field

from ams_etl.settings.strict import CallsPerSecond, Concurrency, Seconds, Strict


class Ams360Settings(Strict):
    """How to reach one agency's AMS360."""

    wsdl: str
    agency_no: Annotated[str, Field(pattern=r"^\d{7}-\d$")]
    login_id: str
    password_env: str
    employee_code: str = ""
    max_concurrency: Concurrency = 8
    calls_per_second: CallsPerSecond | None = None
    timeout_seconds: Seconds = 60.0
