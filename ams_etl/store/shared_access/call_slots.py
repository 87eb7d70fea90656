"""Share `max_concurrency` among the processes that call one system of an agency.

A client renews its share twice a second and calls without asking in between, so that a call costs no round trip. What it
is allowed grows at once as far as others have left it free, and shrinks as its own calls end: the sum stays within the limit.
"""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.store.agency_db import records
from ams_etl.store.database_errors import understood
from ams_etl.store.shared_access.in_passing import in_passing

EXPIRES_SECONDS = 15.0
"""A process that is gone keeps the others from its share for that long."""
TURN_SECONDS = 1.0
"""Where more clients call than there are calls allowed, each calls for that long and then lets another one."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one open client holds and wants.

    Attributes:
        turn_seconds: since when it holds anything, or nothing.
    """

    holder: uuid.UUID
    held: int
    wanted: int
    turn_seconds: float


def fair_shares(most: int, demands: Sequence[Demand]) -> dict[uuid.UUID, int]:
    """Divide the calls: nobody gets more than it wants, and what one leaves is divided among the others.

    Args:
        most: calls at a time.
        demands: of everybody.
    """
    shares = {demand.holder: 0 for demand in demands}
    calling = [demand for demand in demands if demand.wanted]
    if len(calling) > most:
        # Fewer calls than clients: whoever has waited longest is next when a turn is over.
        calling.sort(key=lambda demand: (_rank(demand), -demand.turn_seconds, demand.holder))
        shares.update((demand.holder, 1) for demand in calling[:most])
        return shares
    left = most
    for place, demand in enumerate(sorted(calling, key=lambda demand: (demand.wanted, demand.holder))):
        shares[demand.holder] = min(demand.wanted, left // (len(calling) - place))
        left -= shares[demand.holder]
    return shares


def _rank(demand: Demand) -> int:
    if demand.held == 0:
        return 1
    return 0 if demand.turn_seconds < TURN_SECONDS else 2


class PostgresCallSlots:
    """One client's share; implements `ams_etl.sources.calling.across_processes.CallSlots`.

    Args:
        url: the database.
        agency: the agency id.
        system: `ams360` or `benefitpoint`.
    """

    def __init__(self, url: str, agency: str, system: str) -> None:
        self.expires_seconds = EXPIRES_SECONDS
        self._url, self._holder = url, uuid.uuid4()
        self._scope = {"agency": agency, "system": system, "holder": self._holder, "seconds": EXPIRES_SECONDS}
        self._lock = f"call_slots/{agency}/{system}"
        # A call that is given up goes on in its thread, while `release` is called in another.
        self._one_at_a_time = threading.Lock()
        self._is_kept = False

    def share(self, most: int, held: int, wanted: int) -> int:
        """Renew the share, and return how many calls this client may have in flight from now on; see `CallSlots.share`.

        Raises:
            TransientError: the database does not answer.
        """
        with self._one_at_a_time:
            if not self._is_kept:
                in_passing(self._url).keep()
                self._is_kept = True
            try:
                with in_passing(self._url).connection() as connection, connection.transaction():
                    return self._share(connection, most, held, wanted)
            except psycopg.Error as error:
                raise understood(error) from None

    def _share(self, connection: psycopg.Connection[Any], most: int, held: int, wanted: int) -> int:
        connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (self._lock,))
        known = records(
            connection,
            Demand,
            """with gone as (delete from ops.call_slots where agency = %(agency)s and system = %(system)s
                and expires_at < clock_timestamp() and holder <> %(holder)s)
            select holder, held, wanted, extract(epoch from clock_timestamp() - turn_since)::float8 as turn_seconds
            from ops.call_slots where agency = %(agency)s and system = %(system)s
                and (expires_at >= clock_timestamp() or holder = %(holder)s)""",
            self._scope,
        )
        others = [demand for demand in known if demand.holder != self._holder]
        before = next((demand for demand in known if demand.holder == self._holder), None)
        # A turn that ends now begins to wait now.
        goes_on = before is not None and (before.held > 0) == (held > 0)
        own = Demand(self._holder, held, wanted, before.turn_seconds if before is not None and goes_on else 0.0)
        fair = fair_shares(most, [*others, own])
        # Also what nobody wants now, so that nobody has to ask before its next call.
        fair_to_all = most - sum(fair[demand.holder] for demand in others)
        allowed = max(0, min(fair_to_all, most - sum(demand.held for demand in others)))
        connection.execute(
            """insert into ops.call_slots as s (agency, system, holder, held, wanted, expires_at)
            values (%(agency)s, %(system)s, %(holder)s, %(held)s, %(wanted)s,
                clock_timestamp() + make_interval(secs => %(seconds)s))
            on conflict (agency, system, holder) do update set held = excluded.held, wanted = excluded.wanted,
                expires_at = excluded.expires_at,
                turn_since = case when (s.held > 0) = (excluded.held > 0) then s.turn_since else clock_timestamp() end""",
            {**self._scope, "held": max(held, allowed), "wanted": wanted},
        )
        return allowed

    def release(self) -> None:
        """Give the whole share back.

        Raises:
            TransientError: the database does not answer.
        """
        with self._one_at_a_time:
            if not self._is_kept:
                return
            try:
                with in_passing(self._url).connection() as connection:
                    connection.execute(
                        """delete from ops.call_slots where agency = %(agency)s and system = %(system)s
                        and holder = %(holder)s""",
                        self._scope,
                    )
            except psycopg.Error as error:
                raise understood(error) from None
            finally:
                self._is_kept = False
                in_passing(self._url).forgo()
