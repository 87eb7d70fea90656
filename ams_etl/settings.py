"""agencies.yaml and the environment, typed.

Here belong: where state lives, which agencies there are, what each one chose. Not here: what a choice means
(`ams_etl.rules`). Every mistake is a `ConfigError` that names the file, the path inside it and what was expected.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.writeback_settings import WritebackSettings


def home() -> Path:
    """`AMS_ETL_HOME`: where the embedded Postgres, Dagster's home, caches and logs live (default `~/.ams-etl`)."""
    return Path(os.environ.get("AMS_ETL_HOME") or Path.home() / ".ams-etl").expanduser().resolve()


def agencies_path() -> Path:
    """`AMS_ETL_CONFIG`: the agencies file (default `$AMS_ETL_HOME/agencies.yaml`)."""
    given = os.environ.get("AMS_ETL_CONFIG")
    return Path(given).expanduser().resolve() if given else home() / "agencies.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Ams360Settings(_Strict):
    """How to reach one agency's AMS360."""

    wsdl: str
    agency_no: Annotated[str, Field(pattern=r"^\d{7}-\d$")]
    login_id: str
    password_env: str
    employee_code: str = ""
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 8
    calls_per_second: Annotated[float, Field(gt=0)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0


class BenefitPointSettings(_Strict):
    """How to reach one agency's BenefitPoint."""

    wsdl: str
    login_wsdl: str
    username: str
    password_env: str


class NotificationSettings(_Strict):
    """What AMS360's outbound notifications present to us, and what becomes of them."""

    authentication_code_env: str
    version: Literal["1", "2.0", "3"] = "2.0"
    retry_method: Literal["single", "blocking"] = "single"
    """What `ams-etl notifications setup` says to choose."""
    client: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,39}$")] = "AmsEtl"
    """The Notification Client; the recipient's name is made of it."""
    capture: bool = False
    """Store everything and understand nothing, to learn the format."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long the body of a settled notification is kept."""


class InboundSettings(_Strict):
    """The HTTP door for all agencies."""

    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """Where the door is reached from outside; what lies in front of it speaks TLS."""
    max_body_bytes: Annotated[int, Field(ge=1_000, le=16_000_000)] = 1_000_000
    request_seconds: Annotated[float, Field(gt=0, le=300)] = 20.0
    """A request that is not whole by then is cut off."""
    keep_alive_seconds: Annotated[int, Field(ge=1, le=600)] = 75
    max_connections: Annotated[int, Field(ge=1)] = 1_000


class BrakeSettings(_Strict):
    """When a publish stops and asks a person first: shares of the contacts there are (0..1)."""

    max_deleted_share: Annotated[float, Field(ge=0, le=1)] = 0.10
    max_owner_change_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    ignore_below: Annotated[int, Field(ge=0)] = 20
    """Changes of fewer contacts than this never stop a run."""


class CheckSettings(_Strict):
    """Thresholds of the data-quality checks: shares (0..1) of the rows looked at."""

    max_skipped_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_unmapped_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_volume_change_share: Annotated[float, Field(ge=0, le=1)] = 0.2


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("a time zone of the tz database, such as America/Chicago")
    return name


class ScheduleSettings(_Strict):
    """The weekly window in which full resyncs start; agencies are spread over it."""

    timezone: Annotated[str, AfterValidator(_known_zone)] = "America/New_York"
    weekday: Annotated[int, Field(ge=0, le=6)] = 6
    """0 is Monday."""
    from_hour: Annotated[int, Field(ge=0, le=23)] = 1
    window_hours: Annotated[int, Field(ge=1, le=24)] = 5

    @property
    def zone(self) -> ZoneInfo:
        """The time zone the hours are meant in."""
        return ZoneInfo(self.timezone)


