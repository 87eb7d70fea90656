"""What recorded traffic and live clients showed, which the sandboxes do as well."""

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from ams_etl.errors import DataError
from ams_etl.sources.ams360 import open_ams360
from ams_etl.sources.hawksoft import open_hawksoft
from ams_etl.sources.mycase import open_mycase
from ams_etl.sources.qq_catalyst import open_qq_catalyst
from ams_etl_tests.other_systems import hawksoft_at, mycase_at, qq_catalyst_at
from ams_etl_tests.sandbox.rest import OTHERS, send
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox, running_sandbox

_NAMESPACE = "http://www.WSAPI.AMS360.com/v3.0"


_LOGIN = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    f'<Login xmlns="{_NAMESPACE}"><Request xmlns:d="{_NAMESPACE}/DataContract"><d:AgencyNo>{AGENCY_NO}</d:AgencyNo>'
    "<d:LoginId>etl</d:LoginId><d:Password>sandbox</d:Password></Request></Login></s:Body></s:Envelope>"
).encode()


@pytest.fixture(scope="module")
def all_systems() -> Iterator[Sandbox]:
    with running_sandbox(size=20, more=OTHERS) as running:
        yield running


@pytest.fixture(autouse=True)
def _undisturbed(all_systems: Sandbox) -> Iterator[None]:
    yield
    all_systems.faults(off=True)
    for name in ("qq_catalyst", "mycase"):
        all_systems.ask(f"{name}/faults", {"off": True})


def _call(sandbox: Sandbox, operation: str, body: str, header: str = "") -> str:
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<s:Header>{header}</s:Header><s:Body><{operation} xmlns="{_NAMESPACE}">{body}</{operation}></s:Body></s:Envelope>'
    )
    headers = {
        "Content-Type": "text/xml; charset=utf-8",
        "SOAPAction": f"{_NAMESPACE}/WSAPIServiceContract/{operation}",
    }
    address = sandbox.wsdl.partition("?")[0].replace("WSAPIService", "wsapiservice")
    with urlopen(Request(address, envelope.encode(), headers), timeout=20) as answer:
        found: str = answer.read().decode()
        return found


def test_ams360s_operations_are_unprefixed_and_its_data_is_under_a(all_systems: Sandbox) -> None:
    login = _call(
        all_systems,
        "Login",
        f'<Request xmlns:d="{_NAMESPACE}/DataContract"><d:AgencyNo>{AGENCY_NO}</d:AgencyNo><d:LoginId>etl</d:LoginId>'
        "<d:Password>sandbox</d:Password><d:EmployeeCode/></Request>",
    )
    ticket = re.search(f'<WSAPISession xmlns="{_NAMESPACE}"><Ticket>([^<]+)</Ticket></WSAPISession>', login)
    assert ticket
    header = f'<WSAPISession xmlns="{_NAMESPACE}"><Ticket>{ticket[1]}</Ticket></WSAPISession>'
    agency = _call(all_systems, "AgencyInfoGet", "", header)
    assert f'<AgencyInfoGetResponse xmlns="{_NAMESPACE}"><AgencyInfoGetResult>' in agency
    assert "<a:AgencyInfo>" in agency
    assert "nil" not in agency
    assert re.search(r"<a:\w+/>", agency), "empty members are there, without content"
    assert not re.search(r"<(a:\w+)></\1>", agency)


def test_compressed_answers_are_gzip_on_the_wire_and_only_for_clients_that_take_it(all_systems: Sandbox) -> None:
    address = all_systems.wsdl.partition("?")[0]
    headers = {
        "Content-Type": "text/xml; charset=utf-8",
        "SOAPAction": f"{_NAMESPACE}/WSAPIServiceContract/Login",
    }

    def post(**more: str) -> tuple[int, str | None, bytes]:
        # In chunks, as .NET clients stream.
        where = urlsplit(address)
        connection = HTTPConnection(str(where.hostname), where.port, timeout=20)
        pieces = (_LOGIN[place : place + 100] for place in range(0, len(_LOGIN), 100))
        connection.request("POST", where.path, pieces, {**headers, **more}, encode_chunked=True)
        with connection.getresponse() as answer:
            return answer.status, answer.headers.get("Content-Encoding"), answer.read()

    all_systems.faults(gzip=True)
    status, encoding, packed = post(**{"Accept-Encoding": "gzip", "Transfer-Encoding": "chunked"})
    assert (status, encoding, packed[:2]) == (200, "gzip", b"\x1f\x8b")
    assert b"<Ticket>" in gzip.decompress(packed)
    status, encoding, plain = post(**{"Transfer-Encoding": "chunked"})
    assert (status, encoding) == (200, None)
    assert b"<Ticket>" in plain


