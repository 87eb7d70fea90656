"""agencies.yaml and the environment, typed.

Here belong: where state lives, which agencies there are, what each one chose. Not here: what a choice means
(`ams_etl.rules`). Every mistake is a `ConfigError` that names the file, the path inside it and what was expected.
"""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ams_etl.errors import ConfigError
from ams_etl.rules.connections import ROLES
from ams_etl.rules.settings import RuleSettings, SourceSystem
from ams_etl.rules.writeback_properties import PROPERTIES
from ams_etl.rules.writeback_settings import SHORTEST_TEXT, TEXT_LIMITS, WritebackSettings

Block = TypeVar("Block")
SYSTEMS: tuple[SourceSystem, ...] = get_args(SourceSystem)
"""The systems that an agency may have, each with a block of its name."""


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


class HawkSoftSettings(_Strict):
    """How to reach one agency's HawkSoft."""

    agency_id: Annotated[int, Field(ge=1)]
    client_id: str
    client_secret_env: str
    base: str = "https://integration.hawksoft.app"
    version: str = "3.0"
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    calls_per_second: Annotated[float, Field(gt=0)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    overlap_minutes: Annotated[int, Field(ge=0)] = 30
    """Changes are asked for from so long before the last sync began."""


class QQCatalystSettings(_Strict):
    """How to reach one agency's QQ Catalyst."""

    username: str
    password_env: str
    client_id: str
    client_secret_env: str
    base: str = "https://api.qqcatalyst.com/v1"
    login_base: str = "https://login.qqcatalyst.com"
    grant_type: Literal["password", "password_credentials"] = "password"
    """Both are seen in use; nobody has told which is right."""
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 8
    calls_per_second: Annotated[float, Field(gt=0)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    overlap_minutes: Annotated[int, Field(ge=0)] = 24 * 60
    """Its windows are whole days, and whether the last one counts is not told."""


class MyCaseSettings(_Strict):
    """How to reach one firm's MyCase."""

    client_id: str
    client_secret_env: str
    redirect_uri: str
    token_key_env: str
    """Fernet keys with which the granted tokens are kept; parted by commas, the first encrypts."""
    base: str = "https://external-integrations.mycase.com/v1"
    login_base: str = "https://auth.mycase.com"
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 8
    calls_per_second: Annotated[float, Field(gt=0, le=25)] | None = 20.0
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    overlap_minutes: Annotated[int, Field(ge=0)] = 30


class NewAccountSettings(_Strict):
    """What BenefitPoint wants of a new account and the platform does not know (B7)."""

    office_id: int
    administrator_user_id: int
    primary_contact_user_id: int
    account_type: str = "Client"
    business_type: str = "None_Selected"


class BenefitPointSettings(_Strict):
    """How to reach one agency's BenefitPoint."""

    wsdl: str
    login_wsdl: str
    username: str
    password_env: str
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    calls_per_second: Annotated[float, Field(gt=0)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    new_accounts: NewAccountSettings | None = None
    """Without it no event can create an account there."""


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


class EventSettings(_Strict):
    """How the platform sends its events."""

    token_env: str
    """The environment variable that holds the bearer token."""


class InboundSettings(_Strict):
    """The HTTP door for all agencies."""

    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """Where the door is reached from outside; what lies in front of it speaks TLS."""
    max_body_bytes: Annotated[int, Field(ge=1_000, le=16_000_000)] = 1_000_000
    max_event_bytes: Annotated[int, Field(ge=1_000, le=500_000_000)] = 100_000_000
    """Of one request with events, the files in them included."""
    request_seconds: Annotated[float, Field(gt=0, le=300)] = 20.0
    """A request that is not whole by then is cut off."""
    keep_alive_seconds: Annotated[int, Field(ge=1, le=600)] = 75
    max_connections: Annotated[int, Field(ge=1)] = 1_000
    why_password_env: str | None = None
    """The environment variable with the password of the page that says why a contact is what it is; none: no page."""


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
    max_missed_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Of the changed records of a week, how many may have come without a notification."""


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
    sweep_from_hour: Annotated[int, Field(ge=0, le=23)] = 20
    """The daily sweeps of the customer list start in the two hours from here on."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone the hours are meant in."""
        return ZoneInfo(self.timezone)


class Agency(_Strict):
    """One account of one agency system: a Dagster partition, and the first key column of every table.

    Which system's block it has is where its records come from; it has exactly one.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    name: str
    given_ams360: Annotated[Ams360Settings | None, Field(alias="ams360")] = None
    given_hawksoft: Annotated[HawkSoftSettings | None, Field(alias="hawksoft")] = None
    given_qq_catalyst: Annotated[QQCatalystSettings | None, Field(alias="qq_catalyst")] = None
    given_mycase: Annotated[MyCaseSettings | None, Field(alias="mycase")] = None
    benefitpoint: BenefitPointSettings | None = None
    notifications: NotificationSettings | None = None
    events: EventSettings | None = None
    settings: RuleSettings = RuleSettings()
    brake: BrakeSettings = BrakeSettings()
    checks: CheckSettings = CheckSettings()
    writeback: WritebackSettings = WritebackSettings()

    @model_validator(mode="before")
    @classmethod
    def _settings_of_its_system(cls, given: Any) -> Any:
        """What the settings do not say is the system's own default; the system itself is never said there."""
        if not isinstance(given, Mapping):
            return given
        systems = [name for name in SYSTEMS if given.get(name) is not None]
        if len(systems) != 1:
            return {**given, "settings": RuleSettings()} if given.get("settings") is None else given
        settings = given.get("settings")
        if settings is None:
            settings = {}
        if isinstance(settings, Mapping):
            if "source_system" in settings:
                raise ValueError("settings.source_system: the system is told by its block alone")
            first, second = ROLES[systems[0]]
            chosen = settings.get("ownership")
            if chosen is None or isinstance(chosen, Mapping):
                default = {"commercial": first, "personal": first if systems[0] == "mycase" else second}
                settings = {**settings, "ownership": {**default, **(chosen or {})}}
            settings = {**settings, "source_system": systems[0]}
        return {**given, "settings": settings}

    @field_validator("writeback")
    @classmethod
    def _writeback_can_be_done(cls, given: WritebackSettings) -> WritebackSettings:
        if given.timezone is not None:
            _known_zone(given.timezone)
        unknown = sorted(set(given.properties) - PROPERTIES)
        if unknown:
            raise ValueError(f"properties: {unknown[0]!r} is none; expected some of {', '.join(sorted(PROPERTIES))}")
        strange = sorted(set(given.text_limits) - set(TEXT_LIMITS))
        if strange:
            raise ValueError(
                f"text_limits: {strange[0]!r} is no field; expected some of {', '.join(sorted(TEXT_LIMITS))}"
            )
        if min(given.text_limits.values(), default=SHORTEST_TEXT) < SHORTEST_TEXT:
            raise ValueError(f"text_limits: expected at least {SHORTEST_TEXT} characters")
        if min(given.max_parts, given.max_attempts, given.chunk_bytes) < 1:
            raise ValueError("max_parts, max_attempts and chunk_bytes: expected at least 1")
        return given

    @model_validator(mode="after")
    def _one_system(self) -> Self:
        blocks = [name for name in SYSTEMS if getattr(self, f"given_{name}") is not None]
        if len(blocks) != 1:
            found = f"found {' and '.join(blocks)}" if blocks else "found none"
            raise ValueError(f"expected exactly one of {', '.join(SYSTEMS)}; {found}")
        if self.system != "ams360":
            for name in ("benefitpoint", "notifications"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: only with ams360, but this agency has {self.system}")
        chosen = self.settings.ownership
        roles = ROLES[self.system]
        asked = [("ownership.commercial", chosen.commercial), ("ownership.personal", chosen.personal)]
        asked += [("ownership_tags", role) for role in self.settings.ownership_tags]
        for place, role in asked:
            if role not in roles:
                raise ValueError(f"settings.{place}: expected {' or '.join(roles)} with {self.system}, found {role}")
        return self

    @property
    def system(self) -> SourceSystem:
        """Where its records come from."""
        return next(name for name in SYSTEMS if getattr(self, f"given_{name}") is not None)

    @property
    def ams360(self) -> Ams360Settings:
        """The block of that name.

        Raises:
            ConfigError: this agency has another system.
        """
        return self._required(self.given_ams360, "ams360")

    @property
    def hawksoft(self) -> HawkSoftSettings:
        """The block of that name.

        Raises:
            ConfigError: this agency has another system.
        """
        return self._required(self.given_hawksoft, "hawksoft")

    @property
    def qq_catalyst(self) -> QQCatalystSettings:
        """The block of that name.

        Raises:
            ConfigError: this agency has another system.
        """
        return self._required(self.given_qq_catalyst, "qq_catalyst")

    @property
    def mycase(self) -> MyCaseSettings:
        """The block of that name.

        Raises:
            ConfigError: this agency has another system.
        """
        return self._required(self.given_mycase, "mycase")

    def _required(self, block: Block | None, name: str) -> Block:
        if block is None:
            raise ConfigError(f"agencies.{self.id}.{name}: needed for this, but the agency has {self.system}")
        return block

    def account(self) -> tuple[str, object]:
        """The block's path and value that no other agency may have."""
        if self.given_ams360:
            return "ams360.agency_no", self.given_ams360.agency_no
        if self.given_hawksoft:
            return "hawksoft.agency_id", self.given_hawksoft.agency_id
        if self.given_qq_catalyst:
            return "qq_catalyst.username", self.given_qq_catalyst.username
        return "id", self.id


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
        return self._variable(f"agencies.{agency.id}.{path}", variable)

    def why_password(self) -> str | None:
        """The password of the page that says why; None where there shall be none.

        Raises:
            ConfigError: its variable is not set.
        """
        variable = self.inbound.why_password_env
        return None if variable is None else self._variable("inbound.why_password_env", variable)

    def _variable(self, path: str, variable: str) -> str:
        value = os.environ.get(variable)
        if not value:
            raise ConfigError(f"{self.path}: {path}: expected the environment variable {variable} to be set")
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
    keys = Counter[tuple[str, object]](("id", agency.id) for agency in read.agencies)
    keys.update(agency.account() for agency in read.agencies if agency.account()[0] != "id")
    for (kind, value), count in keys.items():
        if count > 1:
            raise ConfigError(f"{path}: agencies: expected every {kind} once, but {value} stands more than once")
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
