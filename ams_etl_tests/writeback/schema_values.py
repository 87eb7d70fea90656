"""Values that a JSON Schema of events admits, and values that may break it, for Hypothesis."""

from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from datetime import date, timedelta, timezone
from typing import Any
from zoneinfo import available_timezones

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

Schema = Mapping[str, Any]
_ANY_TEXT = st.characters(exclude_categories=())
_ZONES = sorted(available_timezones())
FORMATS = FormatChecker()


def _is_zone(value: object) -> bool:
    return not isinstance(value, str) or value in _ZONES


FORMATS.checks("iana-time-zone")(_is_zone)


def validator_of(schema: Schema) -> Draft202012Validator:
    """Return what judges by the schema alone, its formats included."""
    return Draft202012Validator(schema, format_checker=FORMATS)


def values_of(schema: Schema, whole: Schema) -> st.SearchStrategy[Any]:
    """Return a strategy of values that a part of a schema admits.

    Args:
        schema: the part.
        whole: the schema that its references are resolved in.
    """
    if "$ref" in schema:
        return values_of(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _objects(schema, whole)
        case "array":
            most = min(schema.get("maxItems", 2), 3)
            return st.lists(values_of(schema["items"], whole), min_size=schema.get("minItems", 0), max_size=most)
        case "string":
            return _texts(schema)
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "null":
            return st.none()
    choices = schema.get("oneOf") or schema["anyOf"]
    return st.one_of([values_of(choice, whole) for choice in choices])


def _objects(schema: Schema, whole: Schema) -> st.SearchStrategy[Any]:
    members = {name: values_of(member, whole) for name, member in schema["properties"].items()}
    needed = schema.get("required", ())
    objects = st.fixed_dictionaries(
        {name: members[name] for name in needed},
        optional={name: strategy for name, strategy in members.items() if name not in needed},
    )
    if "anyOf" not in schema:
        return objects
    judge = validator_of({"anyOf": schema["anyOf"]})
    return objects.filter(judge.is_valid)


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    pattern, form = schema.get("pattern"), schema.get("format")
    if form == "uuid":
        return st.uuids().map(str)
    if form == "iana-time-zone":
        return st.sampled_from(_ZONES)
    if form == "date":
        return st.dates(date(1900, 1, 1), date(2999, 12, 31)).map(date.isoformat)
    if form == "date-time":
        offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
        days = st.dates(date(1900, 1, 1), date(2999, 12, 31))
        return st.builds(lambda day, time: f"{day}T{time.isoformat()}", days, st.times(timezones=offsets))
    if schema.get("contentEncoding") == "base64":
        return st.binary(max_size=9).map(lambda content: b64encode(content).decode())
    if pattern and pattern.endswith("$"):
        return st.from_regex(pattern.removesuffix("$") + r"\Z", alphabet=_ANY_TEXT).filter(
            validator_of(schema).is_valid
        )
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", 30), 30)
    return st.text(_ANY_TEXT, min_size=least, max_size=most).filter(validator_of(schema).is_valid)


@st.composite
def broken(draw: st.DrawFn, events: st.SearchStrategy[Any]) -> Any:
    """An event of which one member is left out, doubled under another name, retyped, emptied or put out of its range."""
    event = deepcopy(draw(events))
    record = draw(st.sampled_from(_records(event)))
    name = draw(st.sampled_from(sorted(record)))
    match draw(st.sampled_from(["left out", "another name", "retyped"])):
        case "left out":
            del record[name]
        case "another name":
            record[f"{name}_"] = record[name]
        case _:
            record[name] = draw(st.sampled_from(_OUT_OF_PLACE))
    return event


_OUT_OF_PLACE: list[Any] = [
    None, True, 0, -1, 3, 1.5, [], {}, "", "x", "x" * 501, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00",
    "2026-06-01T18:30:00", "2026-06-01T18:30Z", "2026-06-01T24:00:00Z", "2026-06-01T18:30:00Z\n", "2026-06-01", "0001-01-01",
    "2026-02-30", "1500", "0", "ftp://x.example", "https://x.example/a b", "inbound", "ams360", ["ams360"], ["nowhere"],
    [None], {"email": None}, {"email": "a@b"}, "\x00", "\ud800", "\x00\x01\x02", "a=b", "AAAA", "text/plain",
    "America/Chicago", "Mars/Base", "00000000-0000-0000-0000-000000000001", 1_791_000_000, 99_999_999_999,
]  # fmt: skip


def _records(value: Any) -> list[dict[str, Any]]:
    """Every object in a value that has members."""
    if isinstance(value, list):
        return [record for inner in value for record in _records(inner)]
    if not isinstance(value, dict):
        return []
    return ([value] if value else []) + [record for inner in value.values() for record in _records(inner)]
