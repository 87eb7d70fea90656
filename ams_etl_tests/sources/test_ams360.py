"""The AMS360 client against the sandbox, over HTTP, with everything that can go wrong switched on in turn."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from ams_etl.errors import ConfigError, DataError, PermanentError, TransientError
from ams_etl.sources.ams360 import Ams360, Ams360Connection, Ams360Refused, open_ams360
from ams_etl.sources.calling.event_loop import run
from ams_etl.sources.calling.faults import BusinessFault, ReplyLost
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sources.conftest import WSDL
from ams_etl_tests.sources.scripted_server import answer, scripted_server

NOBODY = "00000000-0000-0000-0000-000000000000"


def customer_ids(sandbox: Sandbox) -> list[str]:
    return [key for key, _ in sandbox.ask("customers")]


async def read_everything(ams360: Ams360, customer_id: str) -> list[object]:
    customer = await ams360.customer(customer_id)
    contacts, dependents, policies = await asyncio.gather(
        ams360.customer_contacts(customer_id), ams360.customer_dependents(customer_id), ams360.policies(customer_id)
    )
    details = await asyncio.gather(*(ams360.policy(row["PolicyId"]) for row in policies.records))
    return [customer, contacts.records, dependents.records, policies.records, details]


async def test_reads_give_the_records_of_the_agency(shared_sandbox: Sandbox) -> None:
    async with open_ams360(shared_sandbox.connection()) as ams360:
        state = {row["CustomerId"]: row for row in shared_sandbox.ask("state/customers")}
        for customer_id, stored in state.items():
            customer = await ams360.customer(customer_id)
            assert customer["LastName"] == (stored.get("LastName") or None)
            assert customer["CustomerNumber"] == stored["CustomerNumber"]
            assert "FederalTaxIdNumber" not in customer
        for kind, member in (("customer_contacts", "CustomerContactId"), ("customer_dependents", "DependentId")):
            stored_ids = {row[member] for row in shared_sandbox.ask(f"state/{kind}")}
            listings = [await getattr(ams360, kind)(customer_id) for customer_id in state]
            assert {row[member] for listing in listings for row in listing.records} == stored_ids


async def test_reference_reads_give_lists(shared_sandbox: Sandbox) -> None:
    async with open_ams360(shared_sandbox.connection()) as ams360:
        for listing in (
            await ams360.employees(), await ams360.companies(), await ams360.lines_of_business(),
            *[await ams360.business_units(kind) for kind in ("division", "branch", "department", "group")],
        ):  # fmt: skip
            assert listing.records
            assert listing.rejected == []


async def test_everything_is_json_and_holds_no_secret(shared_sandbox: Sandbox) -> None:
    import json

    async with open_ams360(shared_sandbox.connection()) as ams360:
        told = json.dumps([await read_everything(ams360, entry) for entry in customer_ids(shared_sandbox)])
    for secret in ("FederalTaxIdNumber", "SSN", "DriversLicense"):
        assert secret not in told


async def test_what_is_gone_is_refused_with_its_fault(shared_sandbox: Sandbox) -> None:
    async with open_ams360(shared_sandbox.connection()) as ams360:
        with pytest.raises(Ams360Refused) as caught:
            await ams360.customer(NOBODY)
        assert isinstance(caught.value, DataError)
        assert caught.value.fault is not None
        assert caught.value.fault.details[0].data_name == "CustomerId"
        assert NOBODY in str(caught.value)
        with pytest.raises(Ams360Refused):
            await ams360.policy(NOBODY)


async def test_a_dead_ticket_under_load_costs_one_login() -> None:
    with running_sandbox(size=40) as sandbox:
        ids = customer_ids(sandbox)
        async with open_ams360(sandbox.connection(max_concurrency=16)) as ams360:
            before = await asyncio.gather(*(read_everything(ams360, key) for key in ids))
            sandbox.ask("reset-stats", {})
            sandbox.ask("faults", {"expire_tickets": True})
            after = await asyncio.gather(*(read_everything(ams360, key) for key in ids))
            assert after == before
            assert sandbox.ask("stats")["logins"] == 1
            assert ams360.counts.logins == 2


async def test_tickets_that_die_again_and_again_are_no_denied_right() -> None:
    with running_sandbox(size=20) as sandbox:
        sandbox.ask("faults", {"ticket_calls": 9})
        async with open_ams360(sandbox.connection(max_concurrency=4)) as ams360:
            await asyncio.gather(*(read_everything(ams360, entry) for entry in customer_ids(sandbox)))
            assert ams360.counts.logins > 5


async def test_reads_survive_what_passes() -> None:
    with running_sandbox(size=15) as sandbox:
        ids = customer_ids(sandbox)
        async with open_ams360(sandbox.connection()) as ams360:
            undisturbed = [await read_everything(ams360, key) for key in ids]
            sandbox.ask("faults", {"unavailable_rate": 0.1, "drop_rate": 0.05, "next_cut": 5})
            assert await asyncio.gather(*(read_everything(ams360, key) for key in ids)) == undisturbed
            assert ams360.counts.retries > 5


async def test_as_many_calls_in_flight_as_set_and_never_more() -> None:
    with running_sandbox(size=120) as sandbox:
        ids = customer_ids(sandbox)[:100]
        async with open_ams360(sandbox.connection(max_concurrency=16)) as ams360:
            await ams360.read("AgencyInfoGet")
            sandbox.ask("faults", {"latency_ms": 50})
            sandbox.ask("reset-stats", {})
            await asyncio.gather(*(read_everything(ams360, key) for key in ids))
            assert sandbox.ask("stats")["peak_in_flight"] == ams360.counts.peak_in_flight == 16


async def test_a_denied_right_says_which(caplog: pytest.LogCaptureFixture) -> None:
    with running_sandbox(size=5) as sandbox, caplog.at_level(logging.DEBUG):
        sandbox.ask("faults", {"denied": ["PolicyGet"]})
        async with open_ams360(sandbox.connection()) as ams360:
            with pytest.raises(PermanentError, match=r"refuses PolicyGet although the login works.*Web Service API"):
                await ams360.policy(NOBODY)
            assert ams360.counts.logins == 2
            assert len((await ams360.employees()).records) > 0
        assert "sandbox" not in "".join(record.getMessage() for record in caplog.records if "ams_etl" in record.name)


async def test_a_wrong_password_says_what_to_check(shared_sandbox: Sandbox) -> None:
    async with open_ams360(shared_sandbox.connection(password="not-the-one")) as ams360:
        with pytest.raises(ConfigError, match=r"login 'etl' of agency 5551234-1.*password_env") as caught:
            await ams360.employees()
    assert "not-the-one" not in str(caught.value)
    assert "not-the-one" not in repr(shared_sandbox.connection(password="not-the-one"))


async def test_probes_find_what_is_denied_and_compare_clocks() -> None:
    with running_sandbox(size=5) as sandbox:
        sandbox.ask("faults", {"denied": ["PolicyGet", "CustomerDependentGetList"]})
        async with open_ams360(sandbox.connection()) as ams360:
            probes = {probe.operation: probe for probe in await ams360.probe()}
    assert {name for name, probe in probes.items() if not probe.ok} == {"PolicyGet", "CustomerDependentGetList"}
    assert probes["clock"].ok
    assert probes["clock"].message.startswith("our clock is")


async def test_a_write_is_carried_out_once() -> None:
    with running_sandbox(size=5) as sandbox:
        customer_id = customer_ids(sandbox)[0]
        note = {"CustomerId": customer_id, "NoteText": "Hello <&> ünïcode", "Priority": "N"}
        async with open_ams360(sandbox.connection()) as ams360:
            decoded = await ams360.write("CustomerNoteInsert", CustomerNote=note)
            assert decoded.value is not None
            assert decoded.value["NoteId"]
            sandbox.ask("faults", {"expire_tickets": True})
            await ams360.write("CustomerNoteInsert", CustomerNote=note)
            assert ams360.counts.by_operation["CustomerNoteInsert"] == 3


async def test_a_write_without_an_answer_is_never_repeated() -> None:
    with running_sandbox(size=5) as sandbox:
        note = {"CustomerId": customer_ids(sandbox)[0], "NoteText": "n", "Priority": "N"}
        async with open_ams360(sandbox.connection()) as ams360:
            await ams360.read("AgencyInfoGet")
            for fault in ({"next_drop": 1}, {"next_cut": 1}):
                sandbox.ask("faults", fault)
                before = ams360.counts.by_operation["CustomerNoteInsert"]
                with pytest.raises(ReplyLost, match="may have been carried out"):
                    await ams360.write("CustomerNoteInsert", CustomerNote=note)
                assert ams360.counts.by_operation["CustomerNoteInsert"] == before + 1
            sandbox.ask("faults", {"next_unavailable": 1})
            with pytest.raises(TransientError, match="503") as caught:
                await ams360.write("CustomerNoteInsert", CustomerNote=note)
            assert not isinstance(caught.value, ReplyLost)


async def test_a_customer_to_change_is_whole(shared_sandbox: Sandbox) -> None:
    """CustomerUpdate clears what it is not given."""
    async with open_ams360(shared_sandbox.connection()) as ams360:
        whole = await ams360.customer_to_change(customer_ids(shared_sandbox)[0])
        assert "FederalTaxIdNumber" in whole


async def test_a_login_without_a_ticket_is_told() -> None:
    page = answer(b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><x/></s:Body></s:Envelope>')
    async with scripted_server(answer(WSDL.read_bytes()), page) as server, _open(server.url) as ams360:
        with pytest.raises(ConfigError, match="no WSAPISession/Ticket"):
            await ams360.employees()


def _open(url: str, **more: Any) -> AbstractAsyncContextManager[Ams360]:
    return open_ams360(Ams360Connection(f"{url}?wsdl", "5551234-1", "etl", "p", timeout_seconds=5, **more))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (answer(b"<html><body>Sign in</body></html>"), "not a WSDL"),
        (answer(b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>'), "no SOAP binding"),
        (answer(b"<definitions"), "not a WSDL"),
        (answer(b"", "404 Not Found"), "answers 404"),
    ],
)
async def test_a_wrong_wsdl_is_told_and_not_remembered(said: bytes, told: str, tmp_path: Path) -> None:
    async with scripted_server(said) as server:
        with pytest.raises(ConfigError, match=told) as caught:
            async with _open(server.url, cache_folder=tmp_path):
                pass
        assert server.url in str(caught.value)
        server.answers = [answer(WSDL.read_bytes())]
        if b"binding" not in told.encode():
            async with _open(server.url, cache_folder=tmp_path):
                pass


async def test_the_wsdl_is_fetched_once_a_day(tmp_path: Path) -> None:
    async with scripted_server(answer(WSDL.read_bytes())) as server:
        for _ in range(3):
            async with _open(server.url, cache_folder=tmp_path):
                pass
        assert len(server.requests) == 1


async def test_a_server_that_cannot_be_reached_is_told() -> None:
    with pytest.raises(TransientError, match=r"http://127\.0\.0\.1:9/service\?wsdl: no answer.*check the address"):
        async with _open("http://127.0.0.1:9/service"):
            pass


def test_it_works_for_callers_without_a_loop(shared_sandbox: Sandbox) -> None:
    async def count() -> int:
        async with open_ams360(shared_sandbox.connection()) as ams360:
            return len((await ams360.employees()).records)

    assert run(count()) > 0


async def test_a_business_fault_of_a_list_is_not_hidden(shared_sandbox: Sandbox) -> None:
    async with open_ams360(shared_sandbox.connection()) as ams360:
        with pytest.raises(BusinessFault):
            await ams360.customers_by_prefix("")


def test_half_a_written_answer_is_a_lost_reply() -> None:
    """The request was read whole, so the server may have done it."""

    async def write() -> None:
        ticket = (
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><WSAPISession '
            b'xmlns="http://www.WSAPI.AMS360.com/v3.0"><Ticket>t</Ticket></WSAPISession></s:Header><s:Body><x/></s:Body></s:Envelope>'
        )
        async with (
            scripted_server(answer(WSDL.read_bytes()), answer(ticket), answer(b"<s:Envelope")) as server,
            _open(server.url) as ams360,
        ):
            await ams360.write("CustomerNoteInsert", CustomerNote={"NoteText": "n"})

    with pytest.raises(ReplyLost):
        run(write())