async def test_compressed_answers_and_other_dates_are_read_the_same(all_systems: Sandbox) -> None:
    async with open_ams360(all_systems.connection()) as ams360:
        keys = [key for key, _ in all_systems.ask("customers")]
        plain = [await ams360.customer(key) for key in keys]
        all_systems.faults(gzip=True, us_dates=True)
        assert [await ams360.customer(key) for key in keys] == plain


async def test_qq_catalyst_as_live_clients_ask_it(all_systems: Sandbox) -> None:
    tokens = send(
        f"{all_systems.url}/qq_catalyst/oauth/token",
        form={"grant_type": "password", "username": "etl", "password": "sandbox", "client_id": "vendor",
              "client_secret": "sandbox"},
    )  # fmt: skip
    asked = {"startDate": "1990-01-01", "endDate": "2100-01-01", "pageSize": 5000}
    window = f"{all_systems.url}/qq_catalyst/v1/Contacts/LastModifiedCreated"
    first = send(window, query=asked, bearer=tokens.body["access_token"])
    assert (first.status, first.body["PageNumber"], first.body["PagesTotal"]) == (200, 1, 1)
    all_systems.ask("qq_catalyst/faults", {"large_pages": "refuse", "us_dates": True})
    assert send(window, query=asked, bearer=tokens.body["access_token"]).status == 400
    async with open_qq_catalyst(qq_catalyst_at(all_systems)) as qq:
        page = await anext(qq.contacts())
        assert re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4} 12:00:00 AM", page.records[0].payload["CreatedOn"])
        for kind in ("header", "body"):
            all_systems.ask("qq_catalyst/faults", {"soft_errors": {"Contacts": kind}})
            with pytest.raises(DataError, match="the answer reports an error"):
                await anext(qq.contacts())


class _Granted:
    """Tokens that were refreshed by a form."""

    def __init__(self, tokens: dict[str, Any]) -> None:
        self._tokens = tokens

    def lock(self) -> tuple[str, str, datetime]:
        return self._tokens["access_token"], self._tokens["refresh_token"], datetime.now(UTC) + timedelta(days=1)

    def release(self, renewed: Any) -> None:
        assert renewed is None


async def test_mycase_as_live_clients_ask_it(all_systems: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    there = f"{all_systems.url}/mycase/tokens"
    client = {"client_id": "etl", "client_secret": "sandbox"}
    code = {"code": "granted", "redirect_uri": "https://etl.example.com/callback"}
    granted = send(there, body={**client, **code, "grant_type": "authorization_code"}).body
    refreshed = send(
        there, form={**client, "grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    ).body
    record = all_systems.ask("mycase/state/clients")[0]
    for name in ("email", "first_name"):
        if record.get(name):
            found = send(
                f"{all_systems.url}/mycase/v1/clients",
                query={f"filter[{name}]": record[name].upper()},
                bearer=refreshed["access_token"],
            )
            assert record["id"] in [row["id"] for row in found.body]
    for name, expected in ((f"{record['first_name']} {record['last_name']}", [record["id"]]), ("Nobody There", [])):
        found = send(
            f"{all_systems.url}/mycase/v1/clients", query={"filter[name]": name}, bearer=refreshed["access_token"]
        )
        assert [row["id"] for row in found.body] == expected
    monkeypatch.setattr("ams_etl.sources.mycase.PAGE", 1)
    cases = all_systems.ask("mycase/state/cases")
    owners = [client["id"] for case in cases for client in case["clients"]]
    busiest = max(owners, key=owners.count)
    assert owners.count(busiest) > 1
    for relative in (False, True):
        all_systems.ask("mycase/faults", {"relative_links": relative})
        async with open_mycase(mycase_at(all_systems), _Granted(refreshed)) as mycase:
            [(_, read)] = [found async for found in mycase.cases_of([str(busiest)])]
        assert isinstance(read, list)
        assert len(read) == owners.count(busiest)


async def test_hawksofts_version_4_has_the_same_shape(all_systems: Sandbox) -> None:
    async with (
        open_hawksoft(hawksoft_at(all_systems)) as three,
        open_hawksoft(hawksoft_at(all_systems, version="4.0")) as four,
    ):
        numbers = await three.client_numbers()
        assert await four.client_numbers() == numbers
        assert [found async for found in four.clients(numbers[:3])] == [
            found async for found in three.clients(numbers[:3])
        ]
