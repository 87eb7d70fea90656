"""The outbox under any sequence of claims, outcomes, crashes and decisions: in order, never twice, never stuck."""

import os
from collections import Counter
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ams_etl.settings import Agency, Ams360Settings
from ams_etl.writeback.outbox.enqueue import NewWrite, enqueue
from ams_etl.writeback.outbox.lanes import lock
from ams_etl.writeback.outbox.outbox import Claimed, Outbox, Settlement
from ams_etl.writeback.people.stuck_writes import replay, resolve

AGENCY = Agency(
    id="demo",
    name="Demo",
    ams360=Ams360Settings(wsdl="http://x", agency_no="5551234-1", login_id="a", password_env="P"),
)
LOOK_UP = frozenset({"suspense"})


class _Machine(RuleBasedStateMachine):
    connection: psycopg.Connection[Any]

    def __init__(self) -> None:
        super().__init__()
        self.connection.execute("truncate ops.writebacks")
        self.outboxes = [Outbox(self.connection, "demo", "ams360", who, 60, LOOK_UP) for who in ("one", "two")]
        self.held: list[list[Claimed]] = [[], []]
        self.begun: set[UUID] = set()
        self.sent: Counter[UUID] = Counter()
        self.may: Counter[UUID] = Counter()
        self.last: dict[str, UUID] = {}

    @rule(lane=st.sampled_from("abc"), operation=st.sampled_from(["note", "suspense"]), depends=st.booleans())
    def new(self, lane: str, operation: str, depends: bool) -> None:
        write = NewWrite(uuid4(), "test", operation, lane, {}, lane, self.last.get(lane) if depends else None)
        with self.connection.transaction():
            lock(self.connection, "demo")
            assert enqueue(self.connection, "demo", "ams360", [write, write]) == 1
        self.last[lane], self.may[write.writeback_id] = write.writeback_id, 1

    @rule(who=st.integers(0, 1), limit=st.integers(1, 4))
    def claim(self, who: int, limit: int) -> None:
        found = self.outboxes[who].claim(limit)
        assert not {entry.lane for entry in found} & {entry.lane for held in self.held for entry in held}
        self.held[who] += found

    @precondition(lambda self: self.held[0] or self.held[1])
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        who, write = self._some(data)
        ours = self.outboxes[who].begin([write.writeback_id])
        assert bool(ours) == (write.writeback_id not in self.begun)
        if ours:
            self.begun.add(write.writeback_id)
            self.sent[write.writeback_id] += 1
            assert self.sent[write.writeback_id] <= self.may[write.writeback_id]

    @precondition(lambda self: self.held[0] or self.held[1])
    @rule(data=st.data(), outcome=st.sampled_from(["delivered", "failed", "pending", "uncertain"]))
    def settle(self, data: st.DataObject, outcome: Any) -> None:
        who, write = self._some(data)
        begun = write.writeback_id in self.begun
        if outcome in {"delivered", "uncertain"} and not begun:
            return
        if outcome == "pending" and begun:
            self.may[write.writeback_id] += 1
        self.outboxes[who].settle([Settlement(write.writeback_id, write.lane, outcome)])
        self.held[who].remove(write)
        self.begun.discard(write.writeback_id)

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        """What was sent and cannot be looked up is uncertain; everything else may be sent."""
        ids = [entry.writeback_id for entry in self.held[who]]
        self.connection.execute(
            "update ops.writebacks set claim_expires_at = now() - interval '1s' where writeback_id = any(%s)", (ids,)
        )
        for write in self.held[who]:
            if write.writeback_id in self.begun and write.operation in LOOK_UP:
                self.may[write.writeback_id] += 1
            self.begun.discard(write.writeback_id)
        self.held[who] = []
        self.outboxes[1 - who].recover(0)
        uncertain = self._ids("uncertain")
        assert not any(key in uncertain for key in ids if self.sent[key] == 0)

    @rule(again=st.booleans())
    def decide(self, again: bool) -> None:
        for entry in sorted(self._ids("uncertain"))[:1]:
            resolve(self.connection, "demo", entry, "again" if again else "delivered")
            self.may[entry] += again

    @rule()
    def send_failed_ones_again(self) -> None:
        failed = self._ids("failed")
        assert replay(self.connection, AGENCY, ZoneInfo("UTC")) == len(failed)
        for entry in failed:
            self.may[entry] += self.sent[entry] > 0

    @invariant()
    def no_lane_stands_still(self) -> None:
        assert self.connection.execute(
            """select lane from ops.writebacks group by lane having bool_or(status = 'waiting')
            and not bool_or(status in ('pending', 'claimed', 'delivering'))"""
        ).fetchall() == []  # fmt: skip

    def teardown(self) -> None:
        """Everything comes to an end."""
        for who in (0, 1):
            self.crash(who)
        for _ in range(len(self.may) + 1):
            for write in self.outboxes[0].claim(10):
                self.outboxes[0].begin([write.writeback_id])
                self.outboxes[0].settle([Settlement(write.writeback_id, write.lane, "delivered")])
        rows = self.connection.execute("select distinct status from ops.writebacks").fetchall()
        assert {row[0] for row in rows} <= {"delivered", "failed", "uncertain"}

    def _some(self, data: st.DataObject) -> tuple[int, Claimed]:
        return data.draw(st.sampled_from([(who, write) for who in (0, 1) for write in self.held[who]]))

    def _ids(self, status: str) -> set[UUID]:
        rows = self.connection.execute("select writeback_id from ops.writebacks where status = %s", (status,))
        return {row[0] for row in rows}


def test_any_sequence_keeps_the_order_sends_nothing_twice_and_comes_to_an_end(
    connection: psycopg.Connection[Any],
) -> None:
    """A row is sent again only after it surely was not, was looked up, or a person said so."""
    machine = type("Machine", (_Machine,), {"connection": connection})
    run_state_machine_as_test(
        machine,
        settings=settings(
            settings.get_profile("suite"), max_examples=int(os.environ.get("HISTORIES", "25")), stateful_step_count=25
        ),
    )
