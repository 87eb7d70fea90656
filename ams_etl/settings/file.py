"""The agencies file as a whole: reading it, finding an agency, the secrets that it names."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from ams_etl.errors import ConfigError
from ams_etl.scrubbing import remember_secret
from ams_etl.settings.agency import Agency
from ams_etl.settings.alerts import AlertChannel, AlertSettings
from ams_etl.settings.environment_file import load_environment_file
from ams_etl.settings.file_stamp import FileStamp, stamp_of
from ams_etl.settings.inbound import InboundSettings
from ams_etl.settings.mistakes import explain, mistakes
from ams_etl.settings.pages import PagesSettings
from ams_etl.settings.places import agencies_path
from ams_etl.settings.retention import RetentionSettings
from ams_etl.settings.schedule import ScheduleSettings
from ams_etl.settings.strict import Strict

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
"""Capitals with an underscore: what people name variables, and hardly a password."""


Owner = Annotated[str, Field(pattern=r"^(team:[A-Za-z0-9_.-]+|[^@\s]+@[^@\s]+\.[^@\s]+)$")]
"""Who answers for the assets in Dagster's catalog: `team:NAME` or an email address."""


class _File(Strict):
    agencies: tuple[Agency, ...]
    schedule: ScheduleSettings = ScheduleSettings()
    inbound: InboundSettings = InboundSettings()
    retention: RetentionSettings = RetentionSettings()
    pages: PagesSettings = PagesSettings()
    alerts: AlertSettings = AlertSettings()
    owners: tuple[Owner, ...] = ("team:data-engineering",)
    embedded_postgres: bool = True
    """Whether an embedded Postgres may be created and started; `embedded_postgres_allowed` reads it."""


@dataclass(frozen=True)
class Agencies:
    """The agencies file, read and validated."""

    path: Path
    all: tuple[Agency, ...]
    schedule: ScheduleSettings
    inbound: InboundSettings
    retention: RetentionSettings
    pages: PagesSettings
    alerts: AlertSettings
    owners: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with the entries that have mistakes, by id: the other agencies go on without them."""

    @cached_property
    def _by_id(self) -> Mapping[str, Agency]:
        return {agency.id: agency for agency in self.all}

    def get(self, agency_id: str) -> Agency:
        """Return the agency of that id.

        Raises:
            ConfigError: its entry has mistakes, which the message lists; or there is no such agency, and it lists the ids
                that exist, at most twenty.
        """
        agency = self._by_id.get(agency_id)
        if agency is not None:
            return agency
        if agency_id in self.unusable:
            raise ConfigError(f"{self.path}: {self.unusable[agency_id]}")
        known = ", ".join(list(self._by_id)[:20]) or "none"
        more = f" and {len(self.all) - 20} more" if len(self.all) > 20 else ""
        raise ConfigError(f"{self.path}: no agency {agency_id!r}; the file has: {known}{more}")

    @property
    def alert_channels(self) -> tuple[AlertChannel, ...]:
        """Return every way by which alerts leave: the channels, and the technical contacts, if mail can be sent to them."""
        contacts = [agency for agency in self.all if agency.technical_contact and self.alerts.can_mail_contacts]
        return (
            *self.alerts.channels,
            *(self.alerts.channel_to(agency.id, agency.technical_contact) for agency in contacts),
        )

    @property
    def without_effect(self) -> Mapping[str, str]:
        """Return what is set and does nothing, by agency id: worth a warning, and no reason to leave the agency out."""
        if self.alerts.can_mail_contacts:
            return {}
        return {
            agency.id: f"agencies.{agency.id}.technical_contact gets no mail: it needs alerts.smtp and alerts.sender"
            for agency in self.all if agency.technical_contact
        }  # fmt: skip

    def secret(self, agency: Agency, path: str, variable: str) -> str:
        """The value of an environment variable that the file names; `path` is where it names it.

        Raises:
            ConfigError: the variable is not set.
        """
        return self._variable(f"agencies.{agency.id}.{path}", variable)

    def alert_secret(self, variable: str) -> str:
        """Return the value of an environment variable that the `alerts` block names.

        Raises:
            ConfigError: the variable is not set.
        """
        return self._variable("alerts", variable)

    def body_key(self) -> str | None:
        """The key that encrypts bodies which nobody can redact with certainty; None where its variable is not set."""
        key = os.environ.get(self.inbound.body_key_env) or None
        if key is not None:
            remember_secret(key)
        return key

    def _variable(self, path: str, variable: str) -> str:
        load_environment_file()
        value = os.environ.get(variable)
        if not value:
            raise ConfigError(f"{self.path}: {path}: expected {shown_variable(variable)} to be set")
        remember_secret(value)
        return value


_read_before: dict[Path, tuple[FileStamp, Agencies]] = {}
"""Per path, what the file held when it had that stamp: with 500 agencies, reading takes longer than a sensor's whole tick."""


