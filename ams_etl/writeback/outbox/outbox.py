"""The outbox, statement by statement: claim, begin, settle, recover. Each call is one transaction.

    waiting -> pending -> claimed -> delivering -> delivered | failed | uncertain
                  ^__________|___________|   (a retry, or a reply that was lost and will be looked up)

Nothing is sent before `begin` is durable: a row that is `claimed` when its deliverer dies was surely not sent, one
that is `delivering` may have been.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import psycopg

from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.lease import Lease, LeaseLost
from ams_etl.writeback.outbox.lanes import lock, promote

DEPENDENCY = "dependency"
"""`note` of a row that failed because what it depends on did; it comes back when that is delivered."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A write that this deliverer may carry out now."""

    writeback_id: UUID
    event_id: UUID | None
    kind: str
    operation: str
    lane: str
    customer_id: str | None
    request: dict[str, Any]
    check_first: bool
    attempts: int
    put_offs: int
    depends_on: UUID | None
    depends_status: str | None
    depends_target: str | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a claimed write.

    Attributes:
        status: its new one; `pending` is another try after `delay_seconds`.
        tries: to be added to the row's attempts; `begin` has added one, -1 takes it back.
        put_off: whether the other side was away.
        customer_id: the customer, or the account, that the row's lane turned out to be.
        alongside: what must be durable with it, done in the same transaction.
    """

    writeback_id: UUID
    lane: str
    status: Literal["pending", "delivered", "failed", "uncertain"]
    target_id: str | None = None
    note: str | None = None
    error: str | None = None
    check_first: bool = False
    delay_seconds: float = 0.0
    tries: int = 0
    put_off: bool = False
    customer_id: str | None = None
    alongside: tuple[Callable[[psycopg.Connection[Any]], None], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Outbox:
    """One system's outbox of one agency, as one deliverer uses it.

    Args:
        connection: autocommit, used by one thread at a time.
        agency: the agency id.
        system: `ams360`, `benefitpoint`, ...
        who: this deliverer's own name, never used before.
        lease_seconds: how long a claim holds; longer than any call can be under way.
        look_up: operations whose outcome can be read back after a lost reply (W9).
        lease: `writeback`: nothing is claimed or sent once another one has it. A settlement needs only its own claim, so
            that what is known of a call that was under way is not lost.
    """

    connection: psycopg.Connection[Any]
    agency: str
    system: str
    who: str
    lease_seconds: float
    look_up: frozenset[str]
    lease: Lease | None = None

    def claim(self, limit: int) -> list[Claimed]:
        """Heads of lanes that are due, oldest first; of two deliverers each row goes to one.

        Raises:
            LeaseLost: another one delivers for this agency now.
        """
        with self.connection.transaction():
            if self.lease is not None:
                self.lease.check(self.connection)
            return self._claim(limit)

    def _claim(self, limit: int) -> list[Claimed]:
        return self._db.rows(
            Claimed,
            """with ready as (
                select writeback_id from ops.writebacks
                where agency = %(agency)s and system = %(system)s and status = 'pending' and not_before <= now()
                order by not_before, position limit %(limit)s for update skip locked),
            taken as (
                update ops.writebacks w set status = 'claimed', claimed_by = %(who)s,
                    claim_expires_at = now() + make_interval(secs => %(lease)s)
                from ready where w.agency = %(agency)s and w.writeback_id = ready.writeback_id
                returning w.*)
            select t.writeback_id, t.event_id, t.kind, t.operation, t.lane, t.customer_id, t.request, t.check_first,
                t.attempts, t.put_offs, t.depends_on, d.status as depends_status,
                d.target_id as depends_target
            from taken t left join ops.writebacks d on (d.agency, d.writeback_id) = (t.agency, t.depends_on)
            order by t.position""",
            **self._scope(),
            limit=limit,
            lease=self.lease_seconds,
        )

    def begin(self, writeback_ids: Sequence[UUID]) -> set[UUID]:
        """Make durable that these are about to be sent; returns those that are still ours."""
        with self.connection.transaction():
            if self.lease is not None:
                try:
                    self.lease.check(self.connection)
                except LeaseLost:
                    return set()
            return self._begin(writeback_ids)

    def _begin(self, writeback_ids: Sequence[UUID]) -> set[UUID]:
        ours = self._db.column(
            """update ops.writebacks set status = 'delivering', attempts = attempts + 1,
                claim_expires_at = now() + make_interval(secs => %(lease)s)
            where agency = %(agency)s and writeback_id = any(%(ids)s) and claimed_by = %(who)s and status = 'claimed'
                and claim_expires_at > now()
            returning writeback_id""",
            **self._scope(),
            ids=list(writeback_ids),
            lease=self.lease_seconds,
        )
        return set(ours)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Record outcomes, and let the next of each lane come up. A known outcome also settles an uncertain one."""
        with self.connection.transaction():
            lock(self.connection, self.agency)
            settled = self._db.column(
                """update ops.writebacks w set status = s.status, target_id = coalesce(s.target_id, w.target_id),
                    note = s.note, error = s.error, check_first = s.check_first,
                    attempts = w.attempts + s.tries, put_offs = case when s.put_off then w.put_offs + 1 else 0 end,
                    customer_id = coalesce(s.customer_id, w.customer_id),
                    not_before = now() + make_interval(secs => s.delay_seconds), claim_expires_at = null,
                    claimed_by = case when s.status = 'pending' then null else w.claimed_by end,
                    settled_at = case when s.status <> 'pending' then now() end
                from jsonb_to_recordset(%(rows)s::jsonb) s (writeback_id uuid, status text, target_id text, note text,
                    error text, check_first boolean, delay_seconds double precision, tries int, put_off boolean,
                    customer_id text)
                where w.agency = %(agency)s and w.writeback_id = s.writeback_id and w.claimed_by = %(who)s
                    and (w.status in ('claimed', 'delivering') or (w.status = 'uncertain' and s.status = 'delivered'))
                returning w.writeback_id""",
                **self._scope(),
                rows=json.dumps([_row(settlement) for settlement in settlements]),
            )
            ours = set(settled)
            lanes = set()
            for settlement in settlements:
                if settlement.writeback_id not in ours:
                    continue
                for effect in settlement.alongside:
                    effect(self.connection)
                lanes.add(settlement.lane)
                if settlement.customer_id and settlement.lane != settlement.customer_id:
                    become_customer(self.connection, self.agency, self.system, settlement.lane, settlement.customer_id)
                    lanes.add(settlement.customer_id)
            delivered = [settlement.writeback_id for settlement in settlements if settlement.status == "delivered"]
            lanes.update(revive(self.connection, self.agency, delivered))
            promote(self.connection, self.agency, self.system, lanes)

    def renew(self, writeback_ids: Sequence[UUID]) -> None:
        """Hold what is still being worked on a while longer."""
        self.connection.execute(
            """update ops.writebacks set claim_expires_at = now() + make_interval(secs => %(lease)s)
            where agency = %(agency)s and writeback_id = any(%(ids)s) and claimed_by = %(who)s
                and status in ('claimed', 'delivering')""",
            {**self._scope(), "agency": self.agency, "ids": list(writeback_ids), "lease": self.lease_seconds},
        )

    def release(self, writeback_ids: Sequence[UUID]) -> None:
        """Give back claims of which nothing was sent."""
        self.connection.execute(
            """update ops.writebacks set status = 'pending', claimed_by = null, claim_expires_at = null
            where agency = %(agency)s and writeback_id = any(%(ids)s) and claimed_by = %(who)s and status = 'claimed'""",
            {**self._scope(), "agency": self.agency, "ids": list(writeback_ids)},
        )

    def recover(self, look_up_after_seconds: float) -> int:
        """Take over what a deliverer that is gone left behind, by W9; returns how many rows.

        With the lease no other deliverer can still begin, so what others only claimed is taken over at once; what may be under
        way only after its claim expired, which is longer than a call can take. A lane that stopped for any other reason
        goes on, too.
        """
        with self.connection.transaction():
            lock(self.connection, self.agency)
            return self.connection.execute(
                """update ops.writebacks set
                    status = case when status = 'claimed' or operation = any(%(look_up)s) then 'pending' else 'uncertain' end,
                    check_first = check_first or (status = 'delivering' and operation = any(%(look_up)s)),
                    not_before = case when status = 'claimed' then now()
                        else now() + make_interval(secs => %(wait)s) end,
                    error = case when status = 'delivering' then 'the deliverer ended while this was being sent' end,
                    settled_at = case when status = 'delivering' and not operation = any(%(look_up)s) then now() end,
                    claimed_by = case when status = 'delivering' then claimed_by end, claim_expires_at = null
                where agency = %(agency)s and system = %(system)s and status in ('claimed', 'delivering')
                    and (claim_expires_at <= now() or (status = 'claimed' and claimed_by <> %(who)s and %(leased)s))""",
                {
                    **self._scope(),
                    "agency": self.agency,
                    "leased": self.lease is not None,
                    "look_up": sorted(self.look_up),
                    "wait": look_up_after_seconds,
                },
            ).rowcount + promote(self.connection, self.agency, self.system)

    def seconds_to_next(self) -> float | None:
        """Seconds until something can be done: a retry that comes due, a claim that runs out; None: nothing is open."""
        seconds = self._db.scalar(
            """select extract(epoch from least(
                (select min(not_before) from ops.writebacks
                    where agency = %(agency)s and system = %(system)s and status = 'pending'),
                (select min(claim_expires_at) from ops.writebacks
                    where agency = %(agency)s and system = %(system)s and status in ('claimed', 'delivering'))) - now())""",
            **self._scope(),
        )
        return None if seconds is None else max(0.0, float(seconds))

    @property
    def _db(self) -> AgencyDb:
        return AgencyDb(self.connection, self.agency)

    def _scope(self) -> dict[str, Any]:
        return {"system": self.system, "who": self.who}


