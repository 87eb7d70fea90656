"""The `schedule` block: when runs start, and in which time zone that is meant."""

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from ams_etl.settings.strict import Strict


def known_zone(name: str) -> str:
    """The name itself; a `ValueError` where the tz database knows none of that name."""
    if name not in available_timezones():
        raise ValueError("a time zone of the tz database, such as America/Chicago")
    return name


class ScheduleSettings(Strict):
    """The weekly window in which full resyncs start; agencies are spread over it."""

    timezone: Annotated[str, AfterValidator(known_zone)] = "America/New_York"
    weekday: Annotated[int, Field(ge=0, le=6)] = 6
    """0 is Monday."""
    from_hour: Annotated[int, Field(ge=0, le=23)] = 1
    window_hours: Annotated[int, Field(ge=1, le=24)] = 5
    sweep_from_hour: Annotated[int, Field(ge=0, le=23)] = 20
    """The daily sweeps of the customer list start in the two hours from here on."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone the hours are meant in."""
        return ZoneInfo(self.timezone)
