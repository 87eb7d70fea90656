"""What a live WSDL decides: the session header's namespace, the address, and how it differs from the one built for."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import zeep

from ams_etl.errors import TransientError
from ams_etl.sources.benefitpoint.client import BenefitPointConnection, open_benefitpoint
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.outline import compare_with_built
from ams_etl.sources.soap.published_address import is_usable
from ams_etl_tests.sandbox_process import BenefitPointSandbox, running_sandbox
from ams_etl_tests.sources.outlines import WSDLS, made, stored
from ams_etl_tests.sources.scripted_server import scripted_server


@pytest.fixture(scope="module")
def benefitpoint() -> Iterator[BenefitPointSandbox]:
    with running_sandbox(size=10, more=("--benefitpoint",)) as running:
        yield running.benefitpoint


def connection(sandbox: BenefitPointSandbox, version: str, **more: str) -> BenefitPointConnection:
    folder = f"{sandbox.url}/aptusConnect/"
    return sandbox.connection(wsdl=f"{folder}{version}BrokerConnectV4.wsdl", **more)


@pytest.mark.parametrize("version", ["", "v4_1/", "v4_3/"])
async def test_every_minor_version_of_benefitpoint_is_read_and_written(
    benefitpoint: BenefitPointSandbox, version: str
) -> None:
    async with open_benefitpoint(connection(benefitpoint, version)) as client:
        listed = await client.accounts()
        assert not listed.rejected
        account = await client.account_to_change(listed.records[0]["accountID"])
        assert await client.update_account(account) == listed.records[0]["accountID"]
        probes = {probe.operation: probe for probe in await client.probe()}
    assert all(probe.ok for probe in probes.values()), probes
    assert "this version" in probes["contract"].message


async def test_a_wsdl_in_parts_is_read_like_a_whole_one(benefitpoint: BenefitPointSandbox) -> None:
    benefitpoint.faults(split_wsdl=True)
    try:
        async with open_benefitpoint(connection(benefitpoint, "")) as client:
            assert (await client.offices()).records
            probes = {probe.operation: probe for probe in await client.probe()}
        assert "this version" in probes["contract"].message
    finally:
        benefitpoint.faults(split_wsdl=False)


def test_an_import_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    """A WCF service behind a proxy publishes its imports under a name that only its own network knows."""
    main = tmp_path / "service.wsdl"
    main.write_text(
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:x">'
        '<import namespace="urn:x" location="http://127.0.0.1:9/part.wsdl"/></definitions>'
    )
    with pytest.raises(
        TransientError, match=r"service\.wsdl: http://127\.0\.0\.1:9/part\.wsdl, which it imports: no answer"
    ):
        Contract(str(main), cache_folder=None)


async def test_an_address_that_cannot_be_reached_is_not_used_and_a_setting_overrides_it(
    benefitpoint: BenefitPointSandbox,
) -> None:
    benefitpoint.faults(wsdl_address="internal")
    try:
        given = f"{benefitpoint.url}/aptusConnect/services/"
        async with open_benefitpoint(connection(benefitpoint, "")) as client:
            assert (await client.offices()).records
        more = {"endpoint": f"{given}BrokerConnectV4SOAP", "login_endpoint": f"{given}LoginV2SOAP"}
        async with open_benefitpoint(connection(benefitpoint, "", **more)) as client:
            assert (await client.offices()).records
    finally:
        benefitpoint.faults(wsdl_address="host")


async def test_the_published_address_is_used_and_a_setting_wins_over_it(
    benefitpoint: BenefitPointSandbox, tmp_path: Path
) -> None:
    """WSDLs that were saved to files lie elsewhere than their service: nothing can be derived from where they are."""
    with running_sandbox(size=3, more=("--benefitpoint",)) as running:
        published = running.benefitpoint
        for name, url in (("broker", benefitpoint.wsdl), ("login", benefitpoint.login_wsdl)):
            with urllib.request.urlopen(url) as answer:
                document = answer.read().decode().replace(benefitpoint.url, published.url)
            (tmp_path / f"{name}.wsdl").write_text(document)
        saved = {"wsdl": str(tmp_path / "broker.wsdl"), "login_wsdl": str(tmp_path / "login.wsdl")}
        services = f"{benefitpoint.url}/aptusConnect/services/"
        setting = {"endpoint": f"{services}BrokerConnectV4SOAP", "login_endpoint": f"{services}LoginV2SOAP"}
        for more, calls in (({}, {"findOffices": 1, "login": 1, "logout": 1}), (setting, {})):
            published.ask("reset-stats", {})
            async with open_benefitpoint(benefitpoint.connection(**saved, **more)) as client:
                assert (await client.offices()).records
            assert published.ask("stats")["calls"] == calls


def test_a_client_that_follows_the_wsdl_alone_gets_through(benefitpoint: BenefitPointSandbox) -> None:
    """As suds clients do: they use the address that is in it."""
    login = zeep.Client(benefitpoint.login_wsdl)
    session = login.service.login("etl", "sandbox")
    assert login.service.getCurrentUser(session).username == "etl"
    broker = zeep.Client(benefitpoint.wsdl)
    assert broker.service.findOffices({}, _soapheaders={"SessionIdHeader": {"sessionId": session}})
    with pytest.raises(zeep.exceptions.Fault, match="not implemented by the sandbox"):
        broker.service.lookupInquirerTypes(_soapheaders={"SessionIdHeader": {"sessionId": session}})


async def test_only_a_safe_address_that_answers_is_used() -> None:
    async with scripted_server(b"") as server:
        assert is_usable(f"{server.url}/x", f"{server.url}/y.wsdl")
        assert is_usable(server.url, "http://elsewhere.example/y.wsdl")
        assert not is_usable(server.url, "https://elsewhere.example/y.wsdl")
    assert not is_usable("http://127.0.0.1:9/x", "http://elsewhere.example/y.wsdl")
    assert not is_usable("internal-host/x", "http://elsewhere.example/y.wsdl")
    assert not is_usable("ftp://elsewhere.example/x", "ftp://elsewhere.example/y.wsdl")


@pytest.mark.parametrize("system", ["ams360", "benefitpoint"])
def test_the_outline_is_the_contracts(system: str) -> None:
    assert stored(system).read_text("utf-8") == made(system)


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ('name="DoingBusinessAs" nillable="true" type="xs:string"', 'name="TradeName" nillable="true" type="xs:string"',
         "Customer.DoingBusinessAs: string is missing"),
        ('name="CustomerNumber" type="xs:int"', 'name="CustomerNumber" type="xs:string"',
         "Customer.CustomerNumber is string, expected int"),
        ('operation name="PolicyGet"', 'operation name="PolicyRead"', "operation PolicyGet is missing"),
    ],
)  # fmt: skip
def test_doctor_names_what_a_live_wsdl_lacks(tmp_path: Path, was: str, becomes: str, message: str) -> None:
    document = WSDLS["ams360"].read_text("utf-8")
    assert was in document
    changed = tmp_path / "live.wsdl"
    changed.write_text(document.replace(was, becomes), "utf-8")
    probe = compare_with_built(Contract(str(changed), cache_folder=None), "ams360")
    assert not probe.ok
    assert message in probe.message
