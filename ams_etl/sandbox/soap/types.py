"""The types and operations of a WSDL, for reading requests and writing answers in schema order."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

_XS = "{http://www.w3.org/2001/XMLSchema}"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
Record = dict[str, Any]


class BadValueError(Exception):
    """A member's text is not of its type."""


@dataclass(slots=True)
class Member:
    """One element of a type."""

    name: str
    namespace: str
    type_name: str
    repeated: bool
    nillable: bool
    optional: bool


@dataclass(slots=True)
class Operation:
    """One operation: its argument wrapper and its result, where it has them."""

    name: str
    action: str
    wrapper: Member | None
    result: Member | None


@dataclass(slots=True)
class Schema:
    """Everything that the WSDL declares."""

    namespace: str
    operations: dict[str, Operation] = field(default_factory=dict)
    types: dict[str, list[Member]] = field(default_factory=dict)
    _plans: dict[str, dict[str, tuple[int, Member]]] = field(default_factory=dict)

    def read(self, type_name: str, element: Any) -> Any:
        """Read a value as a DataContract reader does: members out of schema order, or unknown, are silently dropped.

        Raises:
            BadValueError: a text that is not of its type.
        """
        if element.get(NIL) in {"true", "1"}:
            return None
        members = self.types.get(type_name)
        if members is None:
            return _read_scalar(type_name, element.text)
        plan = self._plans.get(type_name)
        if plan is None:
            plan = self._plans[type_name] = {
                f"{{{member.namespace}}}{member.name}": (at, member) for at, member in enumerate(members)
            }
        record: Record = {}
        reached = 0
        for child in element:
            found = plan.get(child.tag)
            if found is None or found[0] < reached:
                continue
            at, member = found
            value = self.read(member.type_name, child)
            if member.repeated:
                reached = at
                record.setdefault(member.name, []).append(value)
            else:
                reached = at + 1
                record[member.name] = value
        return record

    def write(self, member: Member, value: Any, prefix: Callable[[str], str]) -> str:
        """A value as an element in schema order; null members of a nillable type are xsi:nil, others are left out."""
        tag = f"{prefix(member.namespace)}:{member.name}"
        if value is None:
            return f'<{tag} i:nil="true"/>' if member.nillable else ""
        members = self.types.get(member.type_name)
        if members is None:
            return f"<{tag}>{_write_scalar(value)}</{tag}>"
        return f"<{tag}>{self.write_members(members, value, prefix)}</{tag}>"

    def write_members(self, members: list[Member], value: Mapping[str, Any], prefix: Callable[[str], str]) -> str:
        """The members of a record; a string among a list's items is an element that is rendered already."""
        parts = []
        for inner in members:
            given = value.get(inner.name)
            if inner.repeated:
                parts += [
                    item if isinstance(item, Rendered) else self.write(inner, item, prefix) for item in given or ()
                ]
            else:
                parts.append(given if isinstance(given, Rendered) else self.write(inner, given, prefix))
        return "".join(parts)


class Rendered(str):
    """An element that is XML already."""

    __slots__ = ()


def load_schema(path: Path) -> Schema:
    """Read a WSDL file."""
    root = etree.parse(str(path)).getroot()
    schema = Schema(root.get("targetNamespace"))
    elements: dict[str, Any] = {}
    bases: dict[str, str] = {}
    for found in root.iter(f"{_XS}schema"):
        namespace = found.get("targetNamespace")
        for simple in found.findall(f"{_XS}simpleType"):
            base = simple.find(f"{_XS}restriction").get("base").split(":")[1]
            bases[simple.get("name")] = simple.get("name") if simple.get("name") in _SCALARS else base
        for complex_type in found.findall(f"{_XS}complexType"):
            schema.types[complex_type.get("name")] = _members(complex_type, namespace)
        for element in found.findall(f"{_XS}element"):
            elements[element.get("name")] = (element, namespace)
    for complex_type in root.iter(f"{_XS}complexType"):
        extension = complex_type.find(f".//{_XS}extension")
        if extension is not None:
            inherited = schema.types[extension.get("base").split(":")[1]]
            schema.types[complex_type.get("name")] = [*inherited, *schema.types[complex_type.get("name")]]
    for members in schema.types.values():
        for member in members:
            member.type_name = bases.get(member.type_name, member.type_name)
    for operation in root.find(f"{_WSDL}binding").findall(f"{_WSDL}operation"):
        name = operation.get("name")
        request, response = (
            _members(elements[key][0].find(f"{_XS}complexType"), elements[key][1]) for key in (name, f"{name}Response")
        )
        schema.operations[name] = Operation(
            name,
            operation.find(f"{_SOAP}operation").get("soapAction"),
            request[0] if request else None,
            response[0] if response else None,
        )
    return schema


def _members(complex_type: Any, namespace: str) -> list[Member]:
    return [
        Member(
            element.get("name"),
            namespace,
            element.get("type").split(":")[1],
            element.get("maxOccurs") == "unbounded",
            element.get("nillable") == "true",
            element.get("minOccurs") == "0",
        )
        for element in complex_type.iter(f"{_XS}element")
    ]


_GUID = re.compile(r"[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}\Z")
_DURATION = re.compile(r"-?P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?\Z")


def _guid(text: str) -> str:
    if not _GUID.match(text):
        raise BadValueError
    return text.lower()


def _duration(text: str) -> str:
    if not _DURATION.match(text):
        raise BadValueError
    return text


def _boolean(text: str) -> bool:
    if text in {"true", "1", "false", "0"}:
        return text in {"true", "1"}
    raise BadValueError


def _date_time(text: str) -> str:
    datetime.fromisoformat(text[:26])
    return text


def _ranged(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise BadValueError
        return value

    return read


_SCALARS: dict[str, Callable[[str], Any]] = {
    "guid": _guid,
    "duration": _duration,
    "boolean": _boolean,
    "dateTime": _date_time,
    "int": _ranged(-(2**31), 2**31 - 1),
    "short": _ranged(-(2**15), 2**15 - 1),
    "long": _ranged(-(2**63), 2**63 - 1),
    "unsignedByte": _ranged(0, 255),
    "decimal": Decimal,
    "base64Binary": lambda text: b64decode(text, validate=True),
}


def _read_scalar(type_name: str, text: str | None) -> Any:
    if text is None or (not text.strip() and type_name in _SCALARS):
        return None
    read = _SCALARS.get(type_name)
    if read is None:
        return text
    try:
        return read(text.strip())
    except (ValueError, InvalidOperation, Base64Error):
        raise BadValueError from None


def _write_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value)) if isinstance(value, str) else str(value)
