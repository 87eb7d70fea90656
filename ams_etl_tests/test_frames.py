"""Frames have the mart's rows and types, and the documented examples run."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from ams_etl import frames
from ams_etl.errors import ConfigError
from ams_etl.feed import follow
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.maintenance.readers import grant_reader
from ams_etl_tests.sync.source_history import Source, customer, policy, refresh, store_reference

DOCS = Path(__file__).parents[1] / "docs"
AGENCY = "acme"
READERS = (
    frames.contacts, frames.contact_cards, frames.contact_emails, frames.contact_phones, frames.contact_sources,
    frames.contact_tags, frames.key_facts, frames.connections, frames.accounts, frames.policies, frames.skipped_contacts,
    frames.changes,
)  # fmt: skip


@pytest.fixture
def mart(
    connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> psycopg.Connection[Any]:
    """Three contacts of the agency that the documentation names."""
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    store_reference(connection)
    source = Source()
    for number in (1, 2, 3):
        source.put(customer(number, FirstName="Ann", LastName="Lee", Email=f"{number}@example.com"))
        source.put(policy(number, number, PolicyExpirationDate="2027-05-01T00:00:00"))
    source.store(connection)
    refresh(connection, RuleSettings(), date(2026, 6, 1))
    for table in (
        "stage.contacts",
        *(f"mart.{reader.__name__}" for reader in READERS if reader.__name__ != "contact_cards"),
    ):
        connection.execute(f"update {table} set agency = %s", (AGENCY,))
    return connection


@pytest.mark.parametrize("read", READERS)
def test_a_frame_has_every_row_and_column_with_its_type(mart: psycopg.Connection[Any], read: Any) -> None:
    frame = read(AGENCY)
    name = f"mart.{read.__name__}"
    columns = mart.execute(f"select * from {name} limit 0").description or []
    assert list(frame.columns) == [column.name for column in columns]
    assert mart.execute(f"select count(*) from {name} where agency = %s", (AGENCY,)).fetchone() == (len(frame),)
    assert read("nobody").empty
    assert list(read("nobody").dtypes) == list(frame.dtypes)


def test_types_are_those_to_compute_with(mart: psycopg.Connection[Any]) -> None:
    assert str(frames.key_facts(AGENCY).fact_date.dtype) == "datetime64[s]"
    assert str(frames.contact_emails(AGENCY).is_primary.dtype) == "boolean"
    assert isinstance(frames.contacts(AGENCY).first_name.dtype, pd.StringDtype)
    assert frames.contact_cards(AGENCY).tags.iloc[0]


def test_chunks_are_the_table(mart: psycopg.Connection[Any]) -> None:
    parts = list(frames.chunks("contacts", AGENCY, rows=2))
    assert [len(part) for part in parts] == [2, 1]
    with pytest.raises(ConfigError, match=r"mart\.nothing"):
        frames.table("nothing", AGENCY)


@pytest.mark.parametrize("page", ["frames.md", "feed.md"])
def test_the_documented_examples_run(
    mart: psycopg.Connection[Any], page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader copies them."""
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert examples
    for example in examples:
        assert len([line for line in example.splitlines() if line.strip()]) <= 22
        scope: dict[str, Any] = {}
        exec(compile(example, page, "exec"), scope)
        if page == "feed.md":
            assert scope["copy"].execute("select count(*) from contacts").fetchone() == (3,)
        elif "by_month" in scope:
            assert scope["by_month"].sum() == 3


def test_reading_is_counted_under_who_reads(mart: psycopg.Connection[Any], database: str) -> None:
    """The reader of one agency is counted under its role, though it may write nowhere and reads only by default."""
    frames.contacts(AGENCY)
    counted = "select way, what, reads, records, person from ops.accesses where agency = 'acme' order by person"
    ((way, what, reads, records, person),) = mart.execute(counted).fetchall()
    assert (way, what, reads, records) == ("frames", "mart.contacts", 1, 3)
    assert " as " not in person
    role = f"reader_{os.urandom(4).hex()}"
    mart.execute(sql.SQL("create role {} login password 'x'").format(sql.Identifier(role)))
    try:
        grant_reader(mart, role, AGENCY)
        mart.execute(sql.SQL("alter role {} set default_transaction_read_only = on").format(sql.Identifier(role)))
        parts = urlsplit(database)
        url = urlunsplit(parts._replace(netloc=f"{role}:x@{parts.netloc.rpartition('@')[2]}"))
        assert len(frames.contacts(AGENCY, url=url)) == 3
        list(follow(AGENCY, wait=False, url=url))
        as_role = [row[:4] for row in mart.execute(counted).fetchall() if row[4].endswith(f" as {role}")]
        assert sorted(as_role) == [("feed", "mart.changes", 1, 3), ("frames", "mart.contacts", 1, 3)]
    finally:
        mart.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))
