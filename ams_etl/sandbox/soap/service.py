"""A SOAP 1.1 service over HTTP: envelopes in, envelopes and faults out; what an operation does is somebody else's."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from xml.sax.saxutils import escape

from lxml import etree

from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.types import BadValueError, Operation, Record, Schema

_ENV = "http://schemas.xmlsoap.org/soap/envelope/"


class ServiceFault(Exception):
    """A fault of the service's own: its name, its message, and further detail elements as XML."""

    def __init__(self, kind: str, message: str, detail: str = "", code: str = "Client") -> None:
        super().__init__(message)
        self.kind, self.message, self.detail, self.code = kind, message, detail, code


class Operations(Protocol):
    """What a service does: sessions and operations."""

    def login(self, arguments: Record) -> str:
        """Begin a session and give its ticket."""

    def check_ticket(self, ticket: str | None, operation: str) -> None:
        """Raise a fault for a ticket or a right that is missing."""

    def call(self, operation: str, arguments: Record) -> Record | None:
        """Carry an operation out; the result type's members, or None for an empty answer."""


class SoapService:
    """One contract served at one address.

    Args:
        schema: its types and operations.
        wsdl: the document to show.
        operations: what it does.
        data_namespace: where faults and data types live.
    """

    def __init__(self, schema: Schema, wsdl: bytes, operations: Operations, data_namespace: str) -> None:
        self._schema, self._wsdl, self._operations = schema, wsdl, operations
        self._data_namespace = data_namespace
        self._by_action = {operation.action: operation for operation in schema.operations.values()}
        self._prefixes = {
            data_namespace: "a",
            "http://schemas.microsoft.com/2003/10/Serialization/Arrays": "b",
            schema.namespace: "t",
        }
        self.prefix: Callable[[str], str] = self._prefixes.__getitem__
        self._declared = "".join(f' xmlns:{short}="{space}"' for space, short in self._prefixes.items())

    def wsdl(self) -> Response:
        """The contract."""
        return Response(200, self._wsdl)

    def operation_of(self, request: Request) -> str:
        """The operation that a request's SOAPAction names, for faults and counting; '' for none."""
        found = self._by_action.get(request.headers.get("soapaction", "").strip('"'))
        return found.name if found else ""

    def answer(self, request: Request) -> Response:
        """Carry out one call."""
        if not request.headers.get("content-type", "").lower().startswith("text/xml"):
            return Response(415, b"", "text/plain")
        try:
            return Response(200, self._carry_out(request))
        except ServiceFault as fault:
            return Response(500, self._fault(fault))

    def _carry_out(self, request: Request) -> bytes:
        try:
            root = etree.fromstring(request.body, _parser())
        except etree.XMLSyntaxError:
            raise ServiceFault("", "The message could not be read.", code="Client") from None
        body = root.find(f"{{{_ENV}}}Body")
        if root.tag != f"{{{_ENV}}}Envelope" or body is None or not len(body):
            raise ServiceFault("", "The message is not a SOAP 1.1 envelope.")
        operation = self._by_action.get(request.headers.get("soapaction", "").strip('"'))
        if operation is None or body[0].tag != f"{{{self._schema.namespace}}}{operation.name}":
            raise ServiceFault(
                "", "The message cannot be processed: its SOAPAction and its content name no operation together."
            )
        arguments = self._arguments(operation, body[0])
        if operation.name == "Login":
            return self._envelope("<t:LoginResponse/>", self._operations.login(arguments))
        self._operations.check_ticket(self._ticket(root), operation.name)
        result = self._operations.call(operation.name, arguments)
        inside = ""
        if operation.result is not None:
            inside = self._schema.write(operation.result, result, self.prefix)
        return self._envelope(f"<t:{operation.name}Response>{inside}</t:{operation.name}Response>", None)

    def _arguments(self, operation: Operation, element: Any) -> Record:
        if operation.wrapper is None:
            return {}
        wrapped = element.find(f"{{{self._schema.namespace}}}{operation.wrapper.name}")
        if wrapped is None:
            raise ServiceFault("WSAPIGeneralFault", f"{operation.name}: the request is null.")
        try:
            return self._schema.read(operation.wrapper.type_name, wrapped) or {}
        except BadValueError:
            raise ServiceFault(
                "WSAPIGeneralFault", "There was an error deserializing the object: a value is not of its type."
            ) from None

    def _ticket(self, root: Any) -> str | None:
        space = self._schema.namespace
        ticket: str | None = root.findtext(f"{{{_ENV}}}Header/{{{space}}}WSAPISession/{{{space}}}Ticket")
        return ticket

    def _envelope(self, body: str, ticket: str | None) -> bytes:
        header = (
            f"<s:Header><t:WSAPISession><t:Ticket>{ticket}</t:Ticket></t:WSAPISession></s:Header>" if ticket else ""
        )
        return (
            f'<s:Envelope xmlns:s="{_ENV}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"{self._declared}>'
            f"{header}<s:Body>{body}</s:Body></s:Envelope>"
        ).encode()

    def _fault(self, fault: ServiceFault) -> bytes:
        detail = ""
        if fault.kind:
            detail = (
                f"<detail><a:{fault.kind}><a:Message>{escape(fault.message)}</a:Message>{fault.detail}</a:{fault.kind}>"
                "</detail>"
            )
        return self._envelope(
            f'<s:Fault><faultcode>s:{fault.code}</faultcode><faultstring xml:lang="en-US">'
            f"{escape(fault.kind or fault.message)}</faultstring>{detail}</s:Fault>",
            None,
        )


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)


def fault_details(details: list[Mapping[str, str]]) -> str:
    """WSAPIBusinessFault's FaultDetails as XML; each has Message, DataName and EntityKey."""
    inside = "".join(
        "<a:WSAPIBusinessFaultDetail>"
        + "".join(
            f"<a:{name}>{escape(detail.get(name, ''))}</a:{name}>" for name in ("Message", "DataName", "EntityKey")
        )
        + "</a:WSAPIBusinessFaultDetail>"
        for detail in details
    )
    return f"<a:FaultDetails>{inside}</a:FaultDetails>"
