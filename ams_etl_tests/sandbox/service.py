"""The sandbox as zeep sees it, strict, through the sandbox's own WSDL."""

from dataclasses import dataclass
from typing import Any

import zeep
from zeep.helpers import serialize_object

from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox

BINDING = "{http://www.WSAPI.AMS360.com/v3.0}BasicHttpBinding_WSAPIServiceContract"


@dataclass(slots=True)
class Service:
    """A logged-in client."""

    client: Any
    proxy: Any
    ticket: str

    def __call__(self, operation: str, **members: Any) -> Any:
        """Call an operation with its argument's members; the answer as dicts and lists."""
        wanted = self.proxy._binding.get(operation).input.body.type.elements
        argument = {wanted[0][0]: members} if wanted else {}
        answer = self.proxy[operation](**argument, _soapheaders={"WSAPISession": {"Ticket": self.ticket}})
        return serialize_object(answer, dict)


def connect(sandbox: Sandbox, agency_no: str = AGENCY_NO) -> Service:
    """Log in."""
    client = zeep.Client(sandbox.wsdl, settings=zeep.Settings(strict=True))
    proxy = client.create_service(BINDING, sandbox.wsdl.partition("?")[0])
    answer = proxy.Login(Request={"AgencyNo": agency_no, "LoginId": "etl", "Password": "sandbox"})
    return Service(client, proxy, answer["header"]["WSAPISession"]["Ticket"])


def fault_of(error: zeep.exceptions.Fault) -> tuple[str, list[dict[str, str | None]]]:
    """A fault's kind and its FaultDetails."""
    kind = error.detail[0]
    details = kind.findall(".//{*}WSAPIBusinessFaultDetail")
    return kind.tag.rpartition("}")[2], [
        {child.tag.rpartition("}")[2]: child.text for child in detail} for detail in details
    ]
