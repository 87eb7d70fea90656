"""A remote system's operations: a contract, a transport and a session together.

Holds what every SOAP system of ours has in common. Does not hold what a session is: that is the `SessionStyle` of each.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ams_etl.errors import AmsEtlError, ConfigError, DataError, PermanentError
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.decoder import Decoded, Decoder, parse
from ams_etl.sources.soap.faults import SecurityFault, fault_in
from ams_etl.sources.soap.http import Reply
from ams_etl.sources.soap.session import Session
from ams_etl.sources.soap.template import RequestTemplate
from ams_etl.sources.soap.transport import CallCounts, SoapTransport

_LOGINS_FOR_ONE_CALL = 3


class SessionStyle(Protocol):
    """How a system begins a session and how a request says to which it belongs."""

    async def log_in(self, client: "SoapClient") -> str:
        """Begin a session and give its ticket."""

    def header_xml(self, ticket: str) -> str:
        """The finished `<s:Header>` element for a fast read."""

    def headers(self, ticket: str) -> dict[str, Any]:
        """The SOAP headers as zeep takes them."""

    def denied(self, operation: str, fault: SecurityFault) -> PermanentError:
        """What to tell when a new session is refused too."""


class SoapClient:
    """Reads quickly and often, writes carefully and once.

    Args:
        contract: the operations and types.
        transport: an open one.
        style: the system's sessions.
        drop: per type, members that are never read.
    """

    def __init__(
        self,
        contract: Contract,
        transport: SoapTransport,
        style: SessionStyle,
        drop: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._contract, self._transport, self._style = contract, transport, style
        self._decoder, self._whole_decoder = Decoder(contract, drop=drop), Decoder(contract)
        self._templates: dict[str, RequestTemplate] = {}
        self._session = Session(self._log_in)
        self._header: tuple[str, str] = ("", "")
        self.last_date: str | None = None

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._transport.counts

    async def read(self, operation: str, arguments: Mapping[str, Any], *, whole: bool = False) -> Decoded:
        """An operation that changes nothing, retried where that helps.

        Args:
            operation: its name.
            arguments: by name, without the wrapper.
            whole: decode the members too that are dropped otherwise.

        Raises:
            TransientError: no answer after several tries.
            PermanentError: a fault; for a missing right it says which.
        """
        template = self._templates.get(operation)
        if template is None:
            template = self._templates[operation] = RequestTemplate(self._contract, operation)
        action = self._contract.operation(operation).action
        decoder = self._whole_decoder if whole else self._decoder
        used = ""

        async def envelope() -> bytes:
            nonlocal used
            used = self._session.ticket or await self._session.current()
            return template.render(arguments, self._header_for(used))

        def understand(reply: Reply) -> Decoded:
            return self._understand(operation, reply, decoder)

        renewed = None
        for _ in range(_LOGINS_FOR_ONE_CALL):
            try:
                return await self._transport.read(operation, action, envelope, understand)
            except SecurityFault as fault:
                renewed = await self._renew_or_deny(operation, fault, used, renewed)
        return await self._transport.read(operation, action, envelope, understand)

    async def write(self, operation: str, arguments: Mapping[str, Any]) -> Decoded:
        """An operation that changes something, sent once; only a refused ticket is worth a second try.

        Args:
            operation: its name.
            arguments: by name, without the wrapper; records and lists as the decoder gives them.

        Raises:
            ReplyLost: it may have been carried out.
            TransientError: it surely was not.
            PermanentError: a fault.
            DataError: the arguments do not fit the contract.
        """
        action = self._contract.operation(operation).action
        renewed = None
        for _ in range(_LOGINS_FOR_ONE_CALL):
            ticket = await self._session.current()
            message = self._contract.message(operation, arguments, self._style.headers(ticket))
            reply = await self._transport.write(operation, action, message)
            try:
                return self._understand(operation, reply, self._decoder)
            except SecurityFault as fault:
                renewed = await self._renew_or_deny(operation, fault, ticket, renewed)
        raise PermanentError(f"{operation}: one session after the other was refused")

    async def call_without_session(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """The answer's root element of an operation that needs no ticket, such as the login itself.

        Raises:
            SoapFault: the answer is one.
            TransientError: no answer after several tries.
        """
        message = self._contract.message(operation, arguments)

        async def envelope() -> bytes:
            return message

        def understand(reply: Reply) -> Any:
            root = parse(reply.body)
            fault = fault_in(operation, root)
            if fault is not None:
                raise fault
            return root

        return await self._transport.read(operation, self._contract.operation(operation).action, envelope, understand)

    async def _log_in(self) -> str:
        self.counts.logins += 1
        return await self._style.log_in(self)

    async def _renew_or_deny(self, operation: str, fault: SecurityFault, used: str, renewed: str | None) -> str:
        """A new ticket after a refusal; a ticket that was new for this very call and is still the one means no right."""
        if renewed is not None and used == renewed == self._session.ticket:
            raise self._style.denied(operation, fault) from None
        return await self._session.renewed(used)

    def _header_for(self, ticket: str) -> str:
        if self._header[0] != ticket:
            self._header = (ticket, self._style.header_xml(ticket))
        return self._header[1]

    def _understand(self, operation: str, reply: Reply, decoder: Decoder) -> Decoded:
        self.last_date = reply.header("date")
        if reply.status == 200:
            decoded = _decoded_or_fault(operation, reply.body, decoder)
            if isinstance(decoded, Decoded):
                return decoded
            raise decoded
        raise fault_in(operation, parse(reply.body)) or ConfigError(
            f"{operation}: the server answers {reply.status}, without a SOAP fault; check the WSDL's address"
        )


def _decoded_or_fault(operation: str, body: bytes, decoder: Decoder) -> Decoded | AmsEtlError:
    try:
        return decoder.decode(operation, body)
    except DataError as error:
        return fault_in(operation, parse(body)) or error
