"""Database work beside computing: Postgres stores one part while we work out the next one."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
_TURN_S = 0.0005


@contextmanager
def beside(connection: psycopg.Connection[Any], work: Callable[[], T]) -> Iterator[Future[T]]:
    """Run database work in a thread while the block computes; when the block has ended, so has the work.

    The connection, and any transaction open on it, belong to the work meanwhile: the block must not use them. Where the block is
    left by an exception, the statement that is running is cancelled. From then on all threads of this process take shorter turns.

    Args:
        connection: the one that the work uses.
        work: called once, in the thread.

    Returns:
        What holds the work's result after the block, or the exception that it raised.
    """
    take_short_turns()
    with ThreadPoolExecutor(1, thread_name_prefix="database work") as thread:
        result = thread.submit(work)
        try:
            yield result
            wait([result])
        except BaseException:
            if not result.done():
                connection.cancel_safe(timeout=2)
            raise


def take_short_turns() -> None:
    """Have a thread that computes keep the interpreter half a millisecond from the others at most, from now on.

    Python's own five are what each of the twenty statements of a chunk, or each request to a service, waited for the computing
    thread beside it: longer than Postgres worked.
    """
    sys.setswitchinterval(min(_TURN_S, sys.getswitchinterval()))
