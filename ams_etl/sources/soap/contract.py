"""A WSDL as zeep understands it, cached, and bound to our own endpoint.

The published document's service address is an internal host, so the address is always the configured one.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from ams_etl.errors import ConfigError, DataError, TransientError

WSDL_CACHE_SECONDS = 24 * 3600
_DOCUMENT_ELEMENTS = frozenset({"definitions", "schema"})


@dataclass(frozen=True, slots=True)
class Member:
    """One element of a type; `Shape.members` keeps the order of the sequence."""

    name: str
    tag: str
    repeated: bool
    shape: "Shape"


@dataclass(slots=True, eq=False)
class Shape:
    """A type of the contract: `scalar` names a simple one's built-in, else `members` holds its elements in schema order."""

    name: str
    scalar: str | None
    members: tuple[Member, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether it only holds repetitions of one member, as .NET's ArrayOf types do."""
        return len(self.members) == 1 and self.members[0].repeated


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: its name.
        action: its SOAPAction.
        tag: the request's element.
        wrapper: the element around the arguments: `Request` here, `request` there, or nothing.
        arguments: in schema order.
        response_tag: the answer's element.
        result_tag: the element around the results (`CustomerGetByIdResult`), or None for the answer itself.
        results: in schema order; none where the operation only says that it is done.
    """

    name: str
    action: str
    tag: str
    wrapper: Member | None
    arguments: tuple[Member, ...]
    response_tag: str
    result_tag: str | None
    results: tuple[Member, ...]


class Contract:
    """The operations and types of one WSDL.

    Args:
        wsdl: its address, or a file.
        cache_folder: where documents fetched over HTTP are kept for a day.
        required: operations without which the WSDL is the wrong one.
        timeout_seconds: for fetching it.
        endpoint: where the service answers, or what decides that, given the address that the WSDL publishes (or None);
            the WSDL's own address without its query by default.

    Raises:
        ConfigError: what lies there is not this service's WSDL.
        TransientError: the server did not answer.
    """

    def __init__(
        self,
        wsdl: str,
        *,
        cache_folder: Path | None,
        required: tuple[str, ...] = (),
        timeout_seconds: float = 60,
        endpoint: str | Callable[[str | None], str] | None = None,
    ) -> None:
        # zeep writes whole envelopes, tickets included, at DEBUG.
        logging.getLogger("zeep.transports").setLevel(logging.WARNING)
        self._client = _load(wsdl, cache_folder, timeout_seconds)
        self.endpoint = endpoint(self._published()) if callable(endpoint) else endpoint or wsdl.split("?", 1)[0]
        if not self._client.wsdl.bindings:
            raise ConfigError(f"{wsdl}: this WSDL has no SOAP binding; expected the service's own, such as …/v3/…?wsdl")
        name, binding = next(iter(self._client.wsdl.bindings.items()))
        self._service = self._client.create_service(name, self.endpoint)
        self._described: dict[str, Any] = dict(binding._operations)  # noqa: SLF001 - zeep has no public way
        missing = [name for name in required if name not in self._described]
        if missing:
            raise ConfigError(
                f"{wsdl}: this WSDL lacks the operation {missing[0]}; expected the service's own, such as …/v3/…?wsdl"
            )
        self._shapes: dict[int, Shape] = {}
        self._operations: dict[str, Operation] = {}

    def operation(self, name: str) -> Operation:
        """The operation of that name.

        Raises:
            ConfigError: the service has none.
        """
        if name not in self._operations:
            self._operations[name] = self._describe(name)
        return self._operations[name]

    @property
    def names(self) -> frozenset[str]:
        """The names of all operations."""
        return frozenset(self._described)

    def header_tags(self, operation: str) -> tuple[str, str]:
        """Return the qualified names of an operation's SOAP header and of the header's only member.

        Raises:
            ConfigError: the operation has no such header.
        """
        headers = self._described[operation].input.header
        elements: list[tuple[str, Any]] = headers.type.elements if headers is not None else []
        members: list[tuple[str, Any]] = elements[0][1].type.elements if elements else []
        if len(members) != 1:
            raise ConfigError(f"{self.endpoint}: {operation} has no session header in this WSDL")
        return elements[0][1].qname.text, members[0][1].qname.text

    def _published(self) -> str | None:
        """Return the address of the WSDL's first port."""
        for service in self._client.wsdl.services.values():
            for port in service.ports.values():
                address = port.binding_options.get("address")
                return str(address) if address else None
        return None

    def message(self, name: str, arguments: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> bytes:
        """The whole envelope by zeep, which validates it and keeps schema order; for everything that writes.

        Args:
            name: the operation.
            arguments: by name, without the wrapper; records and lists as the decoder returns them.
            headers: the SOAP headers by name.

        Raises:
            DataError: an argument that the operation does not have, or a value that it cannot carry.
        """
        operation = self.operation(name)
        given = _as_zeep_wants(operation.arguments, arguments)
        if operation.wrapper is not None:
            given = {operation.wrapper.name: given}
        try:
            node = self._client.create_message(
                self._service, name, **given, **({"_soapheaders": dict(headers)} if headers else {})
            )
        except (_zeep_error(), TypeError, ValueError) as error:
            # Only the first sentence: zeep goes on with the whole signature.
            raise DataError(f"{name}: the request does not fit the contract: {str(error).split('. ')[0]}") from None
        envelope: bytes = etree.tostring(node, xml_declaration=True, encoding="utf-8")
        return envelope

    def _describe(self, name: str) -> Operation:
        found = self._described.get(name)
        if found is None:
            raise ConfigError(f"{self.endpoint}: the service has no operation {name}")
        arguments = self._shape(found.input.body.type).members
        wrapper = None
        if len(arguments) == 1 and arguments[0].name.lower() == "request" and arguments[0].shape.scalar is None:
            wrapper, arguments = arguments[0], arguments[0].shape.members
        output = found.output.body
        results = self._shape(output.type).members if output is not None else ()
        result_tag = None
        if len(results) == 1 and results[0].name == f"{name}Result" and results[0].shape.scalar is None:
            result_tag, results = results[0].tag, results[0].shape.members
        return Operation(
            name=name,
            action=found.soapaction,
            tag=found.input.body.qname.text,
            wrapper=wrapper,
            arguments=arguments,
            response_tag=output.qname.text if output is not None else "",
            result_tag=result_tag,
            results=results,
        )

    def _shape(self, kind: Any) -> Shape:
        shape = self._shapes.get(id(kind))
        if shape is None:
            compound = hasattr(kind, "elements")
            # Known before its members are, because a type may hold itself.
            shape = self._shapes[id(kind)] = Shape(_name(kind), None if compound else _scalar(kind))
            if compound:
                shape.members = tuple(
                    Member(name, element.qname.text, element.accepts_multiple, self._shape(element.type))
                    for name, element in kind.elements
                )
        return shape


def _as_zeep_wants(members: tuple[Member, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists back in the containers that the decoder took them from; values without one pass as they are."""
    shapes = {member.name: member for member in members}
    return {name: _nested(shapes[name], value) if name in shapes else value for name, value in values.items()}


def _nested(member: Member, value: Any) -> Any:
    shape = member.shape
    if isinstance(value, list | tuple):
        if member.repeated or not shape.is_list:
            return [_nested_record(shape, element) for element in value]
        item = shape.members[0]
        return {item.name: [_nested_record(item.shape, element) for element in value]}
    return _nested_record(shape, value)


def _nested_record(shape: Shape, value: Any) -> Any:
    return _as_zeep_wants(shape.members, value) if isinstance(value, Mapping) else value


def _name(kind: Any) -> str:
    return kind.qname.localname if getattr(kind, "qname", None) is not None else ""


def _scalar(kind: Any) -> str:
    """The XML Schema built-in under a simple type and its restrictions."""
    for base in type(kind).__mro__:
        qname = getattr(base, "_default_qname", None)
        if qname is not None and qname.namespace == "http://www.w3.org/2001/XMLSchema":
            return str(qname.localname)
    return "string"


def _zeep_error() -> type[Exception]:
    from zeep.exceptions import Error

    kind: type[Exception] = Error
    return kind


def _load(wsdl: str, cache_folder: Path | None, timeout: float) -> Any:
    import requests
    import zeep
    from zeep.cache import SqliteCache
    from zeep.transports import Transport

    class OnlyContracts(Transport):  # type: ignore[misc]
        """Refuses a page that is no contract before it is cached for a day."""

        def _load_remote_data(self, url: str) -> bytes:
            content: bytes = super()._load_remote_data(url)
            try:
                root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
            except etree.XMLSyntaxError:
                root = None
            if root is None or etree.QName(root).localname not in _DOCUMENT_ELEMENTS:
                raise ConfigError(f"{url}: not a WSDL; expected the address that ends in ?wsdl")
            return content

    cache = None
    if cache_folder is not None:
        cache_folder.mkdir(parents=True, exist_ok=True)
        cache = SqliteCache(path=str(cache_folder / "wsdl.sqlite"), timeout=WSDL_CACHE_SECONDS)
    try:
        with requests.Session() as session:
            transport = OnlyContracts(cache=cache, timeout=timeout, operation_timeout=timeout, session=session)
            return zeep.Client(wsdl, transport=transport, settings=zeep.Settings(strict=True, forbid_dtd=True))
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        where = _document_asked(wsdl, error)
        if status >= 500:
            raise TransientError(f"{where}: the server answers {status}; try again later") from None
        raise ConfigError(f"{where}: the server answers {status}; check the address") from None
    except requests.exceptions.RequestException as error:
        where = _document_asked(wsdl, error)
        raise TransientError(
            f"{where}: no answer ({type(error).__name__}); check the address, and that the server can be reached"
        ) from None
    except FileNotFoundError:
        raise ConfigError(f"{wsdl}: no such file") from None
    except (zeep.exceptions.Error, etree.XMLSyntaxError, AttributeError, StopIteration) as error:
        raise ConfigError(
            f"{wsdl}: not a WSDL ({type(error).__name__}); expected the address that ends in ?wsdl"
        ) from None


def _document_asked(wsdl: str, error: Any) -> str:
    """Return the WSDL's address, and that of the document it imports where that is the one that cannot be had."""
    asked = getattr(error.request, "url", None)
    return wsdl if asked in (None, wsdl) else f"{wsdl}: {asked}, which it imports"
