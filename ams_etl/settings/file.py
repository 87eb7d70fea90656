"""The agencies file as a whole: reading it, finding an agency, the secrets that it names."""

import os
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Annotated, NamedTuple

import yaml
from pydantic import Field, ValidationError

from ams_etl.errors import ConfigError
from ams_etl.scrubbing import remember_secret
from ams_etl.settings.agency import Agency
from ams_etl.settings.alerts import AlertChannel, AlertSettings
from ams_etl.settings.environment_file import load_environment_file
from ams_etl.settings.inbound import InboundSettings
from ams_etl.settings.mistakes import explain
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


class _FileStamp(NamedTuple):
    """What changes whenever a file is edited or replaced."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


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

    @cached_property
    def _by_id(self) -> Mapping[str, Agency]:
        return {agency.id: agency for agency in self.all}

    def get(self, agency_id: str) -> Agency:
        """Return the agency of that id.

        Raises:
            ConfigError: no such agency; the message lists the ids that exist, at most twenty.
        """
        agency = self._by_id.get(agency_id)
        if agency is not None:
            return agency
        known = ", ".join(list(self._by_id)[:20]) or "none"
        more = f" and {len(self.all) - 20} more" if len(self.all) > 20 else ""
        raise ConfigError(f"{self.path}: no agency {agency_id!r}; the file has: {known}{more}")

    @property
    def alert_channels(self) -> tuple[AlertChannel, ...]:
        """Return every way by which alerts leave: the channels, and the agencies' technical contacts."""
        contacts = [(agency.id, agency.technical_contact) for agency in self.all if agency.technical_contact]
        return (*self.alerts.channels, *(self.alerts.channel_to(agency, addresses) for agency, addresses in contacts))

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


_read_before: dict[Path, tuple[_FileStamp, Agencies]] = {}
"""Per path, what the file held when it had that stamp: with 500 agencies, reading takes longer than a sensor's whole tick."""


def shown_variable(name: str) -> str:
    """Return the name of an environment variable for a message, unless it may be a secret that was pasted there."""
    if _VARIABLE.fullmatch(name):
        return f"the environment variable {name}"
    return "the environment variable that it names (its value is not such a name; an example: ACME_PASSWORD)"


def load_agencies(path: Path | None = None) -> Agencies:
    """Return the agencies file (default: `agencies_path()`), read again only when it has changed.

    Raises:
        ConfigError: no such file, not YAML, an unknown key, a wrong type, a doubled id or agency number.
    """
    path = path or agencies_path()
    try:
        with path.open("rb") as file:
            # Taken from the open file and before reading: an edit in between leaves the older stamp, so the next call reads.
            stamp = _stamp(file)
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
    # A second edit within one tick of the file system's clock would leave the same stamp.
    if time.time_ns() - stamp.changed_ns > _CLOCK_TICK_NS:
        _read_before[path] = (stamp, agencies)
    return agencies


_CLOCK_TICK_NS = 50_000_000
"""Longer than any Linux file system takes to give two writes different times."""
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, about ten times as fast, where PyYAML was built with it."""


def _stamp(file: IO[bytes]) -> _FileStamp:
    status = os.fstat(file.fileno())
    return _FileStamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _validated(path: Path, document: object) -> Agencies:
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: expected a mapping with the key `agencies`")
    try:
        read = _File.model_validate(document)
    except ValidationError as error:
        raise ConfigError(explain(path, document, error, _File)) from None
    keys = Counter[tuple[str, object]](("id", agency.id) for agency in read.agencies)
    keys.update(agency.account() for agency in read.agencies if agency.account()[0] != "id")
    for (kind, value), count in keys.items():
        if count > 1:
            raise ConfigError(f"{path}: agencies: expected every {kind} once, but {value} is listed more than once")
    contacts = next((agency.id for agency in read.agencies if agency.technical_contact), None)
    if contacts is not None and (read.alerts.smtp is None or read.alerts.sender is None):
        raise ConfigError(
            f"{path}: alerts: expected smtp and sender, by which agencies.{contacts}.technical_contact gets its mail"
        )
    return Agencies(
        path, read.agencies, read.schedule, read.inbound, read.retention, read.pages, read.alerts, read.owners
    )