class Agency(_Strict):
    """One AMS360 agency account: a Dagster partition, and the first key column of every table."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    name: str
    ams360: Ams360Settings
    benefitpoint: BenefitPointSettings | None = None
    notifications: NotificationSettings | None = None
    settings: RuleSettings = RuleSettings()
    brake: BrakeSettings = BrakeSettings()
    checks: CheckSettings = CheckSettings()
    writeback: WritebackSettings = WritebackSettings()

    @field_validator("settings", mode="before")
    @classmethod
    def _absent_is_default(cls, value: Any) -> Any:
        return RuleSettings() if value is None else value


class _File(_Strict):
    agencies: tuple[Agency, ...]
    schedule: ScheduleSettings = ScheduleSettings()
    inbound: InboundSettings = InboundSettings()


@dataclass(frozen=True, slots=True)
class Agencies:
    """The agencies file, read and validated."""

    path: Path
    all: tuple[Agency, ...]
    schedule: ScheduleSettings
    inbound: InboundSettings

    def get(self, agency_id: str) -> Agency:
        """The agency of that id.

        Raises:
            ConfigError: no such agency; the message lists those there are.
        """
        for agency in self.all:
            if agency.id == agency_id:
                return agency
        known = ", ".join(agency.id for agency in self.all) or "none"
        raise ConfigError(f"{self.path}: no agency {agency_id!r}; the file has: {known}")

    def secret(self, agency: Agency, path: str, variable: str) -> str:
        """The value of an environment variable that the file names; `path` is where it names it.

        Raises:
            ConfigError: the variable is not set.
        """
        value = os.environ.get(variable)
        if not value:
            raise ConfigError(
                f"{self.path}: agencies.{agency.id}.{path}: expected the environment variable {variable} to be set"
            )
        return value


def load_agencies(path: Path | None = None) -> Agencies:
    """Read the agencies file (default: `agencies_path()`).

    Raises:
        ConfigError: no such file, not YAML, an unknown key, a wrong type, a doubled id or agency number.
    """
    path = path or agencies_path()
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no agencies file; write one (docs/settings.md shows how), set AMS_ETL_CONFIG, or run `make demo`"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ConfigError(f"{path}: not valid YAML{where}") from None
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: expected a mapping with the key `agencies`")
    try:
        read = _File.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_explain(path, document, error)) from None
    for kind, values in (
        ("id", [agency.id for agency in read.agencies]),
        ("ams360.agency_no", [agency.ams360.agency_no for agency in read.agencies]),
    ):
        doubled = sorted({value for value in values if values.count(value) > 1})
        if doubled:
            raise ConfigError(f"{path}: agencies: expected every {kind} once, but {doubled[0]} stands more than once")
    return Agencies(path, read.agencies, read.schedule, read.inbound)


def _explain(path: Path, document: Mapping[str, Any], error: ValidationError) -> str:
    # A misspelt key inside a union also fails the union's other branches; it is the one to tell.
    unknown = {"extra_forbidden", "unexpected_keyword_argument"}
    first = min(error.errors(include_url=False), key=lambda found: found["type"] not in unknown)
    parts: list[str] = []
    at: Any = document
    for place, step in enumerate(first["loc"], start=1):
        if isinstance(at, list) and isinstance(step, int) and step < len(at):
            at = at[step]
            parts.append(str(at["id"]) if isinstance(at, Mapping) and "id" in at else str(step))
        elif isinstance(at, Mapping) and step in at:
            at = at[step]
            parts.append(str(step))
        elif place == len(first["loc"]) and first["type"] in {"missing", *unknown}:
            parts.append(str(step))
        # Anything else is pydantic's own name for a branch of a union, which no reader has typed.
    expected = {
        "missing": "this key is required",
        "extra_forbidden": "unknown key",
        "unexpected_keyword_argument": "unknown key",
    }.get(first["type"], first["msg"].removeprefix("Value error, "))
    more = error.error_count() - 1
    others = f" (and {more} more)" if more else ""
    return f"{path}: {'.'.join(parts) or 'the file'}: {expected}{others}"
