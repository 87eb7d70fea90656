"""Yesterday's truth: the mart at an earlier moment, from the change feed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import RetentionSettings
from ams_etl.store.maintenance.retention import prune
from ams_etl.sync.contacts.history import changes_of_contact, contact_as_of, since_when
from ams_etl.sync.contacts.why import contacts_meant
from ams_etl_tests.sync.source_history import AGENCY, Source, customer, policy, refresh, store_reference

_FUNCTIONS = ("contacts", "contact_tags", "key_facts", "connections", "contact_emails", "contact_phones")
_SETTINGS = RuleSettings()


@pytest.fixture
def life(connection: psycopg.Connection[Any]) -> list[datetime]:
    """Three publishes: two contacts, then one renamed with another policy, then the other gone; a moment after each."""
    source = Source()
    store_reference(connection)
    moments = []
    source.put(customer(1, FirstName="Ann", LastName="Doe", Email="ann@example.com", IsActive=True))
    source.put(customer(2, FirstName="Bob", LastName="Roe", Email="bob@example.com", IsActive=True))
    source.put(policy(1, 1, PolicyExpirationDate="2026-08-01T00:00:00"))

    def publish() -> None:
        source.store(connection, [1, 2])
        refresh(connection, _SETTINGS, date(2026, 6, 1))
        ((moment,),) = connection.execute("select clock_timestamp()").fetchall()
        moments.append(moment)

    publish()
    source.put(customer(1, FirstName="Anna", LastName="Doe", Email="ann@example.com", IsActive=True))
    source.put(policy(2, 1, PolicyExpirationDate="2026-09-01T00:00:00"))
    publish()
    source.customers.pop(2)
    publish()
    return moments


def _names(connection: psycopg.Connection[Any], moment: datetime) -> set[str]:
    rows = connection.execute("select first_name from mart.contacts_as_of(%s, %s)", (AGENCY, moment)).fetchall()
    return {row[0] for row in rows}


def test_each_moment_has_its_own_truth(connection: psycopg.Connection[Any], life: list[datetime]) -> None:
    assert [_names(connection, moment) for moment in life] == [{"Ann", "Bob"}, {"Anna", "Bob"}, {"Anna"}]
    assert _names(connection, life[0] - timedelta(days=1)) == set()
    facts = "select count(*) from mart.key_facts_as_of(%s, %s) where kind = 'renewal'"
    assert [connection.execute(facts, (AGENCY, moment)).fetchone() for moment in life] == [(1,), (2,), (2,)]


@pytest.mark.parametrize("function", _FUNCTIONS)
def test_now_is_the_mart(connection: psycopg.Connection[Any], life: list[datetime], function: str) -> None:
    """Each function has the columns of its table, and its rows."""
    assert life
    columns = [
        name
        for (name,) in connection.execute(
            """select column_name from information_schema.columns where table_schema = 'mart' and table_name = %s
            and column_name not in ('agency', 'created_at', 'updated_at') order by ordinal_position""",
            (function,),
        )
    ]
    listed = ", ".join(columns)
    now = connection.execute(f"select {listed} from mart.{function} order by 1, 2, 3").fetchall()
    then = connection.execute(
        f"select {listed} from mart.{function}_as_of(%s, now()) order by 1, 2, 3", (AGENCY,)
    ).fetchall()
    assert then == now


def test_a_contacts_history_names_each_field(connection: psycopg.Connection[Any], life: list[datetime]) -> None:
    (ann,) = contacts_meant(connection, AGENCY, "ann@example.com", _SETTINGS)
    named = [change for change in changes_of_contact(connection, AGENCY, ann) if change.field == "first_name"]
    assert [(change.op, change.before, change.after) for change in named] == [
        ("update", "Ann", "Anna"),
        ("insert", None, "Ann"),
    ]
    document = contact_as_of(connection, AGENCY, ann, life[0])
    assert document is not None
    assert document["first_name"] == "Ann"
    stood = since_when(connection, AGENCY, ann, life[2])
    assert stood["first_name"][0] > life[0] > stood["last_name"][0]


def test_a_contact_that_is_gone_is_found_by_its_email(
    connection: psycopg.Connection[Any], life: list[datetime]
) -> None:
    (bob,) = contacts_meant(connection, AGENCY, "bob@example.com", _SETTINGS)
    assert contact_as_of(connection, AGENCY, bob, life[2]) is None
    assert contact_as_of(connection, AGENCY, bob, life[1]) is not None


def test_after_pruning_what_is_kept_is_right_and_what_is_gone_is_refused(
    connection: psycopg.Connection[Any], life: list[datetime]
) -> None:
    """Rows of the first publish are old and deleted; the second and third stay."""
    connection.execute("update mart.changes set at = at - interval '2000 days' where at < %s", (life[0],))
    assert prune(connection, AGENCY, RetentionSettings(), datetime.now(UTC))["mart.changes"] == 2
    assert [_names(connection, moment) for moment in life] == [{"Ann", "Bob"}, {"Anna", "Bob"}, {"Anna"}]
    (ann,) = contacts_meant(connection, AGENCY, "ann@example.com", _SETTINGS)
    with pytest.raises(ConfigError, match="reaches back to"):
        contact_as_of(connection, AGENCY, ann, life[0] - timedelta(days=3000))
