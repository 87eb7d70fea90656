"""New plans in Postgres: whatever is mapped, added, edited and removed, and in whichever order, each goes once or waits."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ams_etl.rules.accounts.plan_codes import CodeMapping, PlanMappings
from ams_etl.store.database import connect
from ams_etl.store.merge import RawTable, Record, merge_records
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.writeback.benefit_plans.to_policies import enqueue_plans
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.rules.account_payloads import account_payload

AGENCY, TODAY, NOW = "demo", date(2026, 11, 21), datetime(2026, 11, 21, tzinfo=UTC)
ACCOUNTS, PLANS = RawTable("raw_benefitpoint", "accounts"), RawTable("raw_benefitpoint", "plans")
CODES = {"carriers": "companies", "product_types": "lines_of_business"}


@pytest.fixture(scope="module")
def warehouse(postgres_server: str, migrated_template: str) -> Iterator[psycopg.Connection[Any]]:
    with fresh_database(postgres_server, migrated_template) as url, connect(url) as connection:
        yield connection


class World:
    """Both systems as their raw tables show them, and what a model expects of them."""

    def __init__(self, connection: psycopg.Connection[Any], chance: random.Random) -> None:
        self.connection, self.chance = connection, chance
        self.plans: dict[int, dict[str, Any]] = {}
        self.live: dict[int, bool] = {}
        self.linked: dict[int, bool] = {}
        self.mapped: dict[str, dict[Any, str]] = {kind: {"anthem": "A", 2: "B"} for kind in CODES}
        self.listed: dict[str, set[str]] = {kind: set() for kind in CODES}
        self.delivered: set[int] = set()
        self.times = 0
        for table in (
            "raw_ams360.customers", "raw_ams360.policies", "raw_ams360.companies", "raw_ams360.lines_of_business",
            "raw_benefitpoint.accounts", "raw_benefitpoint.plans", "raw_benefitpoint.carriers",
            "raw_benefitpoint.product_types", "mart.accounts", "mart.policies", "mart.changes", "ops.account_links",
            "ops.plan_links", "ops.writebacks", "ops.waiting_plans", "stage.account_customers", "stage.account_touches",
        ):  # fmt: skip
            connection.execute(f"delete from {table}")
        for table, names in (
            ("carriers", {1: {"carrierName": "Anthem"}, 2: {"carrierName": "VSP"}}),
            ("product_types", {1: {"longDescription": "Anthem"}, 2: {"longDescription": "VSP"}}),
        ):
            for key, payload in names.items():
                self._merge(RawTable("raw_benefitpoint", table), str(key), None, payload)
        for key in (1, 2):
            row = {"CustomerId": f"c{key}", "CustomerNumber": key, "FirmName": "Nova"}
            self._merge(RawTable("raw_ams360", "customers"), f"c{key}", f"c{key}", row)
            self.link(key, yes=True)
        for kind in CODES:
            for code in ("A", "B"):
                self._list(kind, code, active=True)
        self.add(begun=True)
        self.times += 1

    def _merge(self, table: RawTable, key: str, owner: str | None, payload: dict[str, Any]) -> None:
        with self.connection.transaction():
            seen_at = NOW + timedelta(minutes=self.times)
            merge_records(self.connection, table, AGENCY, [Record(key, owner, payload)], seen_at=seen_at)

    def link(self, key: int, *, yes: bool) -> None:
        self.linked[key] = yes
        self._merge(ACCOUNTS, str(key), str(key), account_payload({"id": key, "ams_id": f"c{key}" if yes else None}))

    def add(self, *, begun: bool = False) -> None:
        key = len(self.plans) + 1
        self.plans[key] = {
            "productID": key, "accountID": self.chance.choice((1, 2)), "name": "PPO", "productStatus": "Current",
            "carrierID": self.chance.choice((None, 1, 1, 2, 2, 9)), "productTypeID": self.chance.choice((None, 1, 2, 2)),
            "effectiveAsOf": self.chance.choice((None, *("2026-02-01T00:00:00", "2026-03-01T00:00:00") * 3)),
            "begun": begun,
        }  # fmt: skip
        self.told(key)

    def told(self, key: int, **changed: Any) -> None:
        self.plans[key] |= changed
        self.live[key] = True
        self._merge(PLANS, str(key), str(self.plans[key]["accountID"]), dict(self.plans[key]))

    def edit(self) -> None:
        changes: list[dict[str, Any]] = [
            {"productStatus": "Cancelled"}, {"productStatus": "Current"}, {"carrierID": 1}, {"productTypeID": 2},
            {"effectiveAsOf": "2026-02-01T00:00:00"}, {"renewalOn": "2026-10-01T00:00:00"}, {"renewalOn": None},
            {"policyIntegrationInfo": {"amsPolicyID": "elsewhere"}}, {"policyIntegrationInfo": {}},
        ]  # fmt: skip
        self.told(self.chance.choice(list(self.plans)), **self.chance.choice(changes))

    def remove(self) -> None:
        key = self.chance.choice(list(self.plans))
        self.live[key] = False
        self.connection.execute(
            "update raw_benefitpoint.plans set deleted_at = now() where entity_id = %s", (str(key),)
        )

    def map(self) -> None:
        kind = self.chance.choice(list(CODES))
        key = self.chance.choice((1, 2, 9, "anthem", "VSP"))
        if self.chance.random() < 0.4:
            self.mapped[kind].pop(key, None)
        else:
            self.mapped[kind][key] = self.chance.choice(("A", "B", "C"))

    def list(self) -> None:
        self._list(
            self.chance.choice(list(CODES)), self.chance.choice(("A", "B", "C")), active=self.chance.random() < 0.7
        )

    def _list(self, kind: str, code: str, *, active: bool) -> None:
        (self.listed[kind].add if active else self.listed[kind].discard)(code)
        self._merge(RawTable("raw_ams360", CODES[kind]), code, None, {"IsInactive": not active, "Name": code})

    def deliver(self) -> None:
        """What a delivery and the next sync of AMS360 leave."""
        for writeback_id, customer_id, plan_id in self.connection.execute(
            "select writeback_id, customer_id, (request ->> 'plan_id')::int from ops.writebacks where status <> 'delivered'"
        ).fetchall():
            assert plan_id not in self.delivered
            self.delivered.add(plan_id)
            key = f"policy-of-{plan_id}"
            self._merge(
                RawTable("raw_ams360", "policies"), key, customer_id, {"PolicyId": key, "CustomerId": customer_id}
            )
            self.connection.execute(
                "update ops.writebacks set status = 'delivered' where writeback_id = %s", (writeback_id,)
            )
            self.connection.execute(
                """insert into ops.plan_links (agency, benefitpoint_plan_id, ams360_policy_id) values (%s, %s, %s)""",
                (AGENCY, plan_id, key),
            )

    def code_of(self, kind: str, key: int) -> str | None:
        """The code by the model: an id first, then the name."""
        name = {1: "anthem", 2: "VSP"}.get(key)
        found = self.mapped[kind].get(key) or self.mapped[kind].get(name)
        return found if found in self.listed[kind] else None

    def expected(self, key: int) -> set[str] | None:
        """What a plan waits for; None where it is not ours to add."""
        plan = self.plans[key]
        names_one = (plan.get("policyIntegrationInfo") or {}).get("amsPolicyID")
        ends = plan.get("renewalOn") or ("2027" if plan["effectiveAsOf"] else None)
        over = plan["productStatus"] == "Cancelled" or (ends is not None and ends <= str(TODAY))
        if plan["begun"] or not self.live[key] or not self.linked[plan["accountID"]] or names_one or over:
            return None
        missing = set() if plan["effectiveAsOf"] else {"effective_date"}
        for kind, member, waits_for in (
            ("carriers", "carrierID", "carrier"),
            ("product_types", "productTypeID", "line_of_business"),
        ):
            if plan[member] and self.code_of(kind, plan[member]) is None:
                missing.add(waits_for)
        return missing

    def sync(self) -> None:
        """Publish, enqueue, and compare with the model."""
        publish_accounts(self.connection, AGENCY)
        publish_policies(self.connection, AGENCY)
        mappings = PlanMappings(CodeMapping.of(self.mapped["carriers"]), CodeMapping.of(self.mapped["product_types"]))
        asked = "select (request ->> 'plan_id')::int from ops.writebacks"
        in_outbox = {row[0] for row in self.connection.execute(asked)}
        new = enqueue_plans(self.connection, AGENCY, TODAY, mappings)
        requests = self.connection.execute("select request from ops.writebacks").fetchall()
        written = Counter(request["plan_id"] for (request,) in requests)
        assert set(written.values()) <= {1}
        waiting: dict[int, set[str]] = {}
        for plan_id, waits_for, reason in self.connection.execute(
            "select benefitpoint_plan_id, waits_for, reason from ops.waiting_plans"
        ):
            assert reason
            waiting.setdefault(plan_id, set()).add(waits_for)
        for key in self.plans:
            expected = None if key in self.delivered else self.expected(key)
            assert waiting.get(key, set()) == (expected or set())
            assert (key in written) == (key in self.delivered or expected == set())
        assert new >= len(written.keys() - in_outbox)
        for (request,) in requests:
            if request["plan_id"] not in self.delivered:
                self._codes_are_the_settings(request["Policy"], self.plans[request["plan_id"]])

    def _codes_are_the_settings(self, policy: dict[str, Any], plan: dict[str, Any]) -> None:
        carrier, kind = plan["carrierID"], plan["productTypeID"]
        lines = [
            entry["PolicyLineOfBusiness"]
            for entry in policy.get("LineOfBusinessList", {}).get("PolicyLineOfBusiness", ())
        ]
        assert policy.get("WritingCompanyCode") == (self.code_of("carriers", carrier) if carrier else None)
        assert lines == ([self.code_of("product_types", kind)] if kind else [])


@settings(max_examples=int(os.environ.get("HISTORIES", "12")))
@given(st.randoms(use_true_random=False))
def test_each_new_plan_goes_once_or_waits_with_its_reason_or_is_not_ours(
    warehouse: psycopg.Connection[Any], chance: random.Random
) -> None:
    """B5: the database and a model of it agree after every run of a random history."""
    world = World(warehouse, chance)
    actions: dict[Callable[[], object], int] = {
        world.add: 4, world.edit: 4, world.remove: 1, world.map: 7, world.list: 5, world.deliver: 1, world.sync: 6,
        lambda: world.link(chance.choice((1, 2)), yes=chance.random() < 0.7): 1,
    }  # fmt: skip
    for world.times in range(1, 70):
        chance.choices(list(actions), list(actions.values()))[0]()
    world.sync()


def test_an_agency_without_benefitpoint_has_no_plan_that_waits(warehouse: psycopg.Connection[Any]) -> None:
    """Its block was taken out of the file: nothing is added, and nothing asks for settings."""
    world = World(warehouse, random.Random(1))
    world.add()
    world.told(2, carrierID=9)
    world.sync()
    assert warehouse.execute("select count(*) from ops.waiting_plans").fetchone() != (0,)
    assert enqueue_plans(warehouse, AGENCY, TODAY, None) == 0
    assert warehouse.execute("select count(*) from ops.waiting_plans").fetchone() == (0,)
