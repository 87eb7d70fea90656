"""The fast decoder gives what zeep gives, and is harder to fool."""

import logging
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ams_etl.errors import AnswerTooLarge, DataError, TransientError
from ams_etl.sources.ams360 import SECRETS
from ams_etl.sources.calling.answers import Decoded
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.decoder import Decoder
from ams_etl.sources.soap.parsing import parse
from ams_etl_tests.sources.conftest import WSDL
from ams_etl_tests.sources.generated_answers import answers
from ams_etl_tests.sources.zeep_answers import decoded_by_zeep, normalised

CONTRACT = Contract(str(WSDL), cache_folder=None)
READS = [
    "CustomerGetById", "CustomerGetByNumber", "CustomerGetListByNamePrefix", "CustomerContactGetList", "CustomerDependentGetList",
    "PolicyGetListByCustomerId", "PolicyGet", "EmployeeGetListAll", "EmployeeGetByCode", "CompanyGetListAll",
    "GLDivisionGetListAll", "GLBranchGetListAll", "LineOfBusinessGetAllList", "AgencyInfoGet",
    "CustomerSuspenseGetListByCustomerId", "CustomerActivityInsert", "S1099GetListAll", "ValueListGet", "CustomerUpdate",
]  # fmt: skip


@settings(max_examples=int(os.environ.get("ANSWERS", "120")))
@given(data=st.data())
def test_every_answer_reads_as_zeep_reads_it(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(READS))
    answer = data.draw(answers(CONTRACT, operation))
    ours = Decoder(CONTRACT, drop=SECRETS).decode(operation, answer)
    theirs = normalised(CONTRACT, operation, decoded_by_zeep(CONTRACT, operation, answer), SECRETS)
    assert ours.rejected == []
    assert (ours.value or {member.name: _nothing(member) for member in CONTRACT.operation(operation).results}) == theirs


def _nothing(member: Any) -> Any:
    return [] if member.repeated or member.shape.is_list else None


def _answer(operation: str, inside: str, *, before: str = "") -> bytes:
    return (
        f'{before}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><{operation}Response '
        f'xmlns="http://www.WSAPI.AMS360.com/v3.0"><{operation}Result '
        'xmlns:a="http://www.WSAPI.AMS360.com/v3.0/DataContract" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"{inside}</{operation}Result></{operation}Response></s:Body></s:Envelope>"
    ).encode()


def _decode(operation: str, inside: str) -> Decoded:
    return Decoder(CONTRACT, drop=SECRETS).decode(operation, _answer(operation, inside))


