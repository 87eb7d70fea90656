"""Errors that come with status 200, lists in several pages, and rows that cannot be read: never a row less silently."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ams_etl.errors import DataError, PermanentError
from ams_etl.sources.hawksoft import open_hawksoft
from ams_etl.sources.mycase import next_link, open_mycase
from ams_etl.sources.qq_catalyst import open_qq_catalyst
from ams_etl_tests.other_systems import hawksoft_at, mycase_at, qq_catalyst_at
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sources.scripted_server import answer, scripted_server

pytestmark = pytest.mark.usefixtures("impatient")
TOKEN = {"access_token": "abc", "refresh_token": "def", "expires_in": 3600}


def as_json(value: Any, **headers: str) -> bytes:
    return answer(json.dumps(value).encode(), Content_Type="application/json", **headers)


def after_the_token(send: Callable[[str], bytes]) -> Callable[[str], bytes]:
    return lambda target: as_json(TOKEN) if "token" in target.partition("?")[0] else send(target)


class Granted:
    """Tokens of a firm that granted access."""

    def lock(self) -> tuple[str, str, Any]:
        from datetime import UTC, datetime, timedelta

        return "access", "refresh", datetime.now(UTC) + timedelta(days=1)

    def release(self, renewed: Any) -> None:
        assert renewed is None


PAGE = {"Data": [{"EntityID": 5}], "PageNumber": 1, "PagesTotal": 1, "TotalItems": 1, "IsSuccess": True}


@pytest.mark.parametrize(
    ("page", "headers"),
    [
        (PAGE, {"QQ_Error_Message": "no rights"}),
        (PAGE | {"IsSuccess": False, "Data": None}, {}),
        (PAGE | {"IsSuccess": "false", "Data": []}, {}),
        ({"isSuccess": 0, "data": []}, {}),
        ({"ISSUCCESS": "No", "Data": [], "TotalItems": 0}, {}),
        (PAGE | {"ErrorCode": 17, "Data": []}, {}),
        ({"errorcode": "E1", "Data": []}, {}),
    ],
)
async def test_qq_says_that_it_failed_with_status_200(page: Any, headers: dict[str, str]) -> None:
    async with (
        scripted_server(route=after_the_token(lambda _: as_json(page, **headers))) as server,
        open_qq_catalyst(qq_catalyst_at(Sandbox(server.url, ""))) as qq,
    ):
        with pytest.raises(DataError, match=r"QQ Catalyst Contacts: the answer reports an error \("):
            await anext(qq.contacts())
        found = {key: info async for key, info in qq.account_infos(["5"])}
        assert isinstance(found["5"], DataError)


async def test_qq_pages_are_read_however_their_numbers_are_written() -> None:
    def send(target: str) -> bytes:
        number = int(parse_qs(urlsplit(target).query)["pageNumber"][0])
        rows = [{"entityID": f"{number}"}, {"EntityID": None}, "row"] if number < 3 else []
        return as_json({"data": rows, "TotalItems": "5", "PagesTotal": 2.0, "IsSuccess": "True", "ErrorCode": 0})

    async with (
        scripted_server(route=after_the_token(send)) as server,
        open_qq_catalyst(qq_catalyst_at(Sandbox(server.url, ""))) as qq,
    ):
        pages = [page async for page in qq.contacts()]
    assert [record.payload for page in pages for record in page.records] == [{"EntityID": 1}, {"EntityID": 2}]
    assert [row.reason for row in pages[0].rejected] == ["row 2: EntityID is not a number", "row 3: not an object"]
    assert pages[0].total == 5


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"Data": []}, "TotalItems is not a number"),
        ({"Rows": []}, "expected a page with a list Data, got an object with the members Rows"),
        ({"Data": {"EntityID": 1}}, "expected a page with a list Data"),
        ([], "got a list"),
    ],
)
async def test_qq_an_answer_that_is_not_a_page_is_not_an_empty_one(page: Any, message: str) -> None:
    async with (
        scripted_server(route=after_the_token(lambda _: as_json(page))) as server,
        open_qq_catalyst(qq_catalyst_at(Sandbox(server.url, ""))) as qq,
    ):
        with pytest.raises(DataError, match=message):
            await anext(qq.contacts())


@pytest.mark.parametrize("info", [{}, {"CustomerID": 6, "AgentID": 1}, {"CustomerID": None}, []])
async def test_qq_account_information_of_nobody_or_somebody_else_is_an_error(info: Any) -> None:
    async with (
        scripted_server(route=after_the_token(lambda _: as_json(info))) as server,
        open_qq_catalyst(qq_catalyst_at(Sandbox(server.url, ""))) as qq,
    ):
        found = {key: info async for key, info in qq.account_infos(["5"])}
    assert "expected a record with this CustomerID" in str(found["5"])


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<u>; rel="next"', "u"),
        ("<a>; rel=prev, <b>;rel=next", "b"),
        ('<a,b>; title="x, <y>"; REL="last next", <c>; rel=prev', "a,b"),
        ('<a>; rel="nextish", <b>; title="rel=next"', None),
        ("", None),
    ],
)
def test_a_link_header_names_the_next_page(header: str, target: str | None) -> None:
    assert next_link(header) == target


@pytest.mark.parametrize(
    "link",
    [
        "<{base}/clients/5/cases?page_token=2>; rel=next",
        "</service/mycase/v1/clients/5/cases?page_token=2>; rel=next",
        "<?page_token=2>; rel=next",
        "<cases?page_token=2>; rel=next",
        "<x>; rel=prev\r\nLink: <?page_token=2>; rel=next\r\nLink: <y>; rel=first",
    ],
)
async def test_mycase_reads_every_page_of_a_clients_cases(link: str) -> None:
    async with scripted_server() as server:
        base = f"{server.url}/mycase/v1"

        def send(target: str) -> bytes:
            assert urlsplit(target).path.endswith("/clients/5/cases")
            if "page_token" in target:
                return as_json([{"id": 2}], Item_Count="2")
            return as_json([{"id": 1}], Item_Count="2", Link=link.format(base=base))

        server.route = send
        async with open_mycase(mycase_at(Sandbox(server.url, "")), Granted()) as mycase:
            [(key, cases)] = [found async for found in mycase.cases_of(["5"])]
    assert key == "5"
    assert isinstance(cases, list)
    assert [case.entity_id for case in cases] == ["1", "2"]


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        ([{"id": 1}], {"Item_Count": "2"}, "1 listed, Item-Count is 2"),
        ({"errors": [{"description": "x"}]}, {}, "the answer reports an error"),
        ({"cases": []}, {}, "expected a list, got an object with the members cases"),
        ([{"id": 1}, {"name": "x"}], {}, "row 2: id is not a number"),
        ([], {"Link": "<?page_token=1>; rel=next"}, "circle"),
    ],
)
async def test_mycase_says_why_a_clients_cases_are_not_complete(body: Any, headers: Any, message: str) -> None:
    async with (
        scripted_server(route=lambda _: as_json(body, **headers)) as server,
        open_mycase(mycase_at(Sandbox(server.url, "")), Granted()) as mycase,
    ):
        [(_, cases)] = [found async for found in mycase.cases_of(["5"])]
    assert message in str(cases)


@pytest.mark.parametrize("link", ["<//elsewhere.example/v1/cases>", "<https://127.0.0.1/v1/x>", "<../../other>"])
async def test_mycase_follows_no_link_to_another_place(link: str) -> None:
    async with (
        scripted_server(route=lambda _: as_json([], Link=f"{link}; rel=next")) as server,
        open_mycase(mycase_at(Sandbox(server.url, "")), Granted()) as mycase,
    ):
        with pytest.raises(PermanentError, match=r"outside mycase\.base"):
            _ = [page async for page in mycase.listing("cases")]


@pytest.mark.parametrize(
    ("body", "message"),
    [({"message": "not today"}, "the answer reports an error"), ([1, "x"], "1 of 2 items are not numbers")],
)
async def test_hawksoft_says_that_it_failed_with_status_200(body: Any, message: str) -> None:
    async with (
        scripted_server(route=lambda _: as_json(body)) as server,
        open_hawksoft(hawksoft_at(Sandbox(server.url, ""))) as hawksoft,
    ):
        with pytest.raises(DataError, match=message):
            await hawksoft.client_numbers()


async def test_hawksoft_names_the_records_without_a_number() -> None:
    rows = [{"clientNumber": "7"}, {"ClientNumber": 8}, {"details": {}}, None]
    async with (
        scripted_server(route=lambda _: as_json(rows)) as server,
        open_hawksoft(hawksoft_at(Sandbox(server.url, ""))) as hawksoft,
    ):
        [(records, rejected)] = [found async for found in hawksoft.clients([7, 8, 9])]
    assert [record.payload for record in records] == [{"clientNumber": 7}, {"clientNumber": 8}]
    assert [row.reason for row in rejected] == ["row 3: clientNumber is not a number", "row 4: not an object"]