def shown_variable(name: str) -> str:
    """Return the name of an environment variable for a message, unless it may be a secret that was pasted there."""
    if _VARIABLE.fullmatch(name):
        return f"the environment variable {name}"
    return "the environment variable that it names (its value is not such a name; an example: ACME_PASSWORD)"


def load_agencies(path: Path | None = None) -> Agencies:
    """Return the agencies file (default: `agencies_path()`), read again only when it has changed.

    An agency whose entry has mistakes is left out and listed as unusable: it must not stop the others.

    Raises:
        ConfigError: no such file, not YAML, a mistake in what all agencies share, or no agency without one.
    """
    path = path or agencies_path()
    try:
        with path.open("rb") as file:
            # Taken from the open file and before reading: an edit in between leaves the older stamp, so the next call reads.
            stamp = stamp_of(os.fstat(file.fileno()))
            before = _read_before.get(path)
            if before is not None and before[0] == stamp:
                return before[1]
            document = yaml.load(file, Loader=_Loader)  # noqa: S506 - both loaders are safe ones
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
    agencies = _validated(path, document)
    if stamp.is_settled:
        _read_before[path] = (stamp, agencies)
    return agencies


_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, about ten times as fast, where PyYAML was built with it."""


def _validated(path: Path, document: object) -> Agencies:
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: expected a mapping with the key `agencies`")
    unusable: dict[str, str] = {}
    try:
        read = _File.model_validate(document)
    except ValidationError as error:
        document, unusable = _without_mistaken_entries(path, document, error)
        read = _File.model_validate(document)
    usable, doubled = _without_doubled(read.agencies)
    unusable |= doubled
    return Agencies(
        path, usable, read.schedule, read.inbound, read.retention, read.pages, read.alerts, read.owners, unusable
    )


def _without_mistaken_entries(
    path: Path, document: Mapping[str, object], error: ValidationError
) -> tuple[Mapping[str, object], dict[str, str]]:
    """Return the document without the entries that have mistakes, and these mistakes by agency id.

    Raises:
        ConfigError: a mistake is in what all agencies share, or every entry has one; the message lists all mistakes.
    """
    entries = document.get("agencies")
    places = [found["loc"] for found in error.errors(include_url=False)]
    mistaken = {place[1] for place in places if place[0] == "agencies" and len(place) > 1 and isinstance(place[1], int)}
    is_shared = any(place[0] != "agencies" or len(place) == 1 for place in places)
    if not isinstance(entries, list) or is_shared or len(mistaken) == len(entries):
        raise ConfigError(explain(path, document, error, _File)) from None
    unusable = {}
    for number in sorted(mistaken):
        alone = {"agencies": [entries[number]]}
        name = entries[number].get("id") if isinstance(entries[number], Mapping) else None
        try:
            _File.model_validate(alone)
        except ValidationError as found:
            unusable[str(name or f"entry {number + 1}")] = "; ".join(dict.fromkeys(mistakes(alone, found, _File)))
    kept = [entry for number, entry in enumerate(entries) if number not in mistaken]
    return {**document, "agencies": kept}, unusable


def _without_doubled(agencies: tuple[Agency, ...]) -> tuple[tuple[Agency, ...], dict[str, str]]:
    """Return the agencies without those whose id or account an earlier entry has, and what is wrong with these."""
    usable: list[Agency] = []
    doubled: dict[str, str] = {}
    known: set[tuple[str, object]] = set()
    for agency in agencies:
        own: set[tuple[str, object]] = {("id", agency.id), agency.account()}
        for kind, value in sorted(own & known, key=str):
            name = agency.id if kind != "id" else f"{agency.id} (again)"
            doubled[name] = f"agencies: expected every {kind} once, but {value} is listed more than once"
        if not own & known:
            usable.append(agency)
        known |= own
    return tuple(usable), doubled
