"""A reader reads the mart and nothing else; a limited one sees its own agencies in every table and view."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError
from ams_etl.feed import follow, snapshot
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.maintenance.readers import READER, grant_reader, read_only_url
from ams_etl_tests.postgres import reader_role_to_oneself
from ams_etl_tests.sync.source_history import AGENCY, Source, customer, refresh, store_reference

LIMITED = "test_limited_reader"
MEMBER = "test_member_of_a_limited_reader"


@pytest.fixture
def mart(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """A contact each of two agencies, and a role; roles belong to the whole server, so they go afterwards."""
    store_reference(connection)
    source = Source()
    source.put(customer(1, FirstName="Ann", LastName="Lee", Email="1@example.com"))
    source.store(connection)
    refresh(connection, RuleSettings(), date(2026, 6, 1))
    for table in ("mart.contacts", "mart.changes"):
        copied = ", ".join(
            row[0]
            for row in connection.execute(
                """select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped
                and attname not in ('agency', 'seq', 'contact_id')""",
                (table,),
            )
        )
        own = ", contact_id" if table == "mart.contacts" else ""
        value = ", gen_random_uuid()" if own else ""
        connection.execute(f"insert into {table} (agency{own}, {copied}) select 'other'{value}, {copied} from {table}")
    connection.execute(f"drop role if exists {LIMITED}")
    connection.execute(f"create role {LIMITED} login password 'x'")
    yield connection
    for role in (MEMBER, LIMITED, READER):
        if connection.execute("select from pg_roles where rolname = %s", (role,)).fetchone() is not None:
            connection.execute(f"drop owned by {role}")
            connection.execute(f"drop role {role}")


def as_role(database: str, role: str, password: str) -> str:
    return database.replace(database.split("//")[1].split("@", maxsplit=1)[0], f"{role}:{password}", 1)


def test_a_limited_role_sees_its_agency_alone(mart: psycopg.Connection[Any], database: str) -> None:
    grant_reader(mart, LIMITED, AGENCY)
    url = as_role(database, LIMITED, "x")
    relations = [
        row[0]
        for row in mart.execute(
            """select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'mart' and c.relkind in ('r', 'v', 'p')"""
        )
    ]
    with connect(url) as reader:
        for relation in relations:
            seen = {row[0] for row in reader.execute(f"select distinct agency from {relation}")}
            assert seen <= {AGENCY}, relation
        assert reader.execute("select count(*) from mart.contact_cards").fetchone() == (1,)
        for refused in (
            "select * from raw_ams360.customers",
            "select * from stage.contacts",
            "delete from mart.contacts",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(refused)
    with snapshot(AGENCY, url=url) as (cursor, documents):
        assert len(list(documents)) == 1
    assert len(list(follow(AGENCY, consumer="reader", wait=False, url=url))) == 1
    assert cursor > 0
    mart.execute("insert into ops.feed_consumers (agency, consumer) values ('other', 'theirs')")
    with connect(url) as reader:
        assert reader.execute("select agency from ops.feed_consumers").fetchall() == [(AGENCY,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("insert into ops.feed_consumers (agency, consumer) values ('other', 'mine')")
    assert list(follow("other", wait=False, url=url)) == []
    grant_reader(mart, LIMITED, None)
    with connect(url) as reader:
        assert reader.execute("select count(distinct agency) from mart.contacts").fetchone() == (2,)


def test_a_member_of_a_limited_role_is_limited_as_it_is(mart: psycopg.Connection[Any], database: str) -> None:
    """Group roles are how Postgres' administrators give people rights; whoever owns the tables is limited by no membership."""
    grant_reader(mart, LIMITED, AGENCY)
    mart.execute(f"drop role if exists {MEMBER}")
    mart.execute(f"create role {MEMBER} login password 'x' in role {LIMITED}")
    mart.execute(f"grant {LIMITED} to current_user")
    with connect(as_role(database, MEMBER, "x")) as reader:
        for relation in ("mart.contacts", "mart.contact_documents", "mart.contact_cards"):
            assert reader.execute(f"select distinct agency from {relation}").fetchall() == [(AGENCY,)], relation
        for agency in (AGENCY, "other"):
            (answer,) = reader.execute(
                "select mart.may_send_to(%s, 'email', 'a@example.com')", (agency,)
            ).fetchone() or (None,)
            assert answer == (agency == AGENCY)
    assert mart.execute("select count(*) from mart.contact_documents").fetchone() == (1,)
    assert mart.execute("select count(distinct agency) from mart.contacts").fetchone() == (2,)
    assert mart.execute("select ops.readable_agencies(current_user)").fetchone() == (None,)


def test_every_table_of_the_mart_has_the_policy(mart: psycopg.Connection[Any]) -> None:
    """A migration that adds a table to mart adds it there, too; and a view is security_invoker or filters by itself."""
    without = mart.execute(
        """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'mart' and (
            c.relkind in ('r', 'p') and not (c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))
            or c.relkind = 'v' and not 'security_invoker=true' = any (coalesce(c.reloptions, '{}'))
                and pg_get_viewdef(c.oid) not like '%readable_agencies%')"""
    ).fetchall()
    assert without == []


@pytest.fixture
def reader_role(postgres_server: str) -> Iterator[None]:
    """Nobody else has the role meanwhile; asked for before `mart`, which drops it."""
    with reader_role_to_oneself(postgres_server):
        yield


