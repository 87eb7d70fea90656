"""The BenefitPoint sandbox as an HTTP application: its two services with their faults, and a control API."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ams_etl.sandbox.benefitpoint.book import Book, Record
from ams_etl.sandbox.benefitpoint.control import Control
from ams_etl.sandbox.benefitpoint.operations import BrokerOperations
from ams_etl.sandbox.benefitpoint.sessions import Sessions
from ams_etl.sandbox.faults import Faults
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.calls import Calls
from ams_etl.sandbox.soap.contract import read_contract
from ams_etl.sandbox.soap.service import SoapFault, SoapService
from ams_etl.sandbox.stats import Stats

PREFIX = "/aptusConnect/"
WSDL_PATH, LOGIN_WSDL_PATH = f"{PREFIX}BrokerConnectV4.wsdl", f"{PREFIX}LoginV2.wsdl"
PATH, LOGIN_PATH = f"{PREFIX}services/BrokerConnectV4SOAP", f"{PREFIX}services/LoginV2SOAP"
NEWER = ("v4_1", "v4_3")
"""Later minor versions, each at addresses of its own: `/aptusConnect/v4_3/BrokerConnectV4.wsdl`."""
_BROKER = b"http://ws.benefitpoint.com/aptusconnect/broker/v4"
_PRODUCT_TYPES = b'<xs:element name="getProductTypes"><xs:complexType><xs:sequence>'
_CONTROL = "/sandbox/benefitpoint/"
_FOLDER = Path(__file__).parent
_GENERAL = SoapFault("An unexpected error has occurred.", code="s:Server")


def _path(name: str) -> str:
    return PATH.replace(PREFIX, f"{PREFIX}{name}/")


class BenefitPointServer:
    """Answers SOAP calls at `PATH` and `LOGIN_PATH` and control requests under `/sandbox/benefitpoint/`.

    Args:
        book: the records.
        username: the login.
        password: its password.
        connection: makes a customer of a new account in the AMS360 beside, where a test connects them.
        seed: of the faults' chances.
    """

    def __init__(
        self, book: Book, username: str, password: str, connection: Callable[[Record], None] | None = None,
        seed: int = 0,
    ) -> None:  # fmt: skip
        documents = {name: (_FOLDER / name).read_bytes() for name in ("BrokerConnectV4.wsdl", "LoginV2.wsdl")}
        contract = read_contract(documents["BrokerConnectV4.wsdl"])
        login_contract = read_contract(documents["LoginV2.wsdl"])
        broker = SoapService(contract, documents["BrokerConnectV4.wsdl"], bare=True)
        login = SoapService(login_contract, documents["LoginV2.wsdl"], bare=True)
        sessions = Sessions(username, password)
        operations = BrokerOperations(book, sessions, contract.namespace)
        faults, self.stats = Faults(seed, frozenset({"login", "echo", "logout"})), Stats()
        newer = {name: self._newer(name, documents["BrokerConnectV4.wsdl"]) for name in NEWER}
        for _, namespace in newer.values():
            operations.speak(namespace)
        self._calls = {
            **{_path(name): Calls(newer[name][0], operations, faults, self.stats, _GENERAL) for name in NEWER},
            PATH: Calls(broker, operations, faults, self.stats, _GENERAL),
            LOGIN_PATH: Calls(login, sessions, faults, self.stats, _GENERAL),
        }
        self._documents = {WSDL_PATH: broker, PATH: broker, LOGIN_WSDL_PATH: login, LOGIN_PATH: login}
        for name in NEWER:
            self._documents |= {f"{PREFIX}{name}/BrokerConnectV4.wsdl": newer[name][0], _path(name): newer[name][0]}
        names = frozenset(contract.operations) | frozenset(login_contract.operations)
        self._control = Control(book, contract, names, operations, sessions, faults, self.stats, connection)

    @staticmethod
    def _newer(name: str, document: bytes) -> tuple[SoapService, str]:
        """Return a later minor version: the same operations in a namespace of its own, at an address of its own."""
        document = document.replace(_BROKER, f"{_BROKER.decode()}{name.removeprefix('v4')}".encode())
        document = document.replace(f"//internal-host{PATH}".encode(), f"//internal-host{_path(name)}".encode())
        if name == "v4_3":
            added = b'<xs:element minOccurs="0" name="returnAllTypes" type="xs:boolean"/>'
            document = document.replace(_PRODUCT_TYPES, _PRODUCT_TYPES + added)
        contract = read_contract(document)
        return SoapService(contract, document, bare=True), contract.namespace

    def answers(self, target: str) -> bool:
        """Whether a request's target is meant for this service or its control."""
        return target.startswith((PREFIX, _CONTROL))

    def switch(self, settings: dict[str, Any]) -> None:
        """Set switches as `POST /sandbox/benefitpoint/faults` does."""
        self._control.switch(settings)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One HTTP request."""
        path, _, query = request.target.partition("?")
        if path.startswith(_CONTROL):
            return self._control.answer(request, path.removeprefix(_CONTROL))
        if request.method == "GET" and path in self._documents:
            host = request.headers.get("host", "") if self._control.wsdl_address == "host" else ""
            if self._control.is_wsdl_split:
                base = f"http://{request.headers.get('host', 'localhost')}{path}"
                part = self._documents[path].wsdl_part(base, query.lower() or "wsdl", host)
                return part or Response(404, b"", "text/plain")
            return self._documents[path].wsdl(host)
        calls = self._calls.get(path)
        if calls is None:
            return Response(404, b"", "text/plain")
        return calls.handle(request) if request.method == "POST" else Response(405, b"", "text/plain")
