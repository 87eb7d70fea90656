"""BenefitPoint's session: a login at LoginV2, and its id in the header of every BrokerConnect request."""

import contextlib
import re
from typing import Any

from lxml import etree

from ams_etl.errors import AmsEtlError, ConfigError, LoginRefused, PermanentError
from ams_etl.sources.calling.faults import SoapFault
from ams_etl.sources.soap.client import SoapClient
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.template import text_of
from ams_etl.sources.soap.transport import SoapTransport

_LISTS = frozenset(
    ("findAccounts", "findOffices", "findUsers", "findChanges", "getAvailableCarriers", "getProductTypes")
)
_NOT_OURS = re.compile(r"\bnot authori[sz]ed\b", re.IGNORECASE)
_ABOUT_THE_LOGIN = re.compile(
    r"invalid|password|credential|user ?name|lock|denied|authori[sz]|disabled|expired", re.IGNORECASE
)


class BenefitPointSession:
    """LoginV2 returns a session id at an address of its own; every BrokerConnect request carries it in its header.

    No fault says that a session is over, so a fault is followed by the question whether it still lives.
    """

    def __init__(
        self, username: str, password: str, contract: Contract, transport: SoapTransport, broker: Contract
    ) -> None:
        self._username, self._password = username, password
        self._login = SoapClient(contract, transport, self)
        # The header's namespace is the broker's own: v4, v4_1 and v4_3 are in use.
        header, member = map(etree.QName, broker.header_tags("findAccounts"))
        self._header, self._member = header.localname, member.localname
        self._opening = f'<{header.localname} xmlns="{header.namespace or ""}">'
        self._member_opening = f'<{member.localname} xmlns="{member.namespace or ""}">'
        self._open: str | None = None

    async def log_in(self, client: SoapClient) -> str:
        """A new session id.

        Raises:
            LoginRefused: the login is refused.
            ConfigError: the answer is a fault about something else, or the answer is not one of LoginV2's.
        """
        del client
        try:
            root = await self._login.call_without_session(
                "login", {"username": self._username, "password": self._password}
            )
        except SoapFault as fault:
            # A fault without such a word is a trouble of the server's, no reason to hold the login back for a day.
            kind = LoginRefused if _ABOUT_THE_LOGIN.search(fault.reason) else ConfigError
            raise kind(
                f"BenefitPoint refuses the login {self._username!r} ({fault.reason}): check benefitpoint.username "
                "and the environment variable that benefitpoint.password_env names, in agencies.yaml"
            ) from None
        found = _session_in(root)
        if not found:
            raise ConfigError("login: the answer has no sessionID; is this BenefitPoint's LoginV2?")
        self._open = found
        return found

    async def log_out(self) -> None:
        """End the session where there is one; what goes wrong with that is nobody's loss."""
        if self._open is not None:
            with contextlib.suppress(AmsEtlError):
                await self._login.call_without_session("logout", {"sessionID": self._open})

    def header_xml(self, ticket: str) -> str:
        """The SOAP header of every request."""
        member = f"{self._member_opening}{text_of(ticket)}</{self._member}>"
        return f"<s:Header>{self._opening}{member}</{self._header}></s:Header>"

    def headers(self, ticket: str) -> dict[str, Any]:
        """The same, for the contract's own serializer."""
        return {self._header: {self._member: ticket}}

    async def refuses_ticket(self, fault: SoapFault, ticket: str) -> bool:
        """Whether the session is over, which `echo` tells."""
        del fault
        try:
            root = await self._login.call_without_session("echo", {"sessionID": ticket})
        except SoapFault:
            return True
        return _session_in(root) != ticket

    def may_pass(self, operation: str, fault: SoapFault) -> bool:
        """Return whether another try may help: a read by id is not repeated where the record is gone or not ours."""
        return operation in _LISTS or not is_refusal(fault)

    def denied(self, operation: str, fault: SoapFault) -> PermanentError:
        """What to tell when a new session is refused, too."""
        return PermanentError(
            f"BenefitPoint ends every session of {self._username!r} at once ({operation}: {fault.reason}): "
            "is the login used elsewhere?"
        )


def is_refusal(fault: SoapFault) -> bool:
    """Return whether a fault says that a record is gone, or not ours to see.

    BenefitPoint's faults have no codes: "You are not authorized to access the requested information." is the one text that
    was seen for a deleted record. Any other one may be a failure of the service, and pass.
    """
    return _NOT_OURS.search(fault.reason) is not None


def _session_in(root: Any) -> str | None:
    """Wherever the answer has it: LoginV2 is known by its importers alone."""
    for element in root.iter():
        if isinstance(element.tag, str) and etree.QName(element).localname.lower() == "sessionid":
            return str(element.text) if element.text else None
    return None