def test_a_bad_value_rejects_its_record_and_no_other() -> None:
    """Half a record would be taken for the truth; none at all would be taken for a deletion."""
    decoded = _decode(
        "CustomerGetListByNamePrefix",
        "<a:CustomerInfoList><a:CustomerInfo><a:CustomerId>k-1</a:CustomerId><a:CustomerNumber>abc</a:CustomerNumber>"
        "</a:CustomerInfo><a:CustomerInfo><a:CustomerId>k-2</a:CustomerId><a:CustomerNumber>2</a:CustomerNumber>"
        "</a:CustomerInfo></a:CustomerInfoList>",
    )
    assert decoded.value is not None
    assert [row["CustomerId"] for row in decoded.value["CustomerInfoList"]] == ["k-2"]
    (rejected,) = decoded.rejected
    assert (rejected.kind, rejected.entity_id) == ("CustomerInfo", "k-1")
    assert rejected.reason == "CustomerNumber is not a int"


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("DateOfBirth", "31/12/1980"), ("DateOfBirth", "2023-02-30T00:00:00"), ("DateOfBirth", "2020-W01-1T00:00:00"),
        ("CustomerNumber", "1_000"), ("CustomerNumber", "2147483648"), ("CustomerNumber", "1.0"),
        ("IsActive", "yes"), ("DateOfBirth", "13:00 PM"), ("DateOfBirth", "1/2/1980 13:00 PM"), ("DateOfBirth", "/Date(x)/"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_type_is_rejected(member: str, text: str) -> None:
    """For zeep these are None or False, without a word."""
    decoded = _decode("CustomerGetById", f"<a:Customer><a:{member}>{text}</a:{member}></a:Customer>")
    assert decoded.value == {"Customer": None}
    assert decoded.rejected[0].reason.startswith(f"{member} is not a")
    assert text not in decoded.rejected[0].reason


def test_a_bad_value_deep_inside_rejects_the_whole_record() -> None:
    decoded = _decode(
        "PolicyGet",
        "<a:Policy><a:PolicyId>p</a:PolicyId><a:LineOfBusinessList><a:PolicyLineOfBusiness><a:SortOrderNumber>first"
        "</a:SortOrderNumber></a:PolicyLineOfBusiness></a:LineOfBusinessList></a:Policy>",
    )
    assert decoded.value == {"Policy": None}
    assert decoded.rejected[0].entity_id == "p"
    assert decoded.rejected[0].reason == "LineOfBusinessList.SortOrderNumber is not a short"


def test_new_and_out_of_order_members_still_read(caplog: pytest.LogCaptureFixture) -> None:
    """The service may add members: they are reported once, and cost nothing else."""
    decoder = Decoder(CONTRACT, drop=SECRETS)
    answer = _answer(
        "CustomerGetById",
        "<a:Customer><a:LastName>L</a:LastName><a:Pronouns>x</a:Pronouns><a:FirstName>F</a:FirstName></a:Customer>",
    )
    with caplog.at_level(logging.WARNING):
        first, second = decoder.decode("CustomerGetById", answer), decoder.decode("CustomerGetById", answer)
    assert first.value is not None
    assert (first.value["Customer"]["LastName"], first.value["Customer"]["FirstName"]) == ("L", "F")
    assert second.value == first.value
    assert [record.getMessage() for record in caplog.records] == [
        "the service sends a member that its contract lacks: Customer.Pronouns; it is ignored"
    ]


def test_secrets_end_at_the_edge() -> None:
    decoded = _decode(
        "CustomerDependentGetList",
        "<a:CustomerDependentList><a:CustomerDependent><a:FirstName>F</a:FirstName><a:SSN>123-45-6789</a:SSN>"
        "<a:DriversLicense>D1</a:DriversLicense></a:CustomerDependent></a:CustomerDependentList>",
    )
    assert decoded.value is not None
    (dependent,) = decoded.value["CustomerDependentList"]
    assert "SSN" not in dependent
    assert "DriversLicense" not in dependent
    whole = Decoder(CONTRACT).decode(
        "CustomerGetById", _answer("CustomerGetById", "<a:Customer><a:FederalTaxIdNumber>1</a:FederalTaxIdNumber></a:Customer>")
    )  # fmt: skip
    assert whole.value is not None
    assert whole.value["Customer"]["FederalTaxIdNumber"] == "1"


@pytest.mark.parametrize(
    ("member", "text", "value"),
    [
        ("DateOfBirth", "5/4/2013 9:12:00 AM", "2013-05-04T09:12:00"),
        ("DateOfBirth", "05/04/2013 12:00 AM", "2013-05-04T00:00:00"),
        ("DateOfBirth", "5/4/2013", "2013-05-04T00:00:00"),
        ("DateOfBirth", "/Date(1367658720000)/", "2013-05-04T09:12:00"),
        ("DateOfBirth", "/Date(1367658720000-0500)/", "2013-05-04T04:12:00"),
        ("DateOfBirth", "2013-05-04T09:12", "2013-05-04T09:12:00"),
        ("IsActive", "True", True),
        ("IsActive", " FALSE ", False),
    ],
)
def test_other_forms_than_xml_schemas_are_read(member: str, text: str, value: Any) -> None:
    decoded = _decode("CustomerGetById", f"<a:Customer><a:{member}>{text}</a:{member}></a:Customer>")
    assert decoded.value is not None
    assert decoded.value["Customer"][member] == value


@pytest.mark.parametrize(
    ("operation", "inside", "message"),
    [
        (
            "EmployeeGetListAll",
            '<a:EmployeeInfoList><v:EmployeeInfo xmlns:v="urn:v31"><v:X>1</v:X></v:EmployeeInfo></a:EmployeeInfoList>',
            "urn:v31",
        ),
        (
            "EmployeeGetListAll",
            "<a:EmployeeInfoList><EmployeeInfo xmlns=''/></a:EmployeeInfoList>",
            "EmployeeInfoList holds EmployeeInfo",
        ),
        ("EmployeeGetListAll", "<a:employeeinfolist><a:EmployeeInfo/></a:employeeinfolist>", "employeeinfolist"),
        (
            "EmployeeGetListAll",
            "<EmployeeInfoList xmlns=''><a>1</a></EmployeeInfoList>",
            "the answer holds EmployeeInfoList",
        ),
        ("CustomerGetById", "<v:Customer xmlns:v='urn:v31'><v:LastName>V</v:LastName></v:Customer>", "urn:v31"),
        (
            "CustomerGetById",
            "<a:Customer><a:LastName>V</a:LastName></a:Customer><a:Customer><a:LastName>W</a:LastName></a:Customer>",
            "occurs 2 times",
        ),
    ],
)
def test_an_answer_that_yields_no_record_names_what_it_holds(operation: str, inside: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _decode(operation, inside)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ("<v:City xmlns:v='urn:v31'>W</v:City><v:X xmlns:v='urn:v31'/>", "none of its members is in the contract"),
        ("<a:LastName>V</a:LastName><a:LastName>W</a:LastName>", "LastName occurs twice with different values"),
        ("<a:LastName><a:b/></a:LastName>", "LastName holds elements, not a value"),
        (f"<a:LastName>{'x' * 100_001}</a:LastName>", "LastName holds 100,001 characters"),
    ],
)  # fmt: skip
def test_a_record_that_would_lose_a_value_is_rejected_by_its_name(members: str, reason: str) -> None:
    decoded = _decode("CustomerGetById", f"<a:Customer>{members}</a:Customer>")
    assert [row.reason.startswith(reason) for row in decoded.rejected] == [True]


