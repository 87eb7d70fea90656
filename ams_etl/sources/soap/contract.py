"""A WSDL as zeep understands it, cached, and bound to our own endpoint.

The published document's service address is an internal host, so the address is always the configured one.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from ams_etl.errors import ConfigError, TransientError

WSDL_CACHE_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Member:
    """One element of a type: where it stands in the sequence is where it stands in `Shape.members`."""

    name: str
    tag: str
    repeated: bool
    shape: "Shape"


@dataclass(frozen=True, slots=True)
class Shape:
    """A type of the contract: `scalar` names a simple one, else `members` in schema order."""

    name: str
    scalar: str | None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its SOAPAction, its argument wrapper (if any) and its result (if any)."""

    name: str
    action: str
    tag: str
    wrapper: Member | None
    response_tag: str
    result: Member | None


class Contract:
    """The operations and types of one WSDL.

    Args:
        wsdl: its address, or a file.
        cache_folder: where documents fetched over HTTP are kept for a day.
        required: operations without which the WSDL is the wrong one.
        timeout_seconds: for fetching it.

    Raises:
        ConfigError: what lies there is not this service's WSDL.
        TransientError: the server did not answer.
    """

    def __init__(
        self, wsdl: str, *, cache_folder: Path | None, required: tuple[str, ...], timeout_seconds: float = 60
    ) -> None:
        # zeep writes whole envelopes, tickets included, at DEBUG.
        logging.getLogger("zeep.transports").setLevel(logging.WARNING)
        self._client = _load(wsdl, cache_folder, timeout_seconds)
        self.endpoint = wsdl.split("?", 1)[0]
        bindings = self._client.wsdl.bindings
        self._binding_name, binding = next(iter(bindings.items()))
        self._service = self._client.create_service(self._binding_name, self.endpoint)
        self._described: dict[str, Any] = dict(binding._operations)  # noqa: SLF001 - zeep has no public way
        missing = [name for name in required if name not in self._described]
        if missing:
            raise ConfigError(
                f"{wsdl}: this WSDL lacks the operation {missing[0]}; expected the service's own, such as …/v3/…?wsdl"
            )
        self._shapes: dict[Any, Shape] = {}
        self._operations: dict[str, Operation] = {}

    def operation(self, name: str) -> Operation:
        """The operation of that name."""
        if name not in self._operations:
            self._operations[name] = self._describe(name)
        return self._operations[name]

    def message(self, name: str, arguments: Mapping[str, Any], headers: Mapping[str, Any] | None) -> bytes:
        """The whole envelope by zeep, which validates it and keeps schema order; for everything that writes."""
        node = self._client.create_message(
            self._service, name, **arguments, **({"_soapheaders": dict(headers)} if headers else {})
        )
        envelope: bytes = etree.tostring(node, xml_declaration=True, encoding="utf-8")
        return envelope

    def _describe(self, name: str) -> Operation:
        found = self._described.get(name)
        if found is None:
            raise ConfigError(f"{self.endpoint}: the service has no operation {name}")
        arguments = self._shape(found.input.body.type).members
        results = self._shape(found.output.body.type).members
        return Operation(
            name=name,
            action=found.soapaction,
            tag=found.input.body.qname.text,
            wrapper=arguments[0] if arguments else None,
            response_tag=found.output.body.qname.text,
            result=results[0] if results else None,
        )

    def _shape(self, kind: Any) -> Shape:
        key = id(kind)
        if key in self._shapes:
            return self._shapes[key]
        if not hasattr(kind, "elements"):
            shape = Shape(_name(kind), scalar=_scalar(kind))
        else:
            shape = Shape(
                _name(kind),
                scalar=None,
                members=tuple(
                    Member(name, element.qname.text, element.accepts_multiple, self._shape(element.type))
                    for name, element in kind.elements
                ),
            )
        self._shapes[key] = shape
        return shape


def _name(kind: Any) -> str:
    return kind.qname.localname if getattr(kind, "qname", None) is not None else ""


def _scalar(kind: Any) -> str:
    """The XML Schema built-in under a simple type and its restrictions."""
    for base in type(kind).__mro__:
        qname = getattr(base, "_default_qname", None)
        if qname is not None and qname.namespace == "http://www.w3.org/2001/XMLSchema":
            return str(qname.localname)
    return "string"


def _load(wsdl: str, cache_folder: Path | None, timeout: float) -> Any:
    import requests
    import zeep
    from zeep.cache import SqliteCache
    from zeep.transports import Transport

    cache = None
    if cache_folder is not None:
        cache_folder.mkdir(parents=True, exist_ok=True)
        cache = SqliteCache(path=str(cache_folder / "wsdl.sqlite"), timeout=WSDL_CACHE_SECONDS)
    try:
        return zeep.Client(wsdl, transport=Transport(cache=cache, timeout=timeout, operation_timeout=timeout))
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status >= 500:
            raise TransientError(f"{wsdl}: the server answers {status}; try again later") from None
        raise ConfigError(f"{wsdl}: the server answers {status}; check the address") from None
    except requests.exceptions.RequestException as error:
        raise TransientError(
            f"{wsdl}: no answer ({type(error).__name__}); check the address, and that the server can be reached"
        ) from None
    except FileNotFoundError:
        raise ConfigError(f"{wsdl}: no such file") from None
    except (zeep.exceptions.Error, etree.XMLSyntaxError, AttributeError, StopIteration) as error:
        raise ConfigError(
            f"{wsdl}: not a WSDL ({type(error).__name__}); expected the address that ends in ?wsdl"
        ) from None
