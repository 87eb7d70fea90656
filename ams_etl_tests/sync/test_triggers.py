"""Count the changes that a notification should have announced and did not, and nothing else."""

from datetime import date
from typing import Any

import psycopg
import pytest

from ams_etl.defs.due.requests import trigger_tags
from ams_etl.defs.resources import SyncScopeConfig
from ams_etl.errors import ConfigError, TransientError
from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.interpret import ams360 as ams360_interpreter
from ams_etl.sync.notifications.missed_changes import silence
from ams_etl.sync.runs import SyncRuns
from ams_etl.sync.scope import DEPRECATED_LANES, SyncScope
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sync.notifications import AGENCY, told
from ams_etl_tests.sync.source_history import refresh

DAILY = SyncScope(sweep=True, trigger="daily_sweep")
WEEKLY = SyncScope(trigger="weekly_resync")
TODAY = date(2026, 6, 1)


def changes(connection: psycopg.Connection[Any], trigger: str) -> dict[str, tuple[int, int, int, int]]:
    """Object type -> changed, missed, silent, overtaken of a trigger."""
    return {
        row[0]: row[1:]
        for row in connection.execute(
            "select object_type, changed, missed, silent, overtaken from ops.trigger_changes where trigger = %s",
            (trigger,),
        )
    }


