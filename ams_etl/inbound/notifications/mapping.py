"""`notification_mapping.yaml`: by which names a notification's parts are known.

An engineer mends the file; nothing here knows a name of AMS360's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ams_etl.errors import ConfigError
from ams_etl.settings import home

Change = Literal["insert", "update", "delete"]
FILE = "notification_mapping.yaml"
_SEPARATORS = re.compile(r"[\s_.\-]+")


def normal(name: str) -> str:
    """A name as names are compared: its local part, without case and separators."""
    return _SEPARATORS.sub("", name.rpartition("}")[2].rpartition(":")[2]).lower()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fields(_Strict):
    agency_no: list[str] = []
    authentication_code: list[str] = []
    object_type: list[str] = []
    change: list[str] = []
    key_name: list[str] = []
    key_value: list[str] = []


class _Object(_Strict):
    words: list[str]
    keys: dict[str, list[str]]


class _File(_Strict):
    fields: dict[Literal["any", "1", "2.0", "3"], _Fields]
    changes: dict[Change, list[str]]
    objects: dict[str, _Object]
    unused: list[list[str]] = []


@dataclass(frozen=True)
class NotificationMapping:
    """The mapping as one version is read by it; every name is `normal`.

    Attributes:
        agency_no, authentication_code, object_type, change, key_name, key_value: names, the likelier ones first.
        changes: a word -> the change it means.
        objects: a word -> the object type it means, or None for one that is of no use here.
        keys: object type -> (AMS360's member name, its spellings), the record's own key first.
    """

    agency_no: tuple[str, ...]
    authentication_code: tuple[str, ...]
    object_type: tuple[str, ...]
    change: tuple[str, ...]
    key_name: tuple[str, ...]
    key_value: tuple[str, ...]
    changes: Mapping[str, Change]
    objects: Mapping[str, str | None]
    keys: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]

    @cached_property
    def events(self) -> Mapping[str, tuple[str, Change]]:
        """A name that says both, such as `customerupdated`, -> the object's word and the change."""
        return {
            name: (word, change)
            for word in self.objects
            for said, change in self.changes.items()
            if len(said) > 1
            for name in (word + said, said + word)
            if name not in self.objects
        }


def load_mapping(version: str, path: Path | None = None) -> NotificationMapping:
    """Read the mapping for one version of the notifications.

    Args:
        version: `1`, `2.0` or `3`, as the agency's settings say.
        path: the file; by default the one in `AMS_ETL_HOME`, else the one that ships with ams_etl.

    Raises:
        ConfigError: not readable, an unknown key, or a word that stands for two things.
    """
    if path is None:
        own = home() / FILE
        path = own if own.is_file() else Path(__file__).parent / FILE
    try:
        read = _File.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({type(error).__name__})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg']}") from None
    return NotificationMapping(
        **_fields(read, version),
        changes=_words(path, read.changes),
        objects=_words(
            path,
            {
                **{name: found.words for name, found in read.objects.items()},
                None: [word for line in read.unused for word in line],
            },
        ),
        keys={
            name: tuple((member, tuple(map(normal, spellings))) for member, spellings in found.keys.items())
            for name, found in read.objects.items()
        },
    )


def _fields(read: _File, version: str) -> dict[str, tuple[str, ...]]:
    layers = [layer for layer in (read.fields.get(name) for name in (version, "any")) if layer]  # type: ignore[call-overload]
    return {
        name: tuple(dict.fromkeys(normal(spelling) for layer in layers for spelling in getattr(layer, name)))
        for name in _Fields.model_fields
    }


def _words(path: Path, given: Mapping[Any, Sequence[str]]) -> dict[str, Any]:
    meaning: dict[str, Any] = {}
    for means, words in given.items():
        for word in map(normal, words):
            if meaning.setdefault(word, means) != means:
                raise ConfigError(f"{path}: {word!r} stands for {meaning[word]} and for {means}; keep it in one place")
    return meaning
