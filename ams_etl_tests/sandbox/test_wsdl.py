"""The contract that the sandbox shows."""

import urllib.request

import pytest
import zeep
from lxml import etree

from ams_etl_tests.sandbox.service import BINDING
from ams_etl_tests.sandbox_process import Sandbox

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "singleWsdl"])
def test_the_wsdl_loads_strictly_and_has_every_operation(shared_sandbox: Sandbox, query: str) -> None:
    """Both addresses return the same document with all schemas inside."""
    client = zeep.Client(f"{shared_sandbox.wsdl.partition('?')[0]}?{query}", settings=zeep.Settings(strict=True))
    operations = client.wsdl.bindings[BINDING]._operations
    wrappers = [operation.input.body.type.elements for operation in operations.values()]
    names = [elements[0][0] for elements in wrappers if elements]
    assert (len(operations), names.count("Request"), names.count("request")) == (135, 77, 42)


def test_the_session_header_is_on_every_input_but_logins_and_on_logins_output(shared_sandbox: Sandbox) -> None:
    """Where the ticket goes is part of the contract."""
    with urllib.request.urlopen(shared_sandbox.wsdl) as answer:
        root = etree.fromstring(answer.read())
    headed = {
        (operation.get("name"), part)
        for operation in root.find(f"{_WSDL}binding").findall(f"{_WSDL}operation")
        for part in ("input", "output")
        if operation.find(f"{_WSDL}{part}/{_SOAP}header") is not None
    }
    names = {operation.get("name") for operation in root.find(f"{_WSDL}portType").findall(f"{_WSDL}operation")}
    assert headed == {(name, "input") for name in names - {"Login"}} | {("Login", "output")}


def test_the_address_in_the_wsdl_is_not_the_one_to_call(shared_sandbox: Sandbox) -> None:
    """Like the original, which names an internal host: a client that follows it fails at once."""
    client = zeep.Client(shared_sandbox.wsdl)
    assert client.service._binding_options["address"] == "http://internal-host/v3/WSAPIService.svc"
