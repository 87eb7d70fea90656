"""Answers with one thing changed, of every source: right values, rejected rows, or errors; nothing is lost silently.

`AMS_ETL_MUTATIONS=10000` makes the long run.
"""

import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ams_etl.sources.ams360 import SECRETS as AMS360_SECRETS
from ams_etl.sources.ams360 import open_ams360
from ams_etl.sources.benefitpoint.client import SECRETS as BENEFITPOINT_SECRETS
from ams_etl.sources.benefitpoint.client import open_benefitpoint
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.decoder import Decoder
from ams_etl.sources.soap.transport import SoapTransport
from ams_etl_tests.sandbox.rest import OTHERS
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sources.mutated_json import JSON_SOURCES, JsonSource
from ams_etl_tests.sources.mutated_xml import Listed, check, mutate
from ams_etl_tests.sources.outlines import WSDLS

COUNT = int(os.environ.get("AMS_ETL_MUTATIONS", "300"))


@pytest.fixture(scope="module")
def agency() -> Iterator[Sandbox]:
    with running_sandbox(size=12, more=("--benefitpoint", *OTHERS)) as running:
        yield running


@asynccontextmanager
async def recorded(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, bytes]]:
    """Keep the body of each operation's last answer."""
    bodies: dict[str, bytes] = {}
    post = SoapTransport.post

    async def keep(self: SoapTransport, operation: str, *arguments: Any, **more: Any) -> Any:
        reply = await post(self, operation, *arguments, **more)
        bodies[operation] = reply.body
        return reply

    with monkeypatch.context() as patched:
        patched.setattr(SoapTransport, "post", keep)
        yield bodies


async def ams360_answers(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[Listed]:
    async with recorded(monkeypatch) as bodies, open_ams360(sandbox.connection()) as ams360:
        customers = [key for key, _ in sandbox.ask("customers")]
        policies = sandbox.ask("state/policies")
        await ams360.customers_by_prefix(sandbox.ask(f"state/customers/{customers[0]}")["LastName"][:1])
        await ams360.employees()
        await ams360.policies(policies[0]["CustomerId"])
        await ams360.customer_contacts(sandbox.ask("state/customer_contacts")[0]["CustomerId"])
    return [
        Listed("CustomerGetListByNamePrefix", bodies["CustomerGetListByNamePrefix"], "CustomerInfoList", "CustomerId"),
        Listed("EmployeeGetListAll", bodies["EmployeeGetListAll"], "EmployeeInfoList", "EmployeeCode"),
        Listed("PolicyGetListByCustomerId", bodies["PolicyGetListByCustomerId"], "PolicyInfoList", "PolicyId"),
        Listed("CustomerContactGetList", bodies["CustomerContactGetList"], "CustomerContactList", "CustomerContactId"),
    ]


async def benefitpoint_answers(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[Listed]:
    beside = sandbox.benefitpoint
    async with recorded(monkeypatch) as bodies, open_benefitpoint(beside.connection()) as benefitpoint:
        await benefitpoint.accounts()
        await benefitpoint.offices()
        await benefitpoint.products(beside.rows("products")[0]["accountID"])
    return [
        Listed("findAccounts", bodies["findAccounts"], "result", "accountID"),
        Listed("findOffices", bodies["findOffices"], "offices", "officeID"),
        Listed("findProducts", bodies["findProducts"], "summaries", "productID"),
    ]


@pytest.mark.parametrize("system", ["ams360", "benefitpoint"])
async def test_a_mutated_soap_answer_loses_nothing_silently(
    agency: Sandbox, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ams360_answers if system == "ams360" else benefitpoint_answers
    listed = await answers(agency, monkeypatch)
    secrets = AMS360_SECRETS if system == "ams360" else BENEFITPOINT_SECRETS
    decoder = Decoder(Contract(str(WSDLS[system]), cache_folder=None), drop=secrets)
    outcomes: Counter[str] = Counter()
    for number in range(COUNT):
        chance = random.Random(f"{system}:{number}")
        chosen = chance.choice(listed)
        outcomes[check(chosen, decoder, mutate(chance, chosen))] += 1
    assert set(outcomes) == {"read", "rejected", "error"}, outcomes


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("source", JSON_SOURCES, ids=lambda source: source.system)
async def test_a_mutated_json_answer_loses_nothing_silently(agency: Sandbox, source: JsonSource) -> None:
    rows = source.rows(agency)
    assert len(rows) > 3
    outcomes: Counter[str] = Counter()
    async with source.opened() as read:
        for number in range(COUNT):
            outcomes[await source.check(random.Random(f"{source.system}:{number}"), rows, read)] += 1
    assert set(outcomes) == {"read", "rejected", "error"}, outcomes
