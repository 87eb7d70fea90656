"""The integration's scenarios, as its document describes them, with the real sandboxes, Postgres and, once, Dagster."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import yaml

from ams_etl.rules.accounts.plan_codes import CodeMapping, PlanMappings
from ams_etl.settings import load_agencies
from ams_etl.store.agency_db import with_values
from ams_etl.store.database import connect, dagster_url
from ams_etl.sync.accounts.quality import ACCOUNTED, SHARED_IDS, VALUES
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.scope import SyncScope
from ams_etl.writeback.benefit_plans.to_policies import enqueue_plans
from ams_etl.writeback.benefit_plans.waiting import missing_codes, settings_lines
from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint
from ams_etl.writeback.people.stuck_writes import replay
from ams_etl_tests.end_to_end.benefitpoint_agency import SETTINGS, TODAY, Agency, running_agency
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.writeback.working_agency import Office


@pytest.fixture
def agency(connection: psycopg.Connection[Any]) -> Iterator[Agency]:
    with running_agency(connection) as made:
        yield made


def test_the_same_account_will_have_both_ams360_synced_and_benefitpoint_synced_no_duplicates(agency: Agency) -> None:
    """1st scenario: saved in AMS360, then in BenefitPoint by searching for it."""
    customer_id = agency.new_customer()
    agency.hear_of(customer_id)
    [(account_id, *synced)] = agency.accounts_named("Nora Quist")
    assert synced == [True, False, customer_id, None]
    key = agency.new_account(customer_id)
    agency.daily_sync()
    assert agency.accounts_named("Nora Quist") == [(account_id, True, True, customer_id, key)]
    assert agency.rows(
        "select classification, account_type, office, department, email, city from mart.accounts where account_id = %s",
        account_id,
    ) == [("individual", "client", "Columbus", "11", "nora@example.org", "Tampa")]


def test_an_update_in_benefitpoint_will_stay_in_benefitpoint(agency: Agency) -> None:
    """Neither the account nor AMS360 sees it."""
    customer_id = agency.new_customer()
    key = agency.new_account(customer_id)
    agency.hear_of(customer_id)
    agency.daily_sync()
    before = agency.sandbox.ask(f"state/customers/{customer_id}")
    agency.sandbox.benefitpoint.edit(
        "accounts",
        "update",
        key,
        individualAccountInfo={"personInfo": {"lastName": "Quist-Berg"}, "email": "new@example.org"},
    )
    agency.daily_sync()
    assert agency.rows("select name, email from mart.accounts where benefitpoint_account_id = %s", key) == [
        ("Nora Quist", "nora@example.org")
    ]
    assert agency.sandbox.ask(f"state/customers/{customer_id}") == before
    assert agency.sandbox.ask("writes") == []


def test_an_account_created_within_benefitpoint_only_will_be_reflected_as_benefitpoint_synced(agency: Agency) -> None:
    """2nd scenario: there, 'Account present in AMS360' was answered with No; the primary contact is made, too."""
    key = agency.new_account()
    agency.daily_sync()
    [(_, *synced)] = agency.accounts_named("Nora Quist")
    assert synced == [False, True, None, key]
    assert agency.rows(
        "select first_name, last_name, is_primary from benefitpoint.contacts where account_id = %s", key
    ) == [("Nora", "Quist", True)]


def test_an_account_created_in_a_connected_benefitpoint_is_one_account_in_either_order(agency: Agency) -> None:
    """3rd scenario: it is created automatically in AMS360, and only the BenefitPoint ID is mapped to it."""
    agency.sandbox.benefitpoint.ask("connect", {"connected": True})
    for first in ("ams360", "benefitpoint"):
        key = agency.new_account(personInfo={"firstName": "Ida", "lastName": first})
        account = agency.sandbox.benefitpoint.ask(f"state/accounts/{key}")
        customer_id = account["individualAccountInfo"]["accountIntegrationInfo"]["amsCustomerId"]
        ids = set()
        for system in (first, "benefitpoint" if first == "ams360" else "ams360"):
            if system == "ams360":
                agency.hear_of(customer_id)
            else:
                agency.daily_sync()
            [found] = agency.accounts_named(f"Ida {first}")
            ids.add(found[0])
        assert found[1:] == (True, True, customer_id, key)
        assert ids == {found[0]}


def linked(agency: Agency) -> tuple[str, int]:
    """A customer and its BenefitPoint account."""
    customer_id = agency.new_customer()
    key = agency.new_account(customer_id)
    agency.hear_of(customer_id)
    agency.daily_sync()
    return customer_id, key


def new_plan(agency: Agency, account_id: int, **members: Any) -> int:
    """A plan, configured by carrier, type, name and so on."""
    given = {
        "productTypeID": 1, "name": "Medical PPO", "carrierID": 1, "officeID": 1, "productStatus": "Current",
        "effectiveAsOf": "2026-11-01T00:00:00.000Z", "renewalOn": "2099-11-01T00:00:00.000Z", "primarySalesLeadUserID": 1,
        "primaryServiceLeadUserID": 1, "totalEstimatedMonthlyPremium": 100.5, "policyNumber": "N 77-1", **members,
    }  # fmt: skip
    return agency.sandbox.benefitpoint.edit("products", "insert", accountID=account_id, **given)


def mappings(carriers: dict[Any, str], lines_of_business: dict[Any, str]) -> PlanMappings:
    return PlanMappings(CodeMapping.of(carriers), CodeMapping.of(lines_of_business))


CODES = mappings({"anthem": "ANT", 3: "DEL"}, {"medical ppo": "MED", 2: "DENT"})


@pytest.mark.parametrize("fault", [None, "lost", "unavailable"])
def test_the_policy_added_in_benefitpoint_will_also_be_added_in_ams360(agency: Agency, fault: str | None) -> None:
    """Once, whatever becomes of the reply, with its codes; and it is in the mart once, under the plan's id."""
    customer_id, key = linked(agency)
    # What was there from the beginning is not added.
    assert enqueue_plans(agency.connection, "demo", TODAY, CODES) == 0
    plan_id = new_plan(agency, key)
    agency.daily_sync()
    [(policy_id, origin)] = agency.rows(
        "select policy_id, origin from mart.policies where benefitpoint_plan_id = %s", plan_id
    )
    assert origin == "benefitpoint"
    assert enqueue_plans(agency.connection, "demo", TODAY, CODES) == 1
    assert enqueue_plans(agency.connection, "demo", TODAY, CODES) == 0
    if fault:
        agency.sandbox.faults(**{f"next_{fault}": 1, "only": ["PolicyInsert"]})
    Office(agency.connection, agency.sandbox, SETTINGS).drain()
    agency.sandbox.faults(off=True)
    [policy] = agency.sandbox.ask(f"state/policies?customer={customer_id}")
    assert (policy["PolicyNumber"], str(policy["FullTermPremium"])) == ("N 77-1", "1206.00")
    assert (policy["WritingCompanyCode"], policy["CompanyType"], int(policy["TypeOfBusiness"])) == ("ANT", "W", 3)
    assert [entry["PolicyLineOfBusiness"] for entry in policy["LineOfBusinessList"]["PolicyLineOfBusiness"]] == ["MED"]
    agency.hear_of(customer_id)
    agency.daily_sync()
    assert agency.rows(
        """select policy_id, origin, ams360_policy_id, benefitpoint_plan_id, policy_number, carrier, line_of_business
        from mart.policies join mart.accounts using (agency, account_id) where ams360_customer_id = %s""",
        customer_id,
    ) == [
        (policy_id, "benefitpoint", policy["PolicyId"], plan_id, "N 77-1", "Anthem", "Group Medical"),
    ]  # fmt: skip
    assert enqueue_plans(agency.connection, "demo", TODAY, CODES) == 0
    # Its holder is tagged by both.
    assert {("Anthem",), ("Group Medical",)} <= set(
        agency.rows(
            "select tag from mart.contact_tags join mart.contact_sources using (agency, contact_id) where entity_id = %s",
            customer_id,
        )
    )


