"""Database work beside computing: Postgres stores one part while we work out the next one."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
_TURN_S = 0.0005
"""How long the computing thread may keep the interpreter from the one with Postgres' answer. A chunk is stored by some twenty
statements: at Python's five milliseconds Postgres waited for the next one longer than it worked."""


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
    sys.setswitchinterval(min(_TURN_S, sys.getswitchinterval()))
    with ThreadPoolExecutor(1, thread_name_prefix="database work") as thread:
        result = thread.submit(work)
        try:
            yield result
            wait([result])
        except BaseException:
            if not result.done():
                connection.cancel_safe(timeout=2)
            raise
