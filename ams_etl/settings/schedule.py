"""The `schedule` block: when runs start, and in which time zone that is meant."""

from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from ams_etl.settings.strict import Strict


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks the whole tz database: 30 ms


def known_zone(name: str) -> str:
    """Return the name, or raise a `ValueError` where the tz database has no zone of that name."""
    if name not in _zones():
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
    def chosen_zone(self) -> ZoneInfo | None:
        """The time zone, if the file says one; the default is a guess that nobody's appointments may rest on."""
        return self.zone if "timezone" in self.model_fields_set else None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone the hours are meant in."""
        return ZoneInfo(self.timezone)