def test_a_plan_without_a_code_waits_with_its_reason_until_the_settings_have_it(agency: Agency) -> None:
    """Then it is added, once; one that AMS360 refused is sent again as it would be today."""
    customer_id, key = linked(agency)
    plan_id = new_plan(agency, key, carrierID=3, productTypeID=2, name="Dental")
    cancelled = new_plan(agency, key, carrierID=7, policyNumber="N 2")
    agency.daily_sync()

    def waiting() -> list[tuple[Any, ...]]:
        return agency.rows("select benefitpoint_plan_id, waits_for, code from ops.waiting_plans order by 1, 2")

    assert enqueue_plans(agency.connection, "demo", TODAY, PlanMappings()) == 0
    assert waiting() == [
        (plan_id, "carrier", None), (plan_id, "line_of_business", None),
        (cancelled, "carrier", None), (cancelled, "line_of_business", None),
    ]  # fmt: skip
    assert yaml.safe_load(settings_lines(missing_codes(agency.connection, "demo"))) == {
        "carriers": {"Delta Dental": "DEL", "VSP": "VSP"}, "lines_of_business": {"Dental PPO": None, "Medical PPO": None},
    }  # fmt: skip
    [(since,)] = agency.rows("select min(since) from ops.waiting_plans where benefitpoint_plan_id = %s", plan_id)
    # A code that AMS360 does not list is not sent; what is over waits no more.
    wrong = mappings({"delta dental": "DEL"}, {"dental": "DNTL"})
    agency.sandbox.benefitpoint.edit("products", "update", cancelled, productStatus="Cancelled")
    agency.daily_sync()
    assert enqueue_plans(agency.connection, "demo", TODAY, wrong) == 0
    assert waiting() == [(plan_id, "line_of_business", "DNTL")]
    [one] = missing_codes(agency.connection, "demo")
    assert (one.plans, one.since, one.reason) == (
        1, since, "under benefitpoint.lines_of_business, product type 2 (Dental PPO) has the code 'DNTL', and AMS360 "
        "lists no such line of business",
    )  # fmt: skip
    assert agency.sandbox.ask("writes") == []
    assert enqueue_plans(agency.connection, "demo", TODAY, CODES) == 1
    assert waiting() == []
    # What AMS360 refuses is in the outbox and waits no more; sent again, it is as it would be today.
    agency.sandbox.faults(refuse=["PolicyInsert"])
    office = Office(agency.connection, agency.sandbox, SETTINGS)
    office.drain()
    agency.sandbox.faults(off=True, refuse=[])
    other = mappings({3: "GRD"}, {"dental": "DENT"})
    assert enqueue_plans(agency.connection, "demo", TODAY, other) == 0
    assert (office.outbox("status"), waiting()) == (["failed"], [])
    assert replay(agency.connection, SETTINGS, ZoneInfo("America/Chicago")) == 1
    office.drain()
    [policy] = agency.sandbox.ask(f"state/policies?customer={customer_id}")
    assert (policy["WritingCompanyCode"], policy["PolicyNumber"]) == ("GRD", "N 77-1")
    assert enqueue_plans(agency.connection, "demo", TODAY, PlanMappings()) == 0
    assert waiting() == []