def beneath(connection: psycopg.Connection[Any], table: str, not_of: tuple[str, ...] = ()) -> tuple[str, str]:
    row = connection.execute(
        f"select entity_id, customer_id from raw_ams360.{table} where customer_id <> all(%s) order by 1 limit 1",
        (list(not_of),),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_each_change_is_missed_silent_or_overtaken(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """Lost notifications, changes that AMS360 does not announce, and notifications that wait for their turn."""
    extract(connection, AGENCY, sandbox.connection(), SyncScope())
    assert changes(connection, "manual") != {}
    told(connection, "employee", EmployeeCode="ab1")
    policy, policy_of = beneath(connection, "policies")
    contact, contact_of = beneath(connection, "customer_contacts", (policy_of,))
    lost = next(key for key, _ in sandbox.ask("customers") if key not in (policy_of, contact_of))
    sandbox.edit("customers", "update", lost, City="Lostville")
    sandbox.edit("policies", "update", policy, PolicyNumber="WAITS-1")
    told(connection, "policy", PolicyId=policy, CustomerId=policy_of)
    sandbox.edit("customer_contacts", "update", contact, SortOrder=9)
    extract(connection, AGENCY, sandbox.connection(), WEEKLY)
    assert changes(connection, "weekly_resync") == {
        "customer": (1, 1, 0, 0),
        "customer_contact": (1, 0, 1, 0),
        "policy": (1, 0, 0, 1),
    }
    assert connection.execute("select object_type, entity_id, customer_id from ops.missed_changes").fetchall() == [
        ("customer", lost, lost)
    ]
    rate = connection.execute("select missed_rate from ops.freshness where object_type = 'customer'").fetchone()
    assert rate == (1,)


def test_where_nobody_tells_there_is_nothing_to_miss(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """An agency without notifications."""
    extract(connection, AGENCY, sandbox.connection(), SyncScope())
    sandbox.edit("customers", "update", sandbox.ask("customers")[0][0], City="Elsewhere")
    extract(connection, AGENCY, sandbox.connection(), WEEKLY)
    assert changes(connection, "weekly_resync")["customer"] == (1, 0, 0, 0)


def test_the_daily_sweep_reads_just_what_differs_in_the_list(
    connection: psycopg.Connection[Any], sandbox: Sandbox
) -> None:
    """One changed, one new and one gone are read, with the few that no prefix shows; a change of a policy is not seen."""
    first = extract(connection, AGENCY, sandbox.connection(), SyncScope())
    keys = [key for key, _ in sandbox.ask("customers")]
    record = sandbox.ask(f"state/customers/{keys[0]}")
    sandbox.edit("customers", "update", keys[1], City="Elsewhere")
    sandbox.edit("customers", "delete", keys[2])
    del record["CustomerId"], record["CustomerNumber"]
    new = sandbox.edit("customers", "insert", None, **record)
    report = extract(connection, AGENCY, sandbox.connection(), DAILY)
    assert report.customers_read == 3 + first.unlisted
    counts = report.tables["customers"]
    assert (counts.inserted, counts.updated, counts.deleted) == (1, 1, 1)
    live = {row[0] for row in connection.execute("select entity_id from raw_ams360.customers where deleted_at is null")}
    assert live == {*keys, new} - {keys[2]}
    again = extract(connection, AGENCY, sandbox.connection(), DAILY)
    assert again.customers_read == first.unlisted
    assert again.tables["customers"].changed == frozenset()


def test_a_sweep_that_was_cut_off_loses_no_change(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """Its list rows are stored already and will not differ again; its work list knows them."""
    extract(connection, AGENCY, sandbox.connection(), SyncScope())
    key = sandbox.ask("customers")[3][0]
    sandbox.edit("customers", "update", key, City="Elsewhere", Email="new@example.org")
    sandbox.ask("faults", {"unavailable_rate": 1.0, "only": ["CustomerGetById"]})
    with pytest.raises(TransientError):
        extract(connection, AGENCY, sandbox.connection(timeout_seconds=2), DAILY)
    sandbox.ask("faults", {"unavailable_rate": 0, "only": []})
    report = extract(connection, AGENCY, sandbox.connection(), DAILY)
    assert report.resumed
    row = connection.execute("select payload ->> 'Email' from raw_ams360.customers where entity_id = %s", (key,))
    assert row.fetchone() == ("new@example.org",)


def test_a_deleted_customer_comes_back_as_the_same_contact(
    connection: psycopg.Connection[Any], sandbox: Sandbox
) -> None:
    """The notification of the delete is confirmed by a read; the change feed has both."""
    extract(connection, AGENCY, sandbox.connection(), SyncScope())
    refresh(connection, RuleSettings(), TODAY)
    key, contact = connection.execute(
        """select customer_id, contact_id::text from mart.contact_sources s where entity = 'customer'
        and (select count(*) from mart.contact_sources o where o.contact_id = s.contact_id) = 1 order by 1 limit 1"""
    ).fetchone()  # type: ignore[misc]
    record = sandbox.ask(f"state/customers/{key}")
    sandbox.edit("customers", "delete", key)
    extract(connection, AGENCY, sandbox.connection(), SyncScope((key,), trigger="notification"))
    refresh(connection, RuleSettings(), TODAY)
    assert connection.execute("select 1 from mart.contacts where contact_id = %s", (contact,)).fetchone() is None
    sandbox.edit("customers", "insert", key, **record)
    extract(connection, AGENCY, sandbox.connection(), SyncScope((key,), trigger="notification"))
    refresh(connection, RuleSettings(), TODAY)
    ops = connection.execute("select op from mart.changes where entity_id = %s order by seq", (contact,)).fetchall()
    assert [op for (op,) in ops] == ["insert", "delete", "insert"]


def test_a_customer_that_the_rules_fail_on_holds_up_no_other(
    connection: psycopg.Connection[Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the contact it had, is reported without any value of its record, and is derived once the rules are mended."""
    extract(connection, AGENCY, sandbox.connection(), SyncScope())
    refresh(connection, RuleSettings(), TODAY)
    poison, other = connection.execute(
        "select customer_id from mart.contact_sources where entity = 'customer' order by 1 limit 2"
    ).fetchall()
    for (key,) in (poison, other):
        sandbox.edit("customers", "update", key, City="Newtown")
    extract(connection, AGENCY, sandbox.connection(), SyncScope((poison[0], other[0])))

    def failing(bundle: Any, *args: Any) -> Any:
        if bundle.customer.customer_id == poison[0]:
            raise ValueError("Jonathan Doe is not a number")
        return derive(bundle, *args)

    monkeypatch.setattr(ams360_interpreter, "derive", failing)
    refresh(connection, RuleSettings(), TODAY)

    def city(key: str) -> Any:
        return connection.execute(
            """select c.city from mart.contacts c join mart.contact_sources s using (contact_id)
            where s.entity = 'customer' and s.entity_id = %s""",
            (key,),
        ).fetchone()

    assert city(other[0]) == ("Newtown",)
    assert city(poison[0]) not in (None, ("Newtown",))
    told_of = connection.execute("select entity, entity_id, reason, detail from ops.quarantine").fetchall()
    assert [row[:3] for row in told_of] == [("derivation", poison[0], "the rules failed")]
    assert "ValueError in failing" in told_of[0][3]
    assert "Doe" not in told_of[0][3]
    monkeypatch.setattr(ams360_interpreter, "derive", derive)
    refresh(connection, RuleSettings(), TODAY)
    assert city(poison[0]) == ("Newtown",)
    assert connection.execute("select 1 from ops.quarantine").fetchone() is None


def test_silence_is_measured_by_the_agencys_own_habit(connection: psycopg.Connection[Any]) -> None:
    """A notification every two hours for three days, then nothing for four hours, is silence; for two it is not."""
    assert not silence(connection, AGENCY).is_too_long
    for hours, expected in ((2, False), (4, True)):
        connection.execute("delete from ops.notifications")
        connection.execute(
            """insert into ops.notifications (agency, received_at, state)
            select %s, now() - make_interval(hours => %s + 2 * n), 'ignored' from generate_series(0, 36) n""",
            (AGENCY, hours),
        )
        assert silence(connection, AGENCY).is_too_long is expected


def test_saved_queries_and_run_configurations_may_still_say_lane(connection: psycopg.Connection[Any]) -> None:
    """The deprecated names keep working: the view, the column, the run configuration, the run tag."""
    for lane, trigger in DEPRECATED_LANES.items():
        scope = SyncScopeConfig(lane=lane).scope()
        assert scope == SyncScopeConfig(trigger=trigger).scope() == SyncScope(trigger=trigger)
        assert trigger_tags(trigger) == {"ams_etl/trigger": trigger, "ams_etl/lane": lane}
        run = SyncRuns(connection, AGENCY).begin(scope.mode, scope.trigger, None, fresh=True)
        connection.execute(
            "insert into ops.trigger_changes values (%s, %s, 'customer', %s, now(), 1, 0, 0, 0)",
            (AGENCY, run.sync_id, run.trigger),
        )
    assert {lane for (lane,) in connection.execute("select lane from ops.sync_runs")} == set(DEPRECATED_LANES)
    assert {lane for (lane,) in connection.execute("select lane from ops.lane_changes")} == set(DEPRECATED_LANES)
    with pytest.raises(ConfigError, match="expected one of notifications, daily"):
        SyncScopeConfig(lane="yearly").scope()
