"""What a WSDL declares: its types member by member in schema order, and its operations."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

_XS = "{http://www.w3.org/2001/XMLSchema}"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"


@dataclass(frozen=True, slots=True)
class Member:
    """One element of a type; `type_name` is `{namespace}name`, a simple type's own base already put in its place."""

    name: str
    namespace: str
    type_name: str
    repeated: bool
    nillable: bool

    @property
    def tag(self) -> str:
        """The name as lxml writes it."""
        return f"{{{self.namespace}}}{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its argument and its result, where it has them."""

    name: str
    namespace: str
    action: str
    argument: Member | None
    result: Member | None

    @property
    def request_type(self) -> str:
        """The type of its element: all arguments of a service that puts them there without a wrapper."""
        return f"{{{self.namespace}}}{self.name}"

    @property
    def response_type(self) -> str:
        """The type of its answer's element."""
        return f"{{{self.namespace}}}{self.name}Response"


@dataclass(slots=True)
class Contract:
    """Everything that the WSDL declares.

    Complex types that are not here are simple ones: `XSD + "string"` and the like, or a restriction that the reader
    checks (`GUID`, `DURATION`).
    """

    namespace: str
    operations: dict[str, Operation] = field(default_factory=dict)
    types: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    elements: dict[str, Member] = field(default_factory=dict)
    namespaces: list[str] = field(default_factory=list)
    """Those that elements can be in."""


def read_contract(wsdl: bytes, *, checked: frozenset[str] = frozenset()) -> Contract:
    """Read a WSDL.

    Args:
        wsdl: the document, with all its schemas inside.
        checked: simple types that the reader knows by their own name; any other is read as its base type.
    """
    root = etree.fromstring(wsdl)
    contract = Contract(root.get("targetNamespace"))
    bases: dict[str, str] = {}
    messages: dict[str, tuple[Any, str]] = {}
    for schema in root.iter(f"{_XS}schema"):
        space = schema.get("targetNamespace")
        if schema.find(f"{_XS}element") is not None:
            contract.namespaces.append(space)
        for simple in schema.findall(f"{_XS}simpleType"):
            name = f"{{{space}}}{simple.get('name')}"
            if name not in checked:
                restriction = simple.find(f"{_XS}restriction")
                bases[name] = _qualified(restriction, restriction.get("base"))
        for element in schema.findall(f"{_XS}element"):
            if element.get("type"):
                contract.elements[f"{{{space}}}{element.get('name')}"] = _member(element, space)
            else:
                inside = space if schema.get("elementFormDefault") == "qualified" else ""
                messages[f"{{{space}}}{element.get('name')}"] = element, inside
    _read_types(root, contract, bases)
    for operation in root.find(f"{_WSDL}binding").findall(f"{_WSDL}operation"):
        name = operation.get("name")
        argument, result = (
            _only(contract, f"{{{contract.namespace}}}{key}", messages, bases) for key in (name, f"{name}Response")
        )
        action = operation.find(f"{_SOAP}operation").get("soapAction")
        contract.operations[name] = Operation(name, contract.namespace, action, argument, result)
    return contract


def _read_types(root: Any, contract: Contract, bases: Mapping[str, str]) -> None:
    inherited: dict[str, str] = {}
    for schema in root.iter(f"{_XS}schema"):
        space = schema.get("targetNamespace")
        inside = space if schema.get("elementFormDefault") == "qualified" else ""
        for complex_type in schema.findall(f"{_XS}complexType"):
            name = f"{{{space}}}{complex_type.get('name')}"
            contract.types[name] = _members(complex_type, inside, bases)
            extension = complex_type.find(f".//{_XS}extension")
            if extension is not None:
                inherited[name] = _qualified(extension, extension.get("base"))
    for name, base in inherited.items():
        contract.types[name] = contract.types[base] + contract.types[name]


def _members(parent: Any, namespace: str, bases: Mapping[str, str]) -> tuple[Member, ...]:
    members = (_member(element, namespace) for element in parent.iter(f"{_XS}element"))
    return tuple(replace(member, type_name=bases.get(member.type_name, member.type_name)) for member in members)


def _only(
    contract: Contract, name: str, messages: Mapping[str, tuple[Any, str]], bases: Mapping[str, str]
) -> Member | None:
    message, namespace = messages[name]
    members = _members(message.find(f"{_XS}complexType"), namespace, bases)
    contract.types[name] = members
    return members[0] if members else None


def _member(element: Any, namespace: str) -> Member:
    return Member(
        element.get("name"),
        namespace,
        _qualified(element, element.get("type")),
        element.get("maxOccurs") == "unbounded",
        element.get("nillable") == "true",
    )


def _qualified(element: Any, name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{element.nsmap.get(prefix or None, '')}}}{local}"