def test_plans_of_one_contract_become_a_policy_each(agency: Agency) -> None:
    """One number and one first day, several lines; and a policy of AMS360's own of that number is one of them."""
    customer_id, key = linked(agency)
    own = agency.sandbox.edit(
        "policies", "insert", CustomerId=customer_id, PolicyNumber="N-771", PolicyEffectiveDate="2026-11-01T00:00:00",
        PolicyExpirationDate="2099-11-01T00:00:00", PolicyStatus="A", PolicySubType="P",
    )  # fmt: skip
    plans = [new_plan(agency, key, productTypeID=kind, carrierID=1 + 2 * (kind - 1)) for kind in (1, 2)]
    agency.daily_sync()
    assert enqueue_plans(agency.connection, "demo", TODAY, CODES) == 2
    agency.sandbox.faults(next_lost=1, only=["PolicyInsert"])
    Office(agency.connection, agency.sandbox, SETTINGS).drain()
    agency.sandbox.faults(off=True)
    made = {policy["PolicyId"]: policy for policy in agency.sandbox.ask(f"state/policies?customer={customer_id}")}
    assert len(made) == 2
    agency.hear_of(customer_id)
    agency.daily_sync()
    rows = agency.rows(
        """select benefitpoint_plan_id, ams360_policy_id from mart.policies join mart.accounts using (agency, account_id)
        where ams360_customer_id = %s order by 1""",
        customer_id,
    )
    assert [row[0] for row in rows] == plans
    assert (rows[0][1], {row[1] for row in rows}) == (own, set(made))


