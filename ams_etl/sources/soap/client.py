"""A remote system's operations: a contract, a transport and a session together.

Holds what every SOAP system of ours has in common. Does not hold what a session is: that is the `SessionStyle` of each.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ams_etl.errors import AmsEtlError, ConfigError, DataError, PermanentError, TransientError
from ams_etl.sources.calling.across_processes import SharedTicket
from ams_etl.sources.calling.answers import Decoded
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.faults import ReplyLost, SoapFault
from ams_etl.sources.calling.login_gate import LoginGate
from ams_etl.sources.calling.retry import PassingFault
from ams_etl.sources.calling.session import Session
from ams_etl.sources.http.connection import Reply
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.decoder import Decoder
from ams_etl.sources.soap.faults import fault_in
from ams_etl.sources.soap.parsing import parse
from ams_etl.sources.soap.template import RequestTemplate
from ams_etl.sources.soap.transport import SoapTransport

_TICKETS_FOR_ONE_CALL = 5


class SessionStyle(Protocol):
    """How a system begins a session and how a request says to which it belongs."""

    async def log_in(self, client: "SoapClient") -> str:
        """Begin a session and give its ticket."""

    def header_xml(self, ticket: str) -> str:
        """The finished `<s:Header>` element for a fast read."""

    def headers(self, ticket: str) -> dict[str, Any]:
        """The SOAP headers as zeep takes them."""

    async def refuses_ticket(self, fault: SoapFault, ticket: str) -> bool:
        """Whether a fault is about the ticket that was sent, or a right, and not about what was asked."""

    def denied(self, operation: str, fault: SoapFault) -> PermanentError:
        """What to tell when a new session is refused too."""

    def may_pass(self, operation: str, fault: SoapFault) -> bool:
        """Return whether a read that this fault answers is worth another try."""


class SoapClient:
    """Reads quickly and often, writes carefully and once.

    Args:
        contract: the operations and types.
        transport: an open one.
        style: the system's sessions.
        drop: per type, members that are never read.
        gate: what other processes know about this login, with its secret.
        shared: the ticket of all processes; None: this client logs in itself.
    """

    def __init__(
        self,
        contract: Contract,
        transport: SoapTransport,
        style: SessionStyle,
        drop: Mapping[str, frozenset[str]] | None = None,
        gate: tuple[LoginGate, str] | None = None,
        shared: SharedTicket | None = None,
    ) -> None:
        self._contract, self._transport, self._style = contract, transport, style
        self._decoder, self._whole_decoder = Decoder(contract, drop=drop), Decoder(contract)
        self._templates: dict[str, RequestTemplate] = {}
        self._session = Session(self._log_in, gate, shared)
        self._header: tuple[str, str] = ("", "")
        self.last_date: str | None = None

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._transport.counts

    def restart_counts(self) -> None:
        """Begin to count again, for the next use of a client that stays open."""
        self._transport.counts = CallCounts()

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

        async def send(ticket: str) -> Decoded:
            envelope = template.render(arguments, self._header_for(ticket))
            return self._understand(operation, await self._transport.post(operation, action, envelope), decoder)

        async def once() -> Decoded:
            try:
                return await self._transport.in_turn(lambda: self._in_session(operation, send))
            except SoapFault as fault:
                if self._style.may_pass(operation, fault):
                    raise PassingFault(fault) from None
                raise

        return await self._transport.retried(operation, once)

    async def write(self, operation: str, arguments: Mapping[str, Any]) -> Decoded:
        """An operation that changes something, sent once; only a refused ticket is worth a second try.

        Args:
            operation: its name.
            arguments: by name, without the wrapper; records and lists as the decoder returns them.

        Raises:
            ReplyLost: it may have been carried out.
            TransientError: it surely was not.
            PermanentError: a fault.
            DataError: the arguments do not fit the contract.
        """
        action = self._contract.operation(operation).action

        async def send(ticket: str) -> Decoded:
            envelope = self._contract.message(operation, arguments, self._style.headers(ticket))
            reply = await self._transport.post_once(operation, action, envelope)
            try:
                return self._understand(operation, reply, self._decoder)
            except (TransientError, DataError, ConfigError) as error:
                raise ReplyLost(f"{operation}: {error}; it may have been carried out") from None

        return await self._transport.in_turn(lambda: self._in_session(operation, send))

    async def call_without_session(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """The answer's root element of an operation that needs no ticket; a login happens in its caller's turn.

        Raises:
            SoapFault: the answer is one.
            TransientError: no answer after several tries.
        """
        envelope = self._contract.message(operation, arguments)
        action = self._contract.operation(operation).action

        async def once() -> Any:
            root = parse((await self._transport.post(operation, action, envelope)).body)
            fault = fault_in(operation, root)
            if fault is not None:
                raise fault
            return root

        return await self._transport.retried(operation, once)

    async def _log_in(self) -> str:
        self.counts.logins += 1
        return await self._style.log_in(self)

    async def _in_session(self, operation: str, send: Callable[[str], Awaitable[Decoded]]) -> Decoded:
        """Send with the ticket, and with a new one where it is refused.

        A ticket that was new for this very call, is still the one and is refused means that the right is missing.
        """
        session, renewed = self._session, None
        for _ in range(_TICKETS_FOR_ONE_CALL):
            used = session.ticket or await session.current()
            try:
                return await send(used)
            except SoapFault as fault:
                if not await self._style.refuses_ticket(fault, used):
                    raise
                refusal = fault
                if used == renewed == session.ticket:
                    break
                renewed = await session.renewed(used)
        raise self._style.denied(operation, refusal)

    def _header_for(self, ticket: str) -> str:
        if self._header[0] != ticket:
            self._header = (ticket, self._style.header_xml(ticket))
        return self._header[1]

    def _understand(self, operation: str, reply: Reply, decoder: Decoder) -> Decoded:
        self.last_date = reply.header("date")
        if reply.status == 200:
            decoded = _decoded_or_fault(operation, reply.body, decoder)
            if isinstance(decoded, Decoded):
                self.counts.note_repaired(operation, decoded.repaired)
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
