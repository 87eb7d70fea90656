"""One entry of `agencies`: its system's block, its choices, and what must hold between them."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, get_args

from pydantic import Field, field_validator, model_validator

from ams_etl.errors import ConfigError
from ams_etl.rules.contacts.connections import ROLES
from ams_etl.rules.settings import RuleSettings, SourceSystem
from ams_etl.rules.writeback.properties import PROPERTIES
from ams_etl.rules.writeback.settings import SHORTEST_TEXT, TEXT_LIMITS, WritebackSettings
from ams_etl.settings.brake import BrakeSettings
from ams_etl.settings.checks import CheckSettings
from ams_etl.settings.inbound import EventSettings, NotificationSettings
from ams_etl.settings.schedule import known_zone
from ams_etl.settings.strict import Strict
from ams_etl.settings.systems.ams360 import Ams360Settings
from ams_etl.settings.systems.benefitpoint import BenefitPointSettings
from ams_etl.settings.systems.hawksoft import HawkSoftSettings
from ams_etl.settings.systems.mycase import MyCaseSettings
from ams_etl.settings.systems.qq_catalyst import QQCatalystSettings

Block = TypeVar("Block")
SYSTEMS: tuple[SourceSystem, ...] = get_args(SourceSystem)
"""The systems that an agency may have, each with a block of its name."""

_TOLD_ELSEWHERE = {
    "source_system": "the system is the one that has a block",
    "benefitpoint_contacts": "said as benefitpoint.contacts",
}


class _BlockOfSystem(Generic[Block]):
    """Reads `given_NAME` as one that is there; where the agency has another system, a `ConfigError`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, agency: "Agency", owner: type) -> Block:
        block: Block | None = getattr(agency, f"given_{self.name}")
        if block is None:
            raise ConfigError(f"agencies.{agency.id}.{self.name}: needed for this, but the agency has {agency.system}")
        return block


class Agency(Strict):
    """One account of one agency system: a Dagster partition, and the first key column of every table.

    Which system's block it has is where its records come from; it has exactly one.
    """

    ams360: ClassVar = _BlockOfSystem[Ams360Settings]()
    hawksoft: ClassVar = _BlockOfSystem[HawkSoftSettings]()
    qq_catalyst: ClassVar = _BlockOfSystem[QQCatalystSettings]()
    mycase: ClassVar = _BlockOfSystem[MyCaseSettings]()

    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    name: str
    technical_contact: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = ()
    """Mail addresses of whoever looks after the logins: they get a mail when one stops working, by `alerts.smtp`."""
    given_ams360: Ams360Settings | None = Field(default=None, alias="ams360")
    given_hawksoft: HawkSoftSettings | None = Field(default=None, alias="hawksoft")
    given_qq_catalyst: QQCatalystSettings | None = Field(default=None, alias="qq_catalyst")
    given_mycase: MyCaseSettings | None = Field(default=None, alias="mycase")
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
            for name, told_by in _TOLD_ELSEWHERE.items():
                if name in settings:
                    raise ValueError(f"settings.{name}: {told_by}")
            first, second = ROLES[systems[0]]
            chosen = settings.get("ownership")
            if chosen is None or isinstance(chosen, Mapping):
                default = {"commercial": first, "personal": first if systems[0] == "mycase" else second}
                settings = {**settings, "ownership": {**default, **(chosen or {})}}
            beside = given.get("benefitpoint")
            contacts = beside.get("contacts", True) if isinstance(beside, Mapping) else beside is not None
            settings = {**settings, "source_system": systems[0], "benefitpoint_contacts": contacts}
        return {**given, "settings": settings}

    @field_validator("writeback")
    @classmethod
    def _writeback_can_be_done(cls, given: WritebackSettings) -> WritebackSettings:
        if given.timezone is not None:
            known_zone(given.timezone)
        unknown = sorted(set(given.properties) - PROPERTIES)
        if unknown:
            raise ValueError(
                f"properties: unknown property {unknown[0]!r}; expected one of {', '.join(sorted(PROPERTIES))}"
            )
        strange = sorted(set(given.text_limits) - set(TEXT_LIMITS))
        if strange:
            raise ValueError(
                f"text_limits: unknown field {strange[0]!r}; expected one of {', '.join(sorted(TEXT_LIMITS))}"
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

    def account(self) -> tuple[str, object]:
        """The block's path and value that no other agency may have."""
        if self.given_ams360:
            return "ams360.agency_no", self.given_ams360.agency_no
        if self.given_hawksoft:
            return "hawksoft.agency_id", self.given_hawksoft.agency_id
        if self.given_qq_catalyst:
            return "qq_catalyst.username", self.given_qq_catalyst.username
        return "id", self.id