def become_customer(connection: psycopg.Connection[Any], agency: str, system: str, lane: str, customer_id: str) -> None:
    """The contact of a lane is a customer, or an account, now: what waits for it joins the customer's own lane."""
    scope = {"agency": agency, "system": system, "lane": lane, "customer": customer_id}
    connection.execute(
        """update ops.writeback_contacts set customer_id = %(customer)s, lane = %(customer)s
        where agency = %(agency)s and system = %(system)s and lane = %(lane)s""",
        scope,
    )
    # What failed for want of the customer has one now.
    connection.execute(
        """update ops.writebacks set lane = %(customer)s, customer_id = %(customer)s,
            status = case when status in ('waiting', 'pending') or note = 'dependency' then 'waiting' else status end,
            settled_at = case when note = 'dependency' then null else settled_at end,
            error = case when note = 'dependency' then null else error end,
            note = nullif(note, 'dependency')
        where agency = %(agency)s and system = %(system)s and lane = %(lane)s
            and (status in ('waiting', 'pending') or (status = 'failed' and note = 'dependency'))""",
        scope,
    )


def revive(connection: psycopg.Connection[Any], agency: str, delivered: Sequence[UUID]) -> list[str]:
    """Let rows come back that failed only because these had; returns their lanes, to be promoted."""
    if not delivered:
        return []
    return AgencyDb(connection, agency).column(
        """update ops.writebacks set status = 'waiting', note = null, error = null, settled_at = null
        where agency = %(agency)s and depends_on = any(%(ids)s) and status = 'failed' and note = 'dependency'
        returning lane""",
        ids=list(delivered),
    )


def _row(one: Settlement) -> dict[str, Any]:
    return {
        "writeback_id": str(one.writeback_id), "status": one.status, "target_id": one.target_id, "note": one.note,
        "error": one.error, "check_first": one.check_first, "delay_seconds": one.delay_seconds, "tries": one.tries,
        "put_off": one.put_off, "customer_id": one.customer_id,
    }  # fmt: skip