def test_a_single_member_in_another_namespace_or_case_is_read(caplog: pytest.LogCaptureFixture) -> None:
    decoded = _decode("CustomerGetById", "<a:Customer><a:City>C</a:City><LastName xmlns=''>V</LastName></a:Customer>")
    assert decoded.value is not None
    assert decoded.value["Customer"]["LastName"] == "V"
    assert "LastName" in caplog.text


def test_codes_keep_every_character() -> None:
    """Codes are three characters of printable ASCII, blanks included."""
    decoded = _decode(
        "EmployeeGetListAll",
        "<a:EmployeeInfoList><a:EmployeeInfo><a:EmployeeCode> &lt;&amp;</a:EmployeeCode></a:EmployeeInfo></a:EmployeeInfoList>",
    )
    assert decoded.value is not None
    assert decoded.value["EmployeeInfoList"][0]["EmployeeCode"] == " <&"


@pytest.mark.parametrize("answer", [b"", b"<html><body>502</body>", _answer("PolicyGet", "")[:200], b"\xff\xfe\x00"])
def test_half_an_answer_is_worth_another_try(answer: bytes) -> None:
    with pytest.raises(TransientError, match=r"truncated or is not XML|HTML page|is empty"):
        Decoder(CONTRACT).decode("PolicyGet", answer)


def test_another_operations_answer_is_refused() -> None:
    with pytest.raises(DataError, match="not a PolicyGetResponse"):
        Decoder(CONTRACT).decode("PolicyGet", _answer("CustomerGetById", ""))


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE x [" + '<!ENTITY a "ha">' + "".join(f'<!ENTITY a{n} "{"&a;" * 9}">' for n in range(9)) + "]>",
    ],
)
def test_a_document_type_is_refused(before: str) -> None:
    with pytest.raises((DataError, TransientError)):
        Decoder(CONTRACT).decode("CustomerGetById", _answer("CustomerGetById", "", before=before))


@pytest.mark.parametrize("inside", [b"<b>" + b"x" * 12_000_000 + b"</b>", b"<a>" * 400 + b"</a>" * 400])
def test_what_no_record_can_hold_is_the_records_error(inside: bytes) -> None:
    """Not the network's, which would be tried again and then end the whole sync."""
    with pytest.raises(AnswerTooLarge, match="10,000,000 characters"):
        parse(b"<a>" + inside + b"</a>")


def test_a_list_of_tens_of_megabytes_reads() -> None:
    """A sweep asks for every name with one letter, and a big agency answers at length."""
    row = (
        "<a:CustomerInfo>"
        + "".join(f"<a:{name}>{'x' * 300}</a:{name}>" for name in ("City", "FirmName"))
        + "</a:CustomerInfo>"
    )
    decoded = _decode("CustomerGetListByNamePrefix", f"<a:CustomerInfoList>{row * 30_000}</a:CustomerInfoList>")
    assert decoded.value is not None
    assert len(decoded.value["CustomerInfoList"]) == 30_000
