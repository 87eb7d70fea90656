"""The setting `embedded_postgres`, read by itself: whoever needs the database asks, whatever else is wrong in agencies.yaml."""

import re
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from ams_etl.errors import ConfigError
from ams_etl.settings.file_stamp import FileStamp, stamp_of
from ams_etl.settings.places import agencies_path

KEY = "embedded_postgres"
_LINE = re.compile(rf"^[\"']?{KEY}[\"']?\s*:\s*(\S*)", re.MULTILINE)
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_read_before: dict[Path, tuple[FileStamp, bool]] = {}
"""Per path, what it said when it had that stamp: the database is asked for at each connection."""


def embedded_postgres_allowed(path: Path | None = None) -> bool:
    """Return whether an embedded Postgres may be created, started or used; True where no file says otherwise.

    A mistake elsewhere in the file does not matter. Where the file is not YAML at all, the key's own line counts.

    Args:
        path: the agencies file; default: `agencies_path()`.

    Raises:
        ConfigError: the file cannot be read, or the value is neither true nor false.
    """
    path = path or agencies_path()
    try:
        stamp = stamp_of(path.stat())
        before = _read_before.get(path)
        if before is not None and before[0] == stamp:
            return before[1]
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return True
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}), so set AMS_ETL_DATABASE_URL to the Postgres that holds the data"
        ) from None
    allowed = _value(path, text)
    if stamp.is_settled:
        _read_before[path] = (stamp, allowed)
    return allowed


def _value(path: Path, text: str) -> bool:
    # Parsing hundreds of agencies takes seconds without libyaml, and hardly a file has the key.
    if KEY not in text:
        return True
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - both loaders are safe ones
    except yaml.YAMLError:
        line = _LINE.search(text)
        return line is None or line[1].lower() in {"true", "yes", "on"}
    if not isinstance(document, dict) or KEY not in document:
        return True
    try:
        return TypeAdapter(bool).validate_python(document[KEY])
    except ValidationError:
        raise ConfigError(
            f"{path}: {KEY}: expected true or false; set AMS_ETL_DATABASE_URL where it is false"
        ) from None
