"""Calls written by hand, to see how the sandbox answers them: nothing here corrects a wrong message."""

import http.client
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox

ENV = "http://schemas.xmlsoap.org/soap/envelope/"
OPS = "http://www.WSAPI.AMS360.com/v3.0"
DATA = f"{OPS}/DataContract"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
PATH = "/v3/WSAPIService.svc"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes

    @property
    def root(self) -> Any:
        """The envelope."""
        return etree.fromstring(self.body)

    def texts(self, name: str) -> list[str | None]:
        """The texts of all elements of this name in the data namespace."""
        return [element.text for element in self.root.iter(f"{{{DATA}}}{name}")]

    @property
    def fault(self) -> str:
        """The fault's detail, or its code where it has none; '' for an answer."""
        found = self.root.find(f".//{{{ENV}}}Fault")
        if found is None:
            return ""
        detail = found.find("detail")
        if detail is None:
            return str(found.findtext("faultcode")).rpartition(":")[2]
        assert found.findtext("faultcode") == "s:Client"
        assert found.findtext("faultstring") == etree.QName(detail[0]).localname
        assert etree.QName(detail[0]).namespace == DATA
        return str(etree.QName(detail[0]).localname)


@dataclass(slots=True)
class Wire:
    """One kept-alive connection, with a ticket once `login` was called."""

    sandbox: Sandbox
    ticket: str | None = None
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        where = urlsplit(self.sandbox.url)
        self.connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)

    def post(self, body: bytes, headers: dict[str, str]) -> Reply:
        """Any POST to the service."""
        self.connection.request("POST", PATH, body, headers)
        answer = self.connection.getresponse()
        return Reply(answer.status, answer.read())

    def send(self, operation: str, content: str, *, action: str | None = None, header: str | None = None) -> Reply:
        """An envelope around `content`, the body's element; prefixes o, a, b and i are declared."""
        if header is None:
            header = f"<o:WSAPISession><o:Ticket>{self.ticket}</o:Ticket></o:WSAPISession>" if self.ticket else ""
        body = (
            f'<s:Envelope xmlns:s="{ENV}" xmlns:o="{OPS}" xmlns:a="{DATA}" xmlns:b="{ARRAYS}"'
            ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
            f"<s:Header>{header}</s:Header><s:Body>{content}</s:Body></s:Envelope>"
        )
        named = f'"{OPS}/WSAPIServiceContract/{operation}"' if action is None else action
        return self.post(body.encode(), {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": named})

    def call(self, operation: str, inside: str = "", wrapper: str = "Request") -> Reply:
        """A call whose argument holds `inside`."""
        return self.send(operation, f"<o:{operation}><o:{wrapper}>{inside}</o:{wrapper}></o:{operation}>")

    def login(self, password: str = "sandbox", agency_no: str = AGENCY_NO, login_id: str = "etl") -> Reply:
        """Log in, and keep the ticket if one comes back."""
        reply = self.send(
            "Login",
            f"<o:Login><o:Request><a:AgencyNo>{agency_no}</a:AgencyNo><a:LoginId>{login_id}</a:LoginId>"
            f"<a:Password>{password}</a:Password></o:Request></o:Login>",
            header="",
        )
        self.ticket = reply.root.findtext(f"{{{ENV}}}Header/{{{OPS}}}WSAPISession/{{{OPS}}}Ticket")
        return reply
