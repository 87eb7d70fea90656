"""What zeep makes of an answer, and the normal form in which it must equal ours."""

import base64
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import zeep
from zeep.helpers import serialize_object
from zeep.loader import parse_xml

from ams_etl.sources.soap.contract import Contract, Member, Shape
from ams_etl_tests.sources.conftest import WSDL

_ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"


@cache
def zeep_client() -> Any:
    """The same contract in zeep, as strict as it can be."""
    return zeep.Client(str(WSDL), settings=zeep.Settings(strict=True))


def decoded_by_zeep(contract: Contract, operation: str, answer: bytes) -> Any:
    """The answer's result as zeep's own dicts."""
    client = zeep_client()
    described = contract.operation(operation)
    body = parse_xml(answer, None, settings=client.settings).find(f"{_ENVELOPE}Body")
    read = client.get_element(described.response_tag).parse(body[0], client.wsdl.types)
    return serialize_object(read, dict)


def normalised(contract: Contract, operation: str, value: Any, drop: Mapping[str, frozenset[str]]) -> Any:
    """The dicts of zeep in our form: lists without their containers, scalars as JSON, nothing as None, secrets dropped."""
    described = contract.operation(operation)
    if described.result_tag is not None:
        value = (value or {}).get(f"{operation}Result")
    if value is None:
        value = {}
    return {member.name: _member(member, value.get(member.name), drop) for member in described.results}


def _member(member: Member, value: Any, drop: Mapping[str, frozenset[str]]) -> Any:
    shape = member.shape
    if member.repeated:
        return [one for item in value or [] if (one := _value(shape, item, drop)) is not None]
    if shape.is_list:
        inner = shape.members[0]
        items = (value or {}).get(inner.name) or []
        return [one for item in items if (one := _value(inner.shape, item, drop)) is not None]
    return _value(shape, value, drop)


def _value(shape: Shape, value: Any, drop: Mapping[str, frozenset[str]]) -> Any:
    if value is None:
        return None
    if shape.scalar is None:
        dropped = drop.get(shape.name, frozenset())
        record = {
            member.name: _member(member, value.get(member.name), drop)
            for member in shape.members
            if member.name not in dropped
        }
        return record if any(entry not in (None, []) for entry in record.values()) else None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
