"""Whatever is lost, doubled, overtaken or killed: every change arrives, and each unannounced one is named."""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, stop
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.notifications.freshness import freshness_of
from ams_etl.sync.raw.ams360_tables import OBJECT_TYPES
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.sync.agency_edits import Editor, Raised
from ams_etl_tests.sync.notification_storm import (
    DAILY,
    WEEKLY,
    Record,
    behind,
    missed,
    parts,
    rest,
    states,
    strike,
    sync,
    unaccounted,
    write_home,
)
from ams_etl_tests.sync.notified_worker import TODAY
from ams_etl_tests.sync.source_history import AGENCY, mart, rebuilt

EDITS = 150
KILLS = 6


def sent_of(editor: Editor) -> Counter[Raised]:
    return Counter(entry for raised in editor.raised.values() for entry in raised) - editor.unsent()


@pytest.mark.parametrize(
    "own_customers",
    [
        pytest.param(True, id="each on its own customer"),
        pytest.param(False, id="all on a few customers", marks=pytest.mark.long),
    ],
)
def test_every_change_arrives_and_each_unannounced_one_is_named(
    short_home: Path, database: str, own_customers: bool
) -> None:
    """The mart is a rebuild from nothing; nothing acknowledged is forgotten; missed is exactly what AMS360 lost."""
    rng = random.Random(f"storm {own_customers}")
    try:
        with running_sandbox(size=200) as sandbox, connect(database) as fresh:
            write_home(short_home, sandbox)
            with connect(running_server(short_home)) as connection:
                upgrade(connection, sql_folder())
                sync(connection, sandbox, SyncScope())
                editor = Editor(sandbox, rng)
                ids = [key for key, _ in sandbox.ask("customers")]
                rng.shuffle(ids)
                for _ in range(10):
                    editor.delete(ids.pop())
                sync(connection, sandbox, DAILY)
                editor.raised.clear()
            with parts(short_home, sandbox, seed=3) as running:
                edits: list[Callable[[], None]] = [editor.undelete] * 10 + [editor.new_customer] * 10
                if own_customers:
                    edits += [partial(editor.edit, entry) for entry in ids[: EDITS - len(edits)]]
                else:
                    edits += [lambda: editor.edit(rng.choice(living(ids[:25], editor)))] * (EDITS - len(edits))
                rng.shuffle(edits)
                strike(running, rng, edits, KILLS)
                rest(short_home, sandbox, running)
                assert set(running.kills) == {"door", "worker", "postgres"}
            told = sandbox.ask("notifications")
            assert (told["gave_up"], told["deleted"]) == (0, 0)
            assert told["lost"] > 0
            with connect(running_server(short_home)) as connection:
                sync(fresh, sandbox, SyncScope())
                expected = behind(connection, fresh)
                sync(connection, sandbox, DAILY)
                sync(connection, sandbox, WEEKLY)
                assert behind(connection, fresh, silent=True) == set()
                assert mart(connection) == rebuilt(connection, RuleSettings(), TODAY)
                ended = states(connection)
                assert ended.keys() <= {"done", "ignored"}
                assert sum(ended.values()) >= told["delivered"] > 0
                assert unaccounted(connection, sent_of(editor)) == Counter()
                assert missed(connection) == expected
                lost = editor.unsent()
                assert expected <= records_of([list(lost)])
                if own_customers:
                    # Nothing was announced of these customers; any one notification has the whole customer read.
                    nobody_told = [raised for raised in editor.raised.values() if not Counter(raised) - lost]
                    records, everything = records_of(nobody_told), records_of(list(editor.raised.values()))
                    assert expected == records != set()
                    published = freshness_of(connection, AGENCY)
                    assert published.missed == len(records)
                    assert published.missed_rate == len(records) / len(everything)
    finally:
        stop(short_home)


def living(ids: list[str], editor: Editor) -> list[str]:
    """Those that are there now."""
    there = {key for key, _ in editor.sandbox.ask("customers")}
    return [key for key in ids if key in there]


def records_of(raised: list[list[Raised]]) -> set[Record]:
    """The records that raw keeps, of those that notifications are about."""
    return {(OBJECT_TYPES[kind], key) for entry in raised for kind, _, key in entry if kind in OBJECT_TYPES}