VALUES_GIVEN = {
    "first_name": "Odile",
    "last_name": "Brandt",
    "email": "odile@example.org",
    "city": "Boise",
    "state": "ID",
}


def deliver_all(agency: Agency) -> None:
    Office(agency.connection, agency.sandbox, SETTINGS).drain()
    drain_benefitpoint(agency.connection, SETTINGS, agency.sandbox.benefitpoint.connection(), linger_seconds=3.0)


def test_a_deleted_account_leaves_the_customer_and_the_other_way_round(agency: Agency) -> None:
    customer_id = agency.new_customer()
    key = agency.new_account(customer_id)
    agency.hear_of(customer_id)
    agency.daily_sync()
    agency.sandbox.benefitpoint.edit("accounts", "delete", key)
    agency.daily_sync()
    [(_, *synced)] = agency.accounts_named("Nora Quist")
    assert synced == [True, False, customer_id, None]
    again = agency.new_account(customer_id)
    agency.daily_sync()
    agency.sandbox.edit("customers", "delete", customer_id)
    agency.hear_of(customer_id)
    [(_, *synced)] = agency.accounts_named("Nora Quist")
    assert synced == [False, True, None, again]


def test_the_command_line_syncs_links_and_checks(tmp_path: Path, database: str) -> None:
    """BenefitPoint as a Dagster run with its checks, then a user's decision."""
    with running_sandbox(size=120, more=("--benefitpoint",)) as sandbox:
        shell = command_line(tmp_path, database, sandbox)
        with connect(database) as connection:
            extract(connection, "demo", sandbox.connection(), SyncScope())
        printed = shell.run("sync", "demo", "--benefitpoint")
        assert "AMS360 and BenefitPoint" in printed
        with connect(database) as connection:
            for query, column, good in (
                (SHARED_IDS, "accounts", 1),
                (ACCOUNTED, "accounts", 1),
                (VALUES, "is_ams360s", True),
            ):
                rows = connection.execute(
                    f"select {column} from ({with_values(query, agency='demo')}) found"
                ).fetchall()
                assert {row[0] for row in rows} == {good}
            [(customer_id, account_id)] = connection.execute(
                """select ams360_customer_id, benefitpoint_account_id from ops.account_links
                where state = 'suggested' and evidence = 'name' order by score desc, 2, 1 limit 1"""
            ).fetchall()
            assert str(account_id) in shell.run("links", "demo", "list", "--state", "suggested")
            assert "confirmed; accounts: 1 updated" in shell.run(
                "links", "demo", "confirm", customer_id, str(account_id)
            )
            linked = "select count(*) from mart.accounts where ams360_customer_id = %s and benefitpoint_account_id = %s"
            assert connection.execute(linked, (customer_id, account_id)).fetchone() == (1,)
            assert connection.execute(
                "select count(*) from mart.policies where origin = 'benefitpoint'"
            ).fetchone() != (0,)
            # Half of its accounts are gone: the brake asks a person.
            file = shell.home / "agencies.yaml"
            told = yaml.safe_load(file.read_text())
            told["agencies"][0]["brake"] = {"ignore_below": 0}
            file.write_text(yaml.safe_dump(told))
            keys = [account["accountID"] for account in sandbox.benefitpoint.rows("accounts")]
            synced = "select count(*) from mart.accounts where benefitpoint_synced"
            for key in keys[::2]:
                sandbox.benefitpoint.edit("accounts", "delete", key)
            stopped = shell.run("sync", "demo", "--benefitpoint", "--fresh", code=1)
            assert "the brake stopped the publish of accounts: BenefitPoint no longer has" in stopped
            assert connection.execute(synced).fetchone() == (len(keys),)
            shell.run("sync", "demo", "--apply", "accounts")
            assert connection.execute(synced).fetchone() == (len(keys) - len(keys[::2]),)
            # A check that cannot fail checks nothing.
            connection.execute(
                "update mart.accounts set city = 'Elsewhere' where ams360_synced and benefitpoint_synced"
            )
            rows = connection.execute(f"select is_ams360s from ({with_values(VALUES, agency='demo')}) found").fetchall()
            assert {row[0] for row in rows} == {False}
            connection.execute("delete from mart.accounts where benefitpoint_synced and not ams360_synced")
            rows = connection.execute(
                f"select accounts from ({with_values(ACCOUNTED, agency='demo')}) found"
            ).fetchall()
            assert 0 in {row[0] for row in rows}


