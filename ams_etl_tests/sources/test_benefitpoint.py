"""The BenefitPoint client against the sandbox, over HTTP, with what can go wrong switched on in turn."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ams_etl.errors import ConfigError, DataError, TransientError
from ams_etl.sources.benefitpoint.client import (
    BenefitPoint,
    BenefitPointRefused,
    WriteRefused,
    endpoint_of,
    open_benefitpoint,
)
from ams_etl.sources.calling.faults import ReplyLost
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.template import RequestTemplate
from ams_etl_tests.sandbox_process import BenefitPointSandbox, running_sandbox

WSDL = Path(__file__).parents[2] / "ams_etl" / "sandbox" / "benefitpoint" / "BrokerConnectV4.wsdl"


@pytest.fixture
def sandbox() -> Iterator[BenefitPointSandbox]:
    with running_sandbox(size=60, more=("--benefitpoint",)) as running:
        yield running.benefitpoint


@pytest.fixture(scope="module")
def shared() -> Iterator[BenefitPointSandbox]:
    with running_sandbox(size=200, more=("--benefitpoint",)) as running:
        yield running.benefitpoint


def group(**more: Any) -> dict[str, Any]:
    return {
        "accountClassification": "Group", "accountType": "Client", "officeID": 1, "administratorUserID": 1,
        "primaryContactUserID": 1, "groupAccountInfo": {"accountName": "Nova & Sons <Group>", "businessType": "LLC"},
        **more,
    }  # fmt: skip


async def everything(benefitpoint: BenefitPoint) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {"accounts": [], "contacts": [], "products": []}
    for row in (await benefitpoint.accounts()).records:
        account_id = row["accountID"]
        found["accounts"].append(await benefitpoint.account(account_id))
        found["contacts"] += (await benefitpoint.contacts(account_id)).records
        found["products"] += [
            await benefitpoint.product(product["productID"])
            for product in (await benefitpoint.products(account_id)).records
        ]
    for kind in ("users", "offices", "carriers", "product_types"):
        found[kind] = (await getattr(benefitpoint, kind)()).records
    return found


async def test_reads_give_every_record_as_json_without_secrets(shared: BenefitPointSandbox) -> None:
    async with open_benefitpoint(shared.connection()) as benefitpoint:
        found = await everything(benefitpoint)
    for kind, records in found.items():
        assert len(records) == len(shared.rows(kind)) > 0, kind
    stored = {account["accountID"]: account for account in shared.rows("accounts")}
    for account in found["accounts"]:
        there = stored[account["accountID"]]
        info = there.get("groupAccountInfo") or there.get("individualAccountInfo") or {}
        read = account["groupAccountInfo"] or account["individualAccountInfo"] or {}
        link = read.get("accountIntegrationInfo") or {}
        assert link.get("amsCustomerNumber") == (info.get("accountIntegrationInfo") or {}).get("amsCustomerNumber")
        assert link.get("amsCustomerId") == (info.get("accountIntegrationInfo") or {}).get("amsCustomerId")
    # Generated tax ids and social security numbers all begin with 9, as no real one does.
    secret = re.compile(r"9\d\d-\d\d-\d{4}")
    assert secret.search(json.dumps([shared.rows("accounts"), shared.rows("users")]))
    assert not secret.search(json.dumps(found))
    assert all(None not in contact["contact"]["phones"] for contact in found["contacts"])


async def test_criteria_are_sent(shared: BenefitPointSandbox) -> None:
    async with open_benefitpoint(shared.connection()) as benefitpoint:
        everyone = (await benefitpoint.accounts()).records
        assert [record["accountName"] for record in (await benefitpoint.accounts(name="prairie")).records] == [
            "Prairie Employers Pool"
        ]
        inactive = (await benefitpoint.accounts(active=False)).records
        assert 0 < len(inactive) < len(everyone)
        assert not any(entry["active"] for entry in inactive)


def test_a_fast_request_is_zeeps_request() -> None:
    from lxml import etree

    contract = Contract(str(WSDL), cache_folder=None)
    arguments = {"criteria": {"accountNameMatch": "A & <b>", "accountTypes": ["Client", "Other"], "active": True}}
    made = etree.fromstring(RequestTemplate(contract, "findAccounts").render(arguments))
    wanted = etree.fromstring(contract.message("findAccounts", arguments))

    def told(root: Any) -> list[tuple[str, str | None]]:
        return [(entry.tag, entry.text) for entry in root.find("{*}Body").iter()]

    assert told(made) == told(wanted)
    with pytest.raises(DataError, match="no member colour"):
        RequestTemplate(contract, "findAccounts").render({"criteria": {"colour": "red"}})


async def test_a_dead_session_is_renewed_once_for_many_calls(sandbox: BenefitPointSandbox) -> None:
    async with open_benefitpoint(sandbox.connection(max_concurrency=8)) as benefitpoint:
        rows = (await benefitpoint.accounts()).records
        sandbox.faults(expire_sessions=True)
        read = await asyncio.gather(*(benefitpoint.account(row["accountID"]) for row in rows))
        assert [account["accountID"] for account in read] == [row["accountID"] for row in rows]
        assert benefitpoint.counts.logins == 2
    assert sandbox.ask("stats")["calls"]["logout"] == 1


async def test_a_fault_about_a_record_does_not_cost_a_login(sandbox: BenefitPointSandbox) -> None:
    async with open_benefitpoint(sandbox.connection()) as benefitpoint:
        with pytest.raises(BenefitPointRefused, match="not authorized"):
            await benefitpoint.account(1)
        assert benefitpoint.counts.logins == 1


async def test_sessions_that_always_die_end_in_an_error(sandbox: BenefitPointSandbox) -> None:
    sandbox.faults(session_calls=0)
    async with open_benefitpoint(sandbox.connection()) as benefitpoint:
        with pytest.raises(Exception, match="used elsewhere"):
            await benefitpoint.offices()


async def test_a_wrong_password_says_what_to_set(shared: BenefitPointSandbox) -> None:
    async with open_benefitpoint(shared.connection(password="wrong")) as benefitpoint:
        with pytest.raises(ConfigError, match=r"benefitpoint\.password_env") as raised:
            await benefitpoint.offices()
    assert "wrong" not in str(raised.value)


async def test_faults_of_the_way_are_overcome(sandbox: BenefitPointSandbox) -> None:
    sandbox.faults(unavailable_rate=0.1, drop_rate=0.1, cut_rate=0.1, seed=4)
    async with open_benefitpoint(sandbox.connection()) as benefitpoint:
        found = await everything(benefitpoint)
        assert benefitpoint.counts.retries > 0
    assert len(found["accounts"]) == len(sandbox.rows("accounts"))


async def test_writes_are_carried_out_once(sandbox: BenefitPointSandbox) -> None:
    async with open_benefitpoint(sandbox.connection()) as benefitpoint:
        key = await benefitpoint.create_account(group())
        stored = sandbox.ask(f"state/accounts/{key}")
        assert stored["groupAccountInfo"]["accountName"] == "Nova & Sons <Group>"
        person: dict[str, Any] = {"firstName": "Ida", "lastName": "Bo", "phones": []}
        contact = {"contact": person, "accountID": key, "primary": True}
        contact_id = await benefitpoint.create_contact(contact)
        changed = {**contact, "contact": {**person, "contactID": contact_id, "email": "ida@example.org"}}
        assert await benefitpoint.update_contact(changed) == contact_id
        assert sandbox.ask(f"state/contacts/{contact_id}")["contact"]["email"] == "ida@example.org"
        product = {
            "accountID": key, "productTypeID": 1, "name": "PPO", "carrierID": 1, "officeID": 1,
            "primarySalesLeadUserID": 1, "primaryServiceLeadUserID": 1, "continousPolicy": True,
        }  # fmt: skip
        made = await benefitpoint.create_product(product)
        assert sandbox.ask(f"state/products/{made}")["continousPolicy"] is True
        before = len(sandbox.rows("accounts"))
        sandbox.faults(next_lost=1, only=["createAccount"])
        with pytest.raises(ReplyLost):
            await benefitpoint.create_account(group())
        assert len(sandbox.rows("accounts")) == before + 1
        sandbox.faults(off=True, next_unavailable=1, only=["createAccount"])
        with pytest.raises(TransientError):
            await benefitpoint.create_account(group())
        assert len(sandbox.rows("accounts")) == before + 1


async def test_an_update_keeps_what_we_never_see(sandbox: BenefitPointSandbox) -> None:
    """UpdateAccount replaces the record, so the tax id must go back with it."""
    row = next(account for account in sandbox.rows("accounts") if account["accountClassification"] == "Group")
    async with open_benefitpoint(sandbox.connection()) as benefitpoint:
        whole = await benefitpoint.account_to_change(row["accountID"])
        await benefitpoint.update_account({**whole, "notes": "looked at"})
    after = sandbox.ask(f"state/accounts/{row['accountID']}")
    assert after["notes"] == "looked at"
    told = after["groupAccountInfo"]["commonGroupAccountInfo"]["taxpayerID"]
    assert told == row["groupAccountInfo"]["commonGroupAccountInfo"]["taxpayerID"]


async def test_a_refused_write_tells_code_and_message(sandbox: BenefitPointSandbox) -> None:
    async with open_benefitpoint(sandbox.connection()) as benefitpoint:
        with pytest.raises(WriteRefused, match="Validation_Error: officeID is not an office") as raised:
            await benefitpoint.create_account(group(officeID=77))
        assert [error.code for error in raised.value.errors] == ["Validation_Error"]
        with pytest.raises(DataError, match="does not fit the contract"):
            await benefitpoint.create_account({"accountType": "Client"})


async def test_changes_tell_edits_and_deletions_since_a_moment(sandbox: BenefitPointSandbox) -> None:
    rows = sandbox.rows("accounts")
    async with open_benefitpoint(sandbox.connection()) as benefitpoint:
        first = await benefitpoint.changes(datetime.now(UTC) - timedelta(hours=1))
        sandbox.edit("accounts", "update", rows[0]["accountID"], notes="new")
        sandbox.edit("accounts", "delete", rows[1]["accountID"])
        changes = await benefitpoint.changes(first.asked_at.replace(microsecond=0))
        assert rows[0]["accountID"] in changes.modified["Account"]
        assert changes.deleted["Account"] == {rows[1]["accountID"]}
        assert changes.asked_at >= first.asked_at
        with pytest.raises(ValueError, match="30 days"):
            await benefitpoint.changes(datetime.now(UTC) - timedelta(days=31))


def test_the_endpoint_lies_beside_the_wsdl() -> None:
    base = "https://www1.benefitpoint.com/aptusConnect"
    assert endpoint_of(f"{base}/BrokerConnectV4.wsdl") == f"{base}/services/BrokerConnectV4SOAP"
    assert endpoint_of(f"{base}/services/BrokerConnectV4SOAP?wsdl") == f"{base}/services/BrokerConnectV4SOAP"
