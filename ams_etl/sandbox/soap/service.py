"""A SOAP 1.1 service over HTTP: envelopes in, envelopes and faults out; what an operation does is somebody else's."""

import re
from dataclasses import dataclass
from typing import Any, Protocol
from xml.sax.saxutils import escape

from lxml import etree

from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.contract import Contract, Operation
from ams_etl.sandbox.soap.reader import Reader, Record
from ams_etl.sandbox.soap.scalars import BadValueError
from ams_etl.sandbox.soap.split_wsdl import split_wsdl
from ams_etl.sandbox.soap.writer import INSTANCE, Rendered, Writer

_ENV = "http://schemas.xmlsoap.org/soap/envelope/"
_ENVELOPE, _HEADER, _BODY = f"{{{_ENV}}}Envelope", f"{{{_ENV}}}Header", f"{{{_ENV}}}Body"
_WCF_ADDRESSING = "http://schemas.microsoft.com/ws/2005/05/addressing/none"
_WCF_DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"
_PREFIXES = "abcdefgh"
_IN_BODY = re.compile(rb"<(?:[\w.-]+:)?Body[^<>]*>\s*<(?:[\w.-]+:)?([\w.-]+)")


class SoapFault(Exception):
    """A fault to answer with: its code and words, and the detail element (`{namespace}name`) with its record."""

    def __init__(self, text: str, detail: str = "", record: Record | None = None, code: str = "s:Client") -> None:
        super().__init__(text)
        self.text, self.detail, self.record, self.code = text, detail, record, code


class UnprocessableError(Exception):
    """The request is not a SOAP message: answered with an HTTP error without an envelope."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation returns: its result's record (None: nothing), and elements for the answer's SOAP header."""

    result: Record | None = None
    header: Rendered | None = None


class Operations(Protocol):
    """What a service does."""

    def carry_out(self, operation: Operation, header: Any, arguments: Record | None) -> Answer:
        """Carry out one call.

        Args:
            operation: which.
            header: the request's SOAP header as an element, or None.
            arguments: the argument's record; None where it is absent, nil or named otherwise.

        Raises:
            SoapFault: the answer is a fault.
        """

    def unreadable(self, operation: Operation, error: BadValueError) -> SoapFault:
        """The fault for an argument with a value that is not of its type."""