def test_what_a_plan_waits_for_is_shown_with_the_lines_to_paste(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line, in the asset's metadata, and by a check that warns; with the lines pasted, it goes."""
    import dagster as dg

    with running_sandbox(size=40, more=("--benefitpoint",)) as sandbox, connect(database) as connection:
        shell = command_line(tmp_path, database, sandbox)
        extract(connection, "demo", sandbox.connection(), SyncScope())
        extract_reference(connection, "demo", sandbox.connection())
        extract_benefitpoint(connection, "demo", sandbox.benefitpoint.connection())
        agency = Agency(sandbox, connection)
        agency.publish()
        [(key,)] = agency.rows(
            "select benefitpoint_account_id from mart.accounts where ams360_synced and benefitpoint_synced limit 1"
        )
        new_plan(agency, key)
        assert "1 new plan waits for a code" in shell.run("sync", "demo", "--benefitpoint")
        printed = shell.run("links", "demo", "plans")
        assert "carrier 1 (Anthem) has no company of AMS360: say Anthem: CODE under benefitpoint.carriers" in printed
        lines = printed[printed.index("carriers:") : printed.index("\nThe next sync")]
        monkeypatch.setenv("AMS_ETL_DAGSTER_URL", dagster_url(database))
        check = dg.AssetCheckKey(dg.AssetKey(["mart", "policies"]), "no_plan_waits_for_a_code")
        with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
            [told] = instance.event_log_storage.get_asset_check_execution_history(check, limit=1)
            event = instance.get_latest_materialization_event(dg.AssetKey(["mart", "policies"]))
        evaluation = told.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
        metadata = event.asset_materialization.metadata  # type: ignore[union-attr]
        assert (metadata["plans_for_ams360"].value, metadata["plans_waiting"].value) == (0, 1)
        assert "carrier 1 (Anthem)" in str(metadata["plans_wait_for"].value)
        # A person pastes the lines and fills in what nothing was suggested for.
        path = tmp_path / "agencies.yaml"
        document = yaml.safe_load(path.read_text())
        document["agencies"][0]["benefitpoint"] |= yaml.safe_load(
            lines.replace('"Medical PPO": ', '"Medical PPO": MED')
        )
        path.write_text(yaml.safe_dump(document))
        printed = shell.run("doctor", "demo")
        assert "ok     codes of benefit plans: 1 carriers and 1 lines_of_business are mapped" in printed
        assert re.search(r"email\.inbound +E-mail In\n", printed)
        block = load_agencies(path).get("demo").benefitpoint
        assert block is not None
        assert enqueue_plans(connection, "demo", TODAY, block.plan_mappings) == 1
        assert shell.run("links", "demo", "plans") == "no plan waits\n"
        document["agencies"][0]["benefitpoint"]["carriers"] = {"Antem": "ANT", 2: "ant", 99: "ERI"}
        path.write_text(yaml.safe_dump(document))
        printed = shell.run("doctor", "demo", code=1)
        for mistake in (
            "carriers: BenefitPoint has no 'antem'", "carriers: BenefitPoint has no 99",
            "carriers: AMS360 lists no 'ant'", "carriers: AMS360 has put 'ERI' away as inactive",
        ):  # fmt: skip
            assert f"WRONG  benefitpoint.{mistake}" in printed
