"""The HawkSoft, QQ Catalyst and MyCase clients against their sandboxes, with everything that can go wrong in turn."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_etl.errors import ConfigError, DataError, PermanentError, TransientError
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.hawksoft import open_hawksoft
from ams_etl.sources.http.connection import MAX_ANSWER_BYTES
from ams_etl.sources.mycase import RecordKey, open_mycase
from ams_etl.sources.qq_catalyst import open_qq_catalyst
from ams_etl.sources.rest.records import is_secret, reader
from ams_etl_tests.other_systems import grant, hawksoft_at, mycase_at, qq_catalyst_at, tokens_at
from ams_etl_tests.sandbox.rest import OTHERS, send
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sources.scripted_server import answer, scripted_server


@pytest.fixture(scope="module")
def others() -> Iterator[Sandbox]:
    with running_sandbox(size=1, more=OTHERS) as running:
        yield running


@pytest.fixture(autouse=True)
def _undisturbed(others: Sandbox) -> None:
    for name in ("hawksoft", "qq_catalyst", "mycase"):
        others.ask(f"{name}/faults", {"off": True})
        others.ask(f"{name}/reset-stats", {})


async def records_of(pages: AsyncIterator[Any]) -> list[Any]:
    return [
        record
        for page in [page async for page in pages]
        for record in (page[0] if isinstance(page, tuple) else page.records)
    ]


def keys(records: list[Any]) -> set[str]:
    return {record.entity_id for record in records}


async def test_hawksoft_reads_give_the_clients_in_bulks_of_200(others: Sandbox) -> None:
    async with open_hawksoft(hawksoft_at(others)) as hawksoft:
        assert await hawksoft.agencies() == [7]
        assert len(await hawksoft.offices()) >= 2
        numbers = await hawksoft.client_numbers()
        records = await records_of(hawksoft.clients(numbers))
        assert keys(records) == {str(client["clientNumber"]) for client in others.ask("hawksoft/state/clients")}
        assert hawksoft.counts.by_operation["Clients"] == 2
        assert "policies" in records[0].payload
        assert [client async for client in hawksoft.clients([999999])] == [([], [])]
    told = json.dumps([record.payload for record in records])
    for secret in ("ssn", "driversLicenseNumber", "taxId"):
        assert secret not in told


async def test_a_client_that_is_too_large_costs_the_others_of_its_bulk_nothing(others: Sandbox) -> None:
    too_large = answer(gzip.compress(b" " * (MAX_ANSWER_BYTES + 1)), Content_Encoding="gzip")
    clients = [answer(json.dumps([{"clientNumber": n}]).encode(), Content_Type="application/json") for n in (1, 3, 4)]
    # All four, the first two, 1, 2, then the last two: they are asked for as `[3, 4]`, which is too large again.
    said = [too_large, too_large, clients[0], too_large, too_large, clients[1], clients[2]]
    async with scripted_server(*said) as server:
        at = replace(hawksoft_at(others), base=server.url)
        async with open_hawksoft(at) as hawksoft:
            ((records, rejected),) = [found async for found in hawksoft.clients([1, 2, 3, 4])]
    assert keys(records) == {"1", "3", "4"}
    assert [(row.entity_id, row.reason) for row in rejected] == [("2", "the answer is larger than 32,000,000 bytes")]


async def test_hawksoft_tells_changes_and_deletions_apart(others: Sandbox) -> None:
    async with open_hawksoft(hawksoft_at(others)) as hawksoft:
        since = datetime.now(UTC)
        others.ask("hawksoft/edit", {"entity": "clients", "op": "update", "key": "2", "fields": {"people": []}})
        others.ask("hawksoft/edit", {"entity": "clients", "op": "delete", "key": "3"})
        assert await hawksoft.client_numbers(since) == [2]
        assert set(await hawksoft.client_numbers(since, deleted=True)) == {2, 3}


async def test_hawksoft_refusals_say_what_to_do(others: Sandbox) -> None:
    async with open_hawksoft(hawksoft_at(others, client_secret="not-the-one")) as hawksoft:
        with pytest.raises(ConfigError, match=r"hawksoft\.client_secret_env") as caught:
            await hawksoft.agencies()
        assert "not-the-one" not in f"{caught.value}{hawksoft_at(others, client_secret='not-the-one')!r}"
    others.ask("hawksoft/faults", {"opted_out": [7], "empty": "text"})
    async with open_hawksoft(hawksoft_at(others)) as hawksoft:
        with pytest.raises(PermanentError, match="opted out in the HawkSoft Marketplace"):
            await hawksoft.client_numbers()
        assert await hawksoft.agencies() == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("body", "kind", "error", "message"),
    [
        (b"Sign in", "text/html", TransientError, "HTML page"),
        (b"Sign in", "text/plain", DataError, "expected a list of numbers"),
        (b"", "application/json", DataError, "expected a list of numbers.*an empty body"),
    ],
)
async def test_a_page_that_is_not_a_list_is_not_taken_for_an_empty_one(
    body: bytes, kind: str, error: type[Exception], message: str
) -> None:
    """Otherwise a wrong address would delete every client."""
    async with scripted_server(answer(body, Content_Type=kind)) as server:
        where = hawksoft_at(Sandbox(server.url, ""))
        async with open_hawksoft(where) as hawksoft:
            with pytest.raises(error, match=message):
                await hawksoft.client_numbers()


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "fault", "drop", "cut", "half"])
async def test_reads_survive_what_passes(others: Sandbox, fault: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_hawksoft(hawksoft_at(others)) as hawksoft, open_qq_catalyst(qq_catalyst_at(others)) as qq:
        numbers = await hawksoft.client_numbers()
        undisturbed = await records_of(hawksoft.clients(numbers)), await records_of(qq.contacts())
        for name in ("hawksoft", "qq_catalyst"):
            others.ask(f"{name}/faults", {f"next_{fault}": 1})
        again = await records_of(hawksoft.clients(numbers)), await records_of(qq.contacts())
        assert hawksoft.counts.retries == qq.counts.retries == 1

    def in_order(read: tuple[list[Any], ...]) -> list[list[str]]:
        return [sorted(json.dumps(record.payload) for record in records) for records in read]

    assert in_order(again) == in_order(undisturbed)
    assert "sandbox" not in "".join(record.getMessage() for record in caplog.records if "ams_etl" in record.name)


async def test_qq_reads_windows_to_the_end_and_account_information_beside(others: Sandbox) -> None:
    async with open_qq_catalyst(qq_catalyst_at(others)) as qq:
        rows = await records_of(qq.contacts())
        assert keys(rows) == {str(contact["EntityID"]) for contact in others.ask("qq_catalyst/state/contacts")}
        policies = await records_of(qq.policies())
        assert {policy.customer_id for policy in policies} <= keys(rows)
        infos = {key: found async for key, found in qq.account_infos(sorted(keys(rows)))}
        assert infos["9001"] is None
        stored = {str(info["CustomerID"]): info for info in others.ask("qq_catalyst/state/account_infos")}
        assert {key for key, found in infos.items() if found} == set(stored)
        for key, found in infos.items():
            if found:
                assert isinstance(found, SourceRecord)
                assert found.payload == {
                    name: value for name, value in stored[key].items() if name not in {"UserID", "UserPassword"}
                }
        assert qq.logins == 1
        assert not await records_of(qq.contacts(date(2100, 1, 1)))


async def test_qq_tokens_that_die_cost_one_new_one(others: Sandbox) -> None:
    async with open_qq_catalyst(qq_catalyst_at(others, max_concurrency=16)) as qq:
        rows = keys(await records_of(qq.contacts()))
        others.ask("qq_catalyst/faults", {"expire_tokens": True})
        assert len([info async for info in qq.account_infos(rows)]) == len(rows)
        assert qq.logins == 2
        assert others.ask("qq_catalyst/stats")["peak_in_flight"] <= 16


async def test_qq_refusals_say_what_to_do(others: Sandbox) -> None:
    async with open_qq_catalyst(qq_catalyst_at(others, grant_type="password_credentials")) as qq:
        with pytest.raises(ConfigError, match="grant_type"):
            await qq.ping()
    # A refused login is not tried again: once the settings are mended, a run opens a new connection.
    others.ask("qq_catalyst/faults", {"grant": "password_credentials"})
    async with open_qq_catalyst(qq_catalyst_at(others, grant_type="password_credentials")) as qq:
        await qq.ping()
        others.ask("qq_catalyst/faults", {"refused": True})
        with pytest.raises(PermanentError, match="grant the application"):
            await qq.ping()


async def test_mycase_reads_every_list_to_its_end(others: Sandbox, database: str) -> None:
    tokens = tokens_at(database)
    await grant(others, tokens)
    async with open_mycase(mycase_at(others), tokens) as mycase:
        since = datetime.now(UTC)
        for kind in ("clients", "companies", "cases", "staff"):
            pages = [page async for page in mycase.listing(kind)]
            records = [record for page in pages for record in page.records]
            assert keys(records) == {str(entry["id"]) for entry in others.ask(f"mycase/state/{kind}")}
            assert pages[0].total == len(records)
            assert not {"social_security_number", "custom_field_values", "notes"} & set(records[0].payload)
        key = next(record.entity_id for record in await records_of(mycase.listing("clients")))
        others.ask("mycase/edit", {"entity": "clients", "op": "update", "key": key, "fields": {"email": "n@e.com"}})
        assert keys(await records_of(mycase.listing("clients", since))) == {key}
        cases = {found async for _, found in _frozen(mycase.cases_of([key, "999999"]))}
        assert None in cases
        assert len(cases) == 2
        asked = [RecordKey("clients", key), RecordKey("cases", "999999")]
        read = {entry: record async for entry, record in mycase.records(asked)}
        assert read[asked[0]] is not None
        assert read[asked[1]] is None


async def _frozen(found: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[tuple[str, Any]]:
    async for key, records in found:
        yield key, None if records is None else frozenset(keys(records))


async def test_mycase_pages_follow_the_link(others: Sandbox, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ams_etl.sources.mycase.PAGE", 20)
    tokens = tokens_at(database)
    await grant(others, tokens, new_code(others))
    async with open_mycase(mycase_at(others), tokens) as mycase:
        pages = [page async for page in mycase.listing("cases")]
        assert len(pages) > 5
        assert len(keys([record for page in pages for record in page.records])) == pages[0].total


def new_code(others: Sandbox) -> str:
    asked = {
        "client_id": "etl",
        "redirect_uri": "https://etl.example.com/callback",
        "response_type": "code",
        "state": "s",
    }
    there = send(f"{others.url}/mycase/login_sessions/new", query=asked).headers["location"]
    return there.partition("code=")[2].partition("&")[0]


async def test_mycase_tokens_are_renewed_once_by_all_processes_together(
    others: Sandbox, database: str, connection: psycopg.Connection[Any]
) -> None:
    """The refresh token is good once: two that renew side by side would lock each other out."""
    await grant(others, tokens_at(database), new_code(others))
    before = _sealed(connection)
    async with (
        open_mycase(mycase_at(others), tokens_at(database)) as one,
        open_mycase(mycase_at(others), tokens_at(database)) as other,
    ):
        await asyncio.gather(*(records_of(client.listing("staff")) for client in (one, other)))
        assert _sealed(connection) == before
        others.ask("mycase/faults", {"expire_tokens": True})
        others.ask("mycase/reset-stats", {})
        await asyncio.gather(
            *(records_of(client.listing(kind)) for client in (one, other) for kind in ("staff", "clients", "companies"))
        )
        assert others.ask("mycase/stats")["calls"]["Token"] == 1
    after = _sealed(connection)
    assert after != before
    assert b"refresh" not in after


def _sealed(connection: psycopg.Connection[Any]) -> bytes:
    row = connection.execute("select sealed from ops.oauth_tokens").fetchone()
    assert row is not None
    return bytes(row[0])


async def test_mycase_without_a_grant_or_with_a_used_code_says_so(others: Sandbox, database: str) -> None:
    tokens = tokens_at(database, "new")
    async with open_mycase(mycase_at(others), tokens) as mycase:
        with pytest.raises(ConfigError, match="no access was granted yet"):
            await records_of(mycase.listing("staff"))
        assert "response_type=code" in mycase.authorize_url("abc")
        with pytest.raises(ConfigError, match="refuses the authorisation code"):
            await mycase.exchange("never given")
        await mycase.exchange(new_code(others))
        others.ask("mycase/faults", {"forbidden": True})
        with pytest.raises(PermanentError, match="firm's preferences"):
            await records_of(mycase.listing("staff"))


async def test_mycase_keeps_to_its_pace(others: Sandbox, database: str) -> None:
    tokens = tokens_at(database)
    await grant(others, tokens, new_code(others))
    others.ask("mycase/faults", {"calls_per_second": 25})
    async with open_mycase(mycase_at(others, calls_per_second=22.0), tokens) as mycase:
        clients = [str(client["id"]) for client in others.ask("mycase/state/clients")][:40]
        assert len([entry async for entry in mycase.cases_of(clients)]) == 40
        assert mycase.counts.retries == 0


async def test_mycase_gives_its_token_to_no_other_server(others: Sandbox, database: str) -> None:
    tokens = tokens_at(database)
    await grant(others, tokens, new_code(others))
    link = '<https://elsewhere.example.com/v1/cases?page_token=x>; rel="next"'
    async with scripted_server(answer(b"[]", Content_Type="application/json", Link=link)) as server:
        where = mycase_at(others, base=server.url)
        async with open_mycase(where, tokens) as mycase:
            with pytest.raises(PermanentError, match="outside"):
                await records_of(mycase.listing("cases"))


async def test_a_list_whose_pages_go_in_a_circle_ends(others: Sandbox, database: str) -> None:
    tokens = tokens_at(database)
    await grant(others, tokens, new_code(others))
    async with scripted_server(b"") as server:
        link = f'<{server.url}/cases?page_token=x>; rel="next"'
        server.answers = [answer(b"[]", Content_Type="application/json", Link=link)]
        async with open_mycase(mycase_at(others, base=server.url), tokens) as mycase:
            with pytest.raises(DataError, match="circle"):
                await records_of(mycase.listing("cases"))


async def test_a_server_that_cannot_be_reached_is_told() -> None:
    async with open_hawksoft(hawksoft_at(Sandbox("http://127.0.0.1:9", ""))) as hawksoft:
        with pytest.raises(TransientError, match="try again later"):
            await asyncio.wait_for(hawksoft.agencies(), timedelta(seconds=30).total_seconds())


_NAMES = (
    "ssn",
    "SSN",
    "taxId",
    "TaxID",
    "FEIN",
    "driversLicenseNumber",
    "DriversLicense",
    "UserPassword",
    "social_security_number",
)


@given(
    st.recursive(
        st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from((*_NAMES, "name", "lossnotice")), inner),
    )
)
def test_no_secret_gets_past_the_reader(document: Any) -> None:
    found = reader()(json.dumps(document).encode()).value

    def names(value: Any) -> Iterator[str]:
        for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from names(entry)
        yield from value if isinstance(value, dict) else ()

    assert set(names(found)) <= {"name", "lossnotice"}
    assert not is_secret("lossnotice")
