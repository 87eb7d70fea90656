"""What a system that is written to must offer the outbox; AMS360's is in `ams360_target`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import psycopg

from ams_etl.errors import DataError, TransientError
from ams_etl.writeback.outbox.outbox import Claimed

T = TypeVar("T")
Begin = Callable[[], Awaitable[None]]
"""To be awaited just before the first thing that must not be done twice; then that is durable."""


class DependencyMissing(DataError):
    """What this write depends on does not exist: its customer, its suspense."""


class Undecided(DataError):
    """A person must decide before anything is sent.

    Attributes:
        alongside: what must be durable together with that.
    """

    def __init__(self, message: str, alongside: tuple[Callable[[psycopg.Connection[Any]], None], ...] = ()) -> None:
        super().__init__(message)
        self.alongside = alongside


class Contended(TransientError):
    """Somebody else changes the record all the time; nothing was sent, and the try counts."""


class ClaimLost(DataError):
    """Another deliverer has taken this write over; nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A write that is surely done.

    Attributes:
        target_id: the id that the other system gave.
        note: for people: `exists already: same email`, `nothing to change`, ...
        customer_id: the customer, or the account, that the write's lane turned out to be.
        alongside: what must be durable together with the outcome.
    """

    target_id: str | None = None
    note: str | None = None
    customer_id: str | None = None
    alongside: tuple[Callable[[psycopg.Connection[Any]], None], ...] = field(default=())


class Ask(Protocol):
    """Our own Postgres, asked on the connection of `OutboxCommits`."""

    async def __call__(self, question: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Return the answer to the question."""


class Target(Protocol):
    """A system that writes are delivered to."""

    system: str
    look_up: frozenset[str]
    """Operations whose outcome can be read back (W9)."""

    async def carry_out(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        """Carry one write out; with `check_first`, look whether it is done already before sending anything.

        Raises:
            ReplyLost: after `begin`: it may have been done.
            TransientError: it surely was not, and another try may succeed.
            PermanentError: it was refused.
            Undecided: before `begin`: a person is asked.
            DataError: it cannot be carried out as it is.
        """
