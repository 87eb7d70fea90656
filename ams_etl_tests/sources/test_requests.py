"""Requests: the fast templates say what zeep says, and writes say what the decoder read."""

from typing import Any
from xml.etree.ElementTree import canonicalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ams_etl.errors import ConfigError, DataError
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.template import RequestTemplate
from ams_etl_tests.sources.conftest import WSDL

CONTRACT = Contract(str(WSDL), cache_folder=None)
HEADER = '<s:Header><WSAPISession xmlns="http://www.WSAPI.AMS360.com/v3.0"><Ticket>T</Ticket></WSAPISession></s:Header>'
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n\r&<>'\"]^\\#!"),
    max_size=20,
)
_ID = {"CustomerId": _TEXT}
_POLICIES = {
    "CustomerId": _TEXT,
    "PolicyStatus": st.none() | st.lists(_TEXT, min_size=1, max_size=3),
    **dict.fromkeys(
        ("IncludeMultiEntity", "IncludeAccountingSubType", "IncludeSubmissionSubType", "IncludePolicySubType"),
        st.none() | st.booleans(),
    ),
}
READS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "CustomerGetListByNamePrefix": {"NamePrefix": _TEXT, "CustomerType": st.none() | _TEXT},
    "CustomerGetById": _ID,
    "CustomerGetByNumber": {"CustomerNumber": st.integers()},
    "CustomerContactGetList": _ID,
    "CustomerDependentGetList": _ID,
    "PolicyGetListByCustomerId": _POLICIES,
    "PolicyGet": {"PolicyId": _TEXT, "TransactionEffectiveDate": st.none() | st.datetimes()},
    "EmployeeGetListAll": {},
    "SearchByPhoneNumber": {"PhoneNumber": _TEXT},
}


def _canonical(envelope: bytes) -> str:
    return canonicalize(envelope.decode(), rewrite_prefixes=True)


@given(data=st.data())
def test_a_template_says_what_zeep_says(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(sorted(READS)))
    arguments = data.draw(st.fixed_dictionaries(READS[operation]))
    ours = RequestTemplate(CONTRACT, operation).render(arguments, HEADER)
    zeeps = CONTRACT.message(operation, arguments, {"WSAPISession": {"Ticket": "T"}})
    assert _canonical(ours) == _canonical(zeeps)


def test_the_wrapper_has_the_case_that_the_contract_gives_it() -> None:
    assert b"<Request>" in RequestTemplate(CONTRACT, "CustomerGetById").render({"CustomerId": "c"})
    assert b"<request>" in RequestTemplate(CONTRACT, "CustomerContactGetList").render({"CustomerId": "c"})


def test_arguments_stand_in_schema_order() -> None:
    """The service drops what comes out of order."""
    said = RequestTemplate(CONTRACT, "PolicyGetListByCustomerId").render(
        {"IncludePolicySubType": True, "PolicyStatus": ["A"], "CustomerId": "c"}
    )
    assert said.index(b"<CustomerId") < said.index(b"<PolicyStatus") < said.index(b"<IncludePolicySubType")


def test_an_argument_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DataError, match="CustomerGetById has no argument Customerid"):
        RequestTemplate(CONTRACT, "CustomerGetById").render({"Customerid": "c"})
    with pytest.raises(DataError, match="CustomerNoteInsert: the request does not fit the contract"):
        CONTRACT.message("CustomerNoteInsert", {"CustomerNote": {"NoteTxt": "n"}})


def test_a_character_that_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(DataError, match="XML cannot hold"):
        RequestTemplate(CONTRACT, "CustomerGetById").render({"CustomerId": "a\x00b"})
    with pytest.raises(DataError, match="does not fit"):
        CONTRACT.message("CustomerGetById", {"CustomerId": "a\x00b"})


def test_a_record_is_written_in_the_form_it_was_read_in() -> None:
    """Lists come without their containers, so they go without them."""
    policy = {"PolicyId": "p", "LineOfBusinessList": [{"PolicyLineOfBusiness": "HOME", "SortOrderNumber": 1}]}
    said = etree.fromstring(CONTRACT.message("PolicyInsert", {"Policy": policy}))
    assert said.xpath("string(//*[local-name()='request']//*[local-name()='LineOfBusinessList']/*/*[1])") == "HOME"
    activity = {"Description": "d", "Attachments": [{"Description": "file"}]}
    said = etree.fromstring(CONTRACT.message("CustomerActivityInsert", {"CustomerActivity": activity}))
    assert said.xpath("string(//*[local-name()='Doc360Document']/*)") == "file"


def test_an_operation_that_does_not_exist_is_told() -> None:
    with pytest.raises(ConfigError, match="no operation CustomerGetByName"):
        CONTRACT.operation("CustomerGetByName")
