"""Pictures, and the numbers behind what the asset pages say after a publish."""

import base64
import io
import logging
from datetime import date, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from ams_etl.defs.launchpad import checked_sync_scope
from ams_etl.defs.pictures import columns, over_time
from ams_etl.defs.resources import SyncScopeConfig
from ams_etl.sync.daily_counts import counts_by_day, note_counts
from ams_etl.sync.last_publish import last_publish
from ams_etl.writeback.people.health import open_writes_by_age

TODAY = date(2026, 6, 1)
DAYS = [TODAY - timedelta(days=number) for number in range(84, 0, -1)]
CONTACT = """insert into mart.contacts (agency, contact_id, record_type, status, created_at, updated_at)
    values ('acme', gen_random_uuid(), 'personal', %s, now(), now())"""


def png_of(picture: dg.MarkdownMetadataValue) -> bytes:
    assert picture.value is not None
    assert picture.value.startswith("![Contacts by status](data:image/png;base64,")
    return base64.b64decode(picture.value.partition("base64,")[2].rstrip(")"))


def test_a_picture_of_twelve_weeks_is_a_small_png() -> None:
    """Small, since each materialization keeps its own in the event log."""
    from PIL import Image

    series = {f"status {number}": [1000 * number + at for at in range(84)] for number in range(8)}
    png = png_of(over_time("picture", "Contacts by status", DAYS, series, "contacts")["picture"])
    assert Image.open(io.BytesIO(png)).format == "PNG"
    assert len(png) < 20_000
    one_day = over_time("picture", "Contacts by status", DAYS[:1], {"client": [5]}, "contacts")
    assert len(png_of(one_day["picture"])) < 10_000


def test_where_there_is_nothing_to_draw_or_drawing_fails_there_is_no_picture(caplog: pytest.LogCaptureFixture) -> None:
    assert over_time("picture", "t", [], {}, "x") == {}
    assert columns("picture", "t", ["a"], [0], "x") == {}
    with caplog.at_level(logging.WARNING):
        assert over_time("picture", "t", DAYS, {"client": [1]}, "x") == {}
    assert "could not be drawn" in caplog.text


def test_counts_of_a_day_are_its_last_publishs_and_compared_with_the_publish_before(
    connection: psycopg.Connection[Any],
) -> None:
    for status in ("client", "client", "inactive"):
        connection.execute(CONTACT, (status,))
    assert note_counts(connection, "acme", TODAY)["contacts_by_status"] == ({"client": 2, "inactive": 1}, {})
    connection.execute("delete from mart.contacts where status = 'inactive'")
    connection.execute(CONTACT, ("prospect",))
    now, before = note_counts(connection, "acme", TODAY)["contacts_by_status"]
    assert (now, before) == ({"client": 2, "prospect": 1}, {"client": 2, "inactive": 1})
    connection.execute(CONTACT, ("prospect",))
    tomorrow = TODAY + timedelta(days=1)
    assert note_counts(connection, "acme", tomorrow)["contacts_by_status"][1] == {"client": 2, "prospect": 1}
    days, counts = counts_by_day(connection, "acme", "contacts_by_status", tomorrow)
    assert days == [TODAY, tomorrow]
    assert counts == {"client": [2, 2], "prospect": [1, 2]}
    assert counts_by_day(connection, "other", "contacts_by_status", tomorrow) == ([], {})


def test_the_last_publish_is_counted_by_operation_and_field(connection: psycopg.Connection[Any]) -> None:
    assert last_publish(connection, "acme").at is None
    change = """insert into mart.changes (agency, entity, entity_id, op, before, after, run_id)
        values ('acme', 'contacts', '1', %s, %s, %s, %s)"""
    connection.execute(change, ("update", '{"city": "A"}', '{"city": "B"}', "earlier"))
    connection.execute(change, ("insert", None, '{"city": "A"}', "last"))
    connection.execute(change, ("update", '{"city": "A", "state": "NV"}', '{"city": "B", "state": "NV"}', "last"))
    connection.execute(change, ("update", '{"city": "A", "tags": []}', '{"city": "B", "tags": ["x"]}', "last"))
    last = last_publish(connection, "acme")
    assert last.by_op == [("contacts", "update", 2), ("contacts", "insert", 1)]
    assert last.by_field == [("contacts", "city", 2), ("contacts", "tags", 1)]


def test_open_writes_are_counted_by_age(connection: psycopg.Connection[Any]) -> None:
    for at, (age, status) in enumerate(
        (("10 s", "pending"), ("2 h", "uncertain"), ("3 h", "waiting"), ("1 h", "delivered"))
    ):
        connection.execute(
            """insert into ops.writebacks (agency, kind, operation, lane, customer_id, request, status, created_at)
            values ('acme', 'note', 'note', %s, 'c1', '{}', %s, now() - %s::interval)""",
            (f"c{at}", status, age),
        )
    assert open_writes_by_age(connection, "acme") == [
        ("under a minute", 1), ("an hour", 0), ("a day", 2), ("a week", 0), ("longer", 0),
    ]  # fmt: skip


@dg.op
def asks(sync_scope: SyncScopeConfig) -> None:
    """Needs the resource."""


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"customers": ["1017", "00000000-0000-0000-0000-000000000000", "jane@example.com"]}, None),
        ({"trigger": "daily_sweep"}, None),
        (
            {
                "customers": ["1017"],
                "batch": "00000000-0000-0000-0000-000000000000",
                "reference": True,
                "lane": "daily",
            },
            None,
        ),
        ({"batch": "newest"}, "sync_scope.batch: 'newest': expected an id"),
        ({"customers": ["Smith"]}, "expected a CustomerNumber such as 1017"),
        ({"apply_plan": "newest"}, "sync_scope.apply_plan: 'newest': expected an id"),
        ({"trigger": "yearly"}, "yearly"),
        ({"customer": ["1017"]}, "customer"),
    ],
)
def test_a_wrong_scope_is_refused_before_there_is_a_run(config: dict[str, Any], said: str | None) -> None:
    """When the plan of the execution is made, as for each launch in the UI."""
    if said is None:
        dg.validate_run_config(_job(), {"resources": {"sync_scope": {"config": config}}})
        return
    with pytest.raises(Exception) as refused:  # noqa: PT011 - Dagster's own, with ours as its cause
        dg.validate_run_config(_job(), {"resources": {"sync_scope": {"config": config}}})
    messages = "\n".join(str(error) for error in (refused.value, refused.value.__cause__))
    assert said in messages


def _job() -> dg.JobDefinition:
    @dg.job(resource_defs={"sync_scope": checked_sync_scope()})
    def launched() -> None:
        asks()

    return launched
