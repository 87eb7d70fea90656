"""The agencies file as a whole: reading it, finding an agency, the secrets that it names."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from ams_etl.errors import ConfigError
from ams_etl.settings.agency import Agency
from ams_etl.settings.inbound import InboundSettings
from ams_etl.settings.mistakes import explain
from ams_etl.settings.places import agencies_path
from ams_etl.settings.schedule import ScheduleSettings
from ams_etl.settings.strict import Strict


class _File(Strict):
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
        raise ConfigError(explain(path, document, error)) from None
    keys = Counter[tuple[str, object]](("id", agency.id) for agency in read.agencies)
    keys.update(agency.account() for agency in read.agencies if agency.account()[0] != "id")
    for (kind, value), count in keys.items():
        if count > 1:
            raise ConfigError(f"{path}: agencies: expected every {kind} once, but {value} stands more than once")
    return Agencies(path, read.agencies, read.schedule, read.inbound)
