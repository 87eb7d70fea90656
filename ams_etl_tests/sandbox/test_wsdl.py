"""The contract that the sandbox shows."""

import re
import urllib.request
from importlib.resources import files

import pytest
import zeep
from lxml import etree

from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.outline import compare_with_built
from ams_etl_tests.sandbox.service import BINDING
from ams_etl_tests.sandbox_process import Sandbox

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "singleWsdl"])
def test_the_wsdl_loads_strictly_and_has_every_operation(shared_sandbox: Sandbox, query: str) -> None:
    """`?singleWsdl` is one document; `?wsdl` imports the others, as WCF publishes them."""
    client = zeep.Client(f"{shared_sandbox.wsdl.partition('?')[0]}?{query}", settings=zeep.Settings(strict=True))
    operations = client.wsdl.bindings[BINDING]._operations
    wrappers = [operation.input.body.type.elements for operation in operations.values()]
    names = [elements[0][0] for elements in wrappers if elements]
    assert (len(operations), names.count("Request"), names.count("request")) == (135, 77, 42)


def test_the_session_header_is_on_every_input_but_logins_and_on_logins_output(shared_sandbox: Sandbox) -> None:
    """Where the ticket goes is part of the contract."""
    with urllib.request.urlopen(f"{shared_sandbox.wsdl.partition('?')[0]}?singleWsdl") as answer:
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


def test_the_wsdl_in_parts_is_the_whole_contract(shared_sandbox: Sandbox) -> None:
    """The service imports messages and types, these import schemas by address, and the largest includes another document."""
    texts, waiting = {}, [shared_sandbox.wsdl]
    while waiting:
        address = waiting.pop()
        if address not in texts:
            with urllib.request.urlopen(address) as answer:
                texts[address] = answer.read().decode()
            waiting += re.findall(
                r'(?:schemaLocation|location)="(http://127[^"]*\?(?:xsd|wsdl)=[^"]*)"', texts[address]
            )
    assert len(texts) == 10
    assert "<wsdl:import" in texts[shared_sandbox.wsdl]
    assert any("include" in text for text in texts.values())
    live = Contract(shared_sandbox.wsdl, cache_folder=None)
    single = Contract(f"{shared_sandbox.wsdl.partition('?')[0]}?singleWsdl", cache_folder=None)
    assert live.endpoint == single.endpoint
    assert compare_with_built(live, "ams360").message == compare_with_built(single, "ams360").message
    assert compare_with_built(live, "ams360").ok


def test_nothing_that_repeats_is_nillable_in_benefitpoints_contract() -> None:
    """As in the vendor's own document: a repeated element that is also nillable reads as a list with holes."""
    root = etree.parse(files("ams_etl.sandbox.benefitpoint") / "BrokerConnectV4.wsdl")
    repeated = root.findall(".//{http://www.w3.org/2001/XMLSchema}element[@maxOccurs='unbounded']")
    assert len(repeated) > 100
    assert [element.get("name") for element in repeated if element.get("nillable")] == []


def test_the_text_of_a_note_is_a_stream() -> None:
    """As AMS360's own contract has NoteTextUpdateRequest."""
    root = etree.parse(files("ams_etl.sandbox.ams360") / "WSAPIService.wsdl")
    [request] = root.findall(".//{http://www.w3.org/2001/XMLSchema}complexType[@name='NoteTextUpdateRequest']")
    [note] = request.findall(".//*[@name='Note']")
    prefix, _, kind = note.get("type").partition(":")
    assert (note.nsmap[prefix], kind) == ("http://schemas.datacontract.org/2004/07/System.IO", "Stream")
