"""The kinds of values in events. Each says in the JSON Schema what the code accepts: a property test holds the two together."""

import re
from base64 import b64decode
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from ams_etl.settings.schedule import known_zone

_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STORABLE = r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]"
_YEAR_DAY = r"(19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}"
"""An earlier or later year is a mistake, and near the calendar's ends a change of time zone overflows."""
_MOMENT = rf"^{_YEAR_DAY}[Tt ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?([Zz]|[+-][0-9]{{2}}:?[0-9]{{2}})$"
_MIDNIGHT = r"(T00:00:00)?$"
_NUMBER = r"^[1-9][0-9]{0,8}$"
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def storable(text: str) -> str:
    """Return the text without what XML or Postgres cannot hold."""
    return _UNSTORABLE.sub("", text)


def is_storable(text: str) -> bool:
    """Return whether XML and Postgres can hold the whole text."""
    return _UNSTORABLE.search(text) is None


def _written_as(pattern: str, expected: str) -> Callable[[Any], Any]:
    found = re.compile(pattern)

    def check(value: Any) -> Any:
        # `$` alone would let a line feed at the end pass.
        if not isinstance(value, str) or not found.search(value) or value.endswith("\n"):
            raise ValueError(f"expected {expected}")
        return value

    return check


def _is_base64(value: str) -> str:
    b64decode(value, validate=True)
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(_NUMBER, value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("expected a whole number")  # noqa: TRY004 - pydantic reports no TypeError
    return value


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_as(_MOMENT, "a date and time of 1900 to 2999 with its offset, as 2026-06-01T18:30:00Z")),
    Field(json_schema_extra={"pattern": _MOMENT}),
]
Day = Annotated[
    date,
    BeforeValidator(_written_as(rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_MIDNIGHT}", "a date, as 2026-06-01")),
    Field(json_schema_extra={"pattern": rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_MIDNIGHT}"}),
]
PolicyDay = Annotated[
    date,
    BeforeValidator(_written_as(rf"^{_YEAR_DAY}{_MIDNIGHT}", "a date of 1900 to 2999, as 2026-06-01")),
    Field(json_schema_extra={"pattern": rf"^{_YEAR_DAY}{_MIDNIGHT}"}),
]
Zone = Annotated[
    str, AfterValidator(known_zone), Field(json_schema_extra={"format": "iana-time-zone"}, examples=["America/Chicago"])
]
Key = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra={"pattern": _STORABLE})]
WholeKey = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra={"pattern": f"^{_STORABLE}+$"})]
Line = Annotated[str, Field(min_length=1, max_length=500, json_schema_extra={"pattern": _STORABLE})]
Address = Annotated[
    str, Field(min_length=3, max_length=320, json_schema_extra={"pattern": f"{_STORABLE}.*{_STORABLE}.*{_STORABLE}"})
]
PolicyNumber = Annotated[str, Field(min_length=1, max_length=25, json_schema_extra={"pattern": _STORABLE})]
CustomerNumber = Annotated[
    int,
    BeforeValidator(_number),
    Field(ge=1, le=2_147_483_647),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 2_147_483_647}, {"type": "string", "pattern": _NUMBER}]}
    ),
]
Text = Annotated[str, Field(max_length=1_000_000)]
Link = Annotated[str, Field(pattern=r"^https?://[^\s\u0000-\u001f\ufffe\uffff]+$", max_length=2000)]
Base64 = Annotated[
    str,
    AfterValidator(_is_base64),
    Field(repr=False, json_schema_extra={"contentEncoding": "base64", "pattern": _BASE64}),
]
MediaType = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+$", max_length=200)]
Direction = Literal["inbound", "outbound"]
RecordType = Literal["personal", "commercial"]
Targets = Annotated[tuple[Literal["ams360", "benefitpoint"], ...], Field(min_length=1, max_length=2)]