class SoapService:
    """One contract served at one address.

    Args:
        contract: its types and operations.
        wsdl: the document to show.
        bare: arguments and results are direct children of the operation's element and in its answer's, the body's element
            says which operation is meant whatever the SOAPAction, and a member in the wrong place is refused; else
            there is one wrapper each, the SOAPAction decides and such a member is dropped.
    """

    def __init__(self, contract: Contract, wsdl: bytes, *, bare: bool = False) -> None:
        self._contract, self._wsdl, self._bare = contract, wsdl, bare
        self._parts: dict[str, dict[str, bytes]] = {}
        # As recorded: a wrapped service's operations are in the default namespace, its data has prefixes from `a` on.
        prefixed = [space for space in contract.namespaces if bare or space != contract.namespace]
        prefixed.sort(key=lambda space: not bare and not space.startswith(contract.namespace))
        prefixes = dict(zip(prefixed, _PREFIXES, strict=False))
        if not bare:
            prefixes[contract.namespace] = ""
        self._reader = Reader(contract, strict=bare)
        self.writer = Writer(contract, prefixes)
        self._tag = {space: f"{prefix}:" if prefix else "" for space, prefix in prefixes.items()}
        self._default = "" if bare else f' xmlns="{contract.namespace}"'
        self._by_action = {operation.action: operation for operation in contract.operations.values()}
        self._begin = f'<s:Envelope xmlns:s="{_ENV}" xmlns:i="{INSTANCE}"' + "".join(
            f' xmlns:{prefix}="{space}"' for space, prefix in prefixes.items() if prefix
        )
        self._parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)

    def wsdl(self, host: str = "") -> Response:
        """Return the contract; with a host, the address in it is that host's."""
        return Response(200, self._wsdl.replace(b"//internal-host/", b"//%s/" % host.encode()) if host else self._wsdl)

    def wsdl_part(self, base: str, query: str, host: str = "") -> Response | None:
        """Return one of the documents of the contract in parts, or None where none is fetched with that query."""
        if base not in self._parts:
            self._parts[base] = split_wsdl(self.wsdl(host).body, base)
        found = self._parts[base].get(query)
        return None if found is None else Response(200, found)

    def operation_of(self, request: Request) -> Operation | None:
        """The operation that a request's SOAPAction names, or its body for a bare service."""
        if self._bare:
            found = _IN_BODY.search(request.body)
            return self._contract.operations.get(found[1].decode("latin-1")) if found else None
        return self._by_action.get(request.headers.get("soapaction", "").strip('"'))

    def answer(self, request: Request, operations: Operations) -> Response:
        """Carry out one call."""
        try:
            return Response(200, self._carry_out(request, operations))
        except SoapFault as fault:
            return self.fault(fault)
        except UnprocessableError as error:
            return Response(error.status, error.reason.encode(), "text/plain; charset=utf-8")

    def fault(self, fault: SoapFault) -> Response:
        """A fault as a response: HTTP 500, as SOAP 1.1 asks."""
        detail = ""
        if fault.detail:
            detail = (
                f"<detail>{self.writer.element(self._contract.elements[fault.detail], fault.record or {})}</detail>"
            )
        prefix, _, code = fault.code.rpartition("|")
        declared = f' xmlns:w="{prefix}"' if prefix else ""
        body = (
            f"<s:Fault><faultcode{declared}>{'w:' if prefix else ''}{code}</faultcode>"
            f'<faultstring xml:lang="en-US">{escape(fault.text)}</faultstring>{detail}</s:Fault>'
        )
        return Response(500, self._envelope(body, ""))

    def _carry_out(self, request: Request, operations: Operations) -> bytes:
        header, content = self._open(request)
        operation = self.operation_of(request)
        if operation is None:
            raise SoapFault(
                "The message cannot be processed at the receiver: its SOAPAction names no operation of the contract.",
                code=f"{_WCF_ADDRESSING}|ActionNotSupported",
            )
        if content.tag != f"{{{operation.namespace}}}{operation.name}":
            raise SoapFault(
                f"Error in deserializing the body of the request message for operation '{operation.name}': "
                "the body's first element is not the operation's.",
                code=f"{_WCF_DISPATCHER}|DeserializationFailed",
            )
        try:
            arguments = self._arguments(operation, content)
        except BadValueError as error:
            raise operations.unreadable(operation, error) from None
        answer = operations.carry_out(operation, header, arguments)
        inside = ""
        if self._bare:
            inside = self.writer.members(operation.response_type, answer.result or {})
        elif operation.result is not None:
            inside = self.writer.element(operation.result, answer.result or {})
        tag = f"{self._tag[operation.namespace]}{operation.name}Response"
        header = answer.header or ""
        if header and self._default:
            header = Rendered(re.sub(r"^<([\w]+)>", rf"<\1{self._default}>", header))
        return self._envelope(f"<{tag}{self._default}>{inside}</{tag}>", header)

    def _arguments(self, operation: Operation, content: Any) -> Record | None:
        if self._bare:
            record: Record = self._reader.read(operation.request_type, content) or {}
            return record
        if operation.argument is None:
            return {}
        found = content.find(operation.argument.tag)
        argument: Record | None = None if found is None else self._reader.read(operation.argument.type_name, found)
        return argument

    def _open(self, request: Request) -> tuple[Any, Any]:
        kind, *parameters = request.headers.get("content-type", "").lower().replace(" ", "").split(";")
        charset = next((given[8:].strip('"') for given in parameters if given.startswith("charset=")), "utf-8")
        if kind != "text/xml" or charset != "utf-8":
            raise UnprocessableError(415, "The content type was not the expected type 'text/xml; charset=utf-8'.")
        try:
            root = etree.fromstring(request.body, self._parser)
        except (etree.XMLSyntaxError, ValueError):
            raise UnprocessableError(400, "The body is not XML.") from None
        if root.getroottree().docinfo.doctype:
            raise UnprocessableError(400, "The body has a document type declaration.")
        body = root.find(_BODY)
        if root.tag != _ENVELOPE or body is None or len(body) != 1:
            raise UnprocessableError(400, "The body is not a SOAP 1.1 envelope with one call.")
        return root.find(_HEADER), body[0]

    def _envelope(self, body: str, header: str) -> bytes:
        inside = f"<s:Header>{header}</s:Header>" if header else ""
        return f"{self._begin}>{inside}<s:Body>{body}</s:Body></s:Envelope>".encode()