@pytest.mark.usefixtures("reader_role")
def test_the_read_only_url_reads_and_writes_nothing(
    mart: psycopg.Connection[Any], database: str, tmp_path: Path
) -> None:
    url = read_only_url(database, mart, tmp_path)
    assert read_only_url(database, mart, tmp_path) == url
    with connect(url) as reader:
        assert reader.execute("select count(*) from mart.contacts").fetchone() == (2,)
        with pytest.raises(psycopg.Error):
            reader.execute("insert into ops.feed_consumers (agency, consumer) values ('a', 'b')")
    assert (tmp_path / "reader.password").stat().st_mode & 0o077 == 0


def test_a_role_that_is_missing_or_sees_everything_is_refused(mart: psycopg.Connection[Any]) -> None:
    with pytest.raises(ConfigError, match="no role"):
        grant_reader(mart, "nobody_of_this_name", None)
    with pytest.raises(ConfigError, match="superuser"):
        grant_reader(mart, "postgres", AGENCY)


def test_a_limited_role_asks_for_the_past_of_its_agency_alone(mart: psycopg.Connection[Any], database: str) -> None:
    grant_reader(mart, LIMITED, AGENCY)
    (contact_id,) = mart.execute("select contact_id from mart.contacts where agency = %s", (AGENCY,)).fetchone() or (
        None,
    )
    with connect(as_role(database, LIMITED, "x")) as reader:
        for agency, names in ((AGENCY, [("Ann",)]), ("other", [])):
            found = reader.execute("select first_name from mart.contacts_as_of(%s, now())", (agency,)).fetchall()
            assert found == names
            (one,) = reader.execute("select mart.contact_as_of(%s, %s, now())", (agency, contact_id)).fetchone() or (
                None,
            )
            assert (one is not None) == (agency == AGENCY)


def test_every_function_of_the_mart_answers_a_limited_role(mart: psycopg.Connection[Any], database: str) -> None:
    """Also one that decides from tables that the role may not read."""
    grant_reader(mart, LIMITED, AGENCY)
    functions = mart.execute(
        """select p.oid::regproc::text, array(select format_type(t, null) from unnest(p.proargtypes) t), p.proargnames
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'mart' and p.prokind = 'f'"""
    ).fetchall()
    assert {"mart.may_send", "mart.may_send_to", "mart.sender_for", "mart.contacts_as_of"} <= {
        name for name, *_ in functions
    }
    (contact_id,) = mart.execute("select contact_id from mart.contacts where agency = %s", (AGENCY,)).fetchall()[0]
    arguments = {
        "contact": contact_id, "wanted_contact": contact_id, "wanted_agency": AGENCY, "wanted_channel": "email",
        "wanted_address": "1@example.com", "wanted_connection_type": "Executive", "moment": "now",
    }  # fmt: skip
    with connect(as_role(database, LIMITED, "x")) as reader:
        for function, types, names in functions:
            places = ", ".join(f"%({name})s::{kind}" for kind, name in zip(types, names or (), strict=False))
            reader.execute(f"select * from {function}({places})", arguments)


def test_a_limited_role_asks_whom_it_may_write_to_in_its_agency_alone(
    mart: psycopg.Connection[Any], database: str
) -> None:
    """The answer is the one that the owner gets: by address, by a hand that suppressed, by whose agency it is."""
    grant_reader(mart, LIMITED, AGENCY)
    contacts = dict(mart.execute("select agency, contact_id from mart.contacts").fetchall())
    with connect(as_role(database, LIMITED, "x")) as reader:

        def answers(channel: str = "email") -> list[bool]:
            """Whether to write to the own contact, to the other agency's, to its own address, to the other agency's."""
            return [
                bool(reader.execute(question, values).fetchall()[0][0])
                for question, values in (
                    *(("select mart.may_send(%s, %s)", (contacts[agency], channel)) for agency in (AGENCY, "other")),
                    *(
                        (f"select {function}(%s, %s, '1@example.com')", (agency, channel))
                        for agency in (AGENCY, "other")
                        for function in ("mart.may_send_to", "ops.nobody_refused")
                    ),
                )
            ]

        assert answers() == [True, False, True, True, False, False]
        mart.execute(
            """insert into ops.consents (agency, channel, address, source, answer, at)
            select a, 'email', '1@example.com', 'page', 'no', now() from unnest(array[%s, 'other']) a""",
            (AGENCY,),
        )
        assert answers() == [False] * 6
        mart.execute("delete from ops.consents")
        mart.execute(
            "insert into ops.suppressions (agency, contact_id, set_by) values (%s, %s, 'x')", (AGENCY, contacts[AGENCY])
        )
        assert answers() == [False, False, True, True, False, False]
        assert reader.execute("select ops.suppressed_by_hand('other', %s)", (contacts["other"],)).fetchall() == [
            (True,)
        ]
        for refused in (
            "select * from ops.consents",
            "select * from ops.suppressions",
            "select * from stage.candidates",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(refused)
    mart.execute("delete from ops.suppressions")
    with mart.transaction():
        mart.execute(f"set local role {LIMITED}")
        for agency in (AGENCY, "other"):
            (told,) = mart.execute("select mart.may_send_to(%s, 'email', '1@example.com')", (agency,)).fetchall()[0]
            assert told == (agency == AGENCY)
    grant_reader(mart, LIMITED, None)
    with connect(as_role(database, LIMITED, "x")) as reader:
        for contact_id in contacts.values():
            assert reader.execute("select mart.may_send(%s, 'email')", (contact_id,)).fetchall() == [(True,)]
