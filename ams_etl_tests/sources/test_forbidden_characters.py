"""Answers that hold characters XML forbids or Postgres cannot store, and answers that are not what they should be."""

import pytest
from lxml import etree

from ams_etl.errors import DataError, TransientError
from ams_etl.sources.calling.answers import Repaired
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.http.client import HttpClient
from ams_etl.sources.rest.records import reader
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.decoder import Decoder
from ams_etl.sources.soap.parsing import parse
from ams_etl.sources.soap.transport import SoapTransport
from ams_etl_tests.sources.scripted_server import answer, scripted_server


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"No&#xB;va", "No va"),
        (b"No&#12;va", "No va"),
        (b"No&#x1F;va", "Nova"),
        (b"No&#0;va", "Nova"),
        (b"No&#xD800;va", "Nova"),
        (b"No&#xFFFFFFFFFFFFFFFFFFF;va", "Nova"),
        (b"No\x01va\x0bX", "Nova X"),
        (b"Nov\xe1 \x93\xc3\xa1\x94", "Nov\u00e1 \u201c\u00e1\u201d"),
        (b"No\xed\xa0\x80va\xef\xbf\xbf", "Nova"),
        ("\ue000No\ue001&#x1;va".encode(), "\ue000No\ue001va"),
        (b"No&#x0;v&#225;&#x1F600;&#13;&amp;#xB;", "Nov\u00e1\U0001f600\r&#xB;"),
    ],
)
def test_a_character_that_xml_forbids_does_not_stop_the_answer(sent: bytes, read: str) -> None:
    assert parse(b"<a>" + sent + b"</a>").text == read


def test_another_encoding_is_repaired_too() -> None:
    declared = '<?xml version="1.0" encoding="{}"?><a>No&#xB;v\u00e1</a>'
    assert parse(declared.format("iso-8859-1").encode("latin-1")).text == "No v\u00e1"
    assert parse(declared.format("utf-16").encode("utf-16")).text == "No v\u00e1"


def test_forbidden_characters_are_counted_for_each_record(contract: Contract, caplog: pytest.LogCaptureFixture) -> None:
    rows = (
        "<a:EmployeeInfo><a:EmployeeCode>AAA</a:EmployeeCode><a:FirstName>J&#x1;o&#xB;n</a:FirstName></a:EmployeeInfo>"
        "<a:EmployeeInfo><a:EmployeeCode>BBB</a:EmployeeCode></a:EmployeeInfo>"
    )
    answer_body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><EmployeeGetListAllResponse '
        'xmlns="http://www.WSAPI.AMS360.com/v3.0"><EmployeeGetListAllResult '
        'xmlns:a="http://www.WSAPI.AMS360.com/v3.0/DataContract"><a:EmployeeInfoList>'
        f"{rows}</a:EmployeeInfoList></EmployeeGetListAllResult></EmployeeGetListAllResponse></s:Body></s:Envelope>"
    )
    decoded = Decoder(contract).decode("EmployeeGetListAll", answer_body.encode())
    assert decoded.value is not None
    assert [row["FirstName"] for row in decoded.value["EmployeeInfoList"]] == ["Jo n", None]
    assert decoded.repaired == [Repaired("EmployeeInfo", "AAA", 2)]
    counts = CallCounts()
    counts.note_repaired("EmployeeGetListAll", decoded.repaired)
    assert counts.repaired == 1
    assert "left 2 forbidden characters out of EmployeeInfo AAA" in caplog.text


def test_json_counts_them_for_each_record_and_holds_only_finite_numbers() -> None:
    read = reader()(b'[{"id": 7, "a": "x\\u0001\\u0002"}, {"id": 8, "b": 1e999, "c": NaN, "d": 1.5}]')
    assert read.value == [{"id": 7, "a": "x"}, {"id": 8, "b": None, "c": None, "d": 1.5}]
    assert read.repaired == [Repaired("record", "7", 2)]
    with pytest.raises(ValueError, match="deep"):
        reader()(b"[" * 200_000)


def test_only_a_truncated_answer_is_worth_another_try() -> None:
    with pytest.raises(TransientError, match="truncated"):
        parse(b"<a>No&#xB;va")
    with pytest.raises(TransientError, match="empty"):
        parse(b"")


def test_a_document_type_is_not_hidden_by_a_control_character() -> None:
    with pytest.raises((DataError, TransientError)):
        parse(b'<!DOC\x00TYPE a [<!ENTITY b "c">]><a>&b;</a>')


def test_an_answer_that_is_not_soap_is_named() -> None:
    assert etree.QName(parse(b'\r\n<?xml version="1.0"?><a/>')).localname == "a"
    with pytest.raises(TransientError, match="HTML page"):
        parse(b"<!DOCTYPE html><html><br></html>")
    with pytest.raises(TransientError, match="HTML page"):
        parse(b"<html><br></html>")
    with pytest.raises(TransientError, match="the answer is empty"):
        parse(b"")
    with pytest.raises(DataError, match="multipart"):
        parse(b"--uuid:1\r\nContent-Type: application/xop+xml\r\n\r\n<a/>\r\n--uuid:1--")


async def test_an_unknown_content_encoding_is_named_and_a_write_counts_as_unanswered() -> None:
    async with scripted_server(answer(b"\x0b", Content_Encoding="br")) as server:
        client = HttpClient(server.url, {}, 5)
        with pytest.raises(DataError, match="'br'"):
            await client.post("", b"")
        client.close()
        async with SoapTransport(server.url, max_concurrency=1) as transport:
            with pytest.raises(TransientError, match="may have been carried out"):
                await transport.post_once("Write", "write", b"")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b'"No\\u0000va"', "Nova"),
        (b'"No\\ud800va"', "Nova"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"No\x01v\x0ba\tb"', "Nov a\tb"),
        (b'"No\\\\u0000va"', "No\\u0000va"),
    ],
)
def test_json_is_read_without_what_postgres_cannot_store(sent: bytes, read: str) -> None:
    assert reader()(b'{"rows": [' + sent + b"]}").value == {"rows": [read]}


def test_truncated_json_is_still_an_error() -> None:
    with pytest.raises(ValueError, match="Unterminated"):
        reader()(b'{"a": "\x01')
