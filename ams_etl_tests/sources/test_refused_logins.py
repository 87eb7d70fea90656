"""A refused login is tried once, in one run as in many, and a changed secret is tried at once."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ams_etl.errors import LoginRefused
from ams_etl.sources.ams360 import Ams360Connection, open_ams360
from ams_etl.sources.calling.session import Session
from ams_etl.store.logins.login_refusals import forget_refusals
from ams_etl.store.shared_access.access import SharedAccess
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox


def _connection(sandbox: Sandbox, password: str, database: str) -> Ams360Connection:
    return Ams360Connection(sandbox.wsdl, AGENCY_NO, "etl", password, shared=SharedAccess(database, "demo", "ams360"))


async def _ask_much(connection: Ams360Connection) -> list[BaseException | Any]:
    """Thirty questions at once, as a sync with many workers asks them."""
    async with open_ams360(connection) as ams360:
        return await asyncio.gather(
            *(ams360.customers_by_prefix(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234"), return_exceptions=True
        )


def _logins(sandbox: Sandbox) -> int:
    return int(sandbox.ask("stats")["calls"].get("Login", 0))


def test_a_wrong_password_is_tried_once_a_day_and_a_changed_one_at_once(
    sandbox: Sandbox, database: str, connection: psycopg.Connection[Any]
) -> None:
    """Thirty questions, three runs and the doctor: one login; then the right password: one more."""
    before = _logins(sandbox)
    for _ in range(3):
        answers = asyncio.run(_ask_much(_connection(sandbox, "wrong", database)))
        assert all(isinstance(answer, LoginRefused) for answer in answers)
        assert "wrong" not in str(answers[0])
    assert _logins(sandbox) == before + 1
    answers = asyncio.run(_ask_much(_connection(sandbox, "sandbox", database)))
    assert not any(isinstance(answer, BaseException) for answer in answers)
    assert _logins(sandbox) == before + 2
    assert connection.execute("select count(*) from ops.login_refusals").fetchone() == (0,)


def test_after_a_day_or_a_word_of_a_person_it_is_tried_again(
    sandbox: Sandbox, database: str, connection: psycopg.Connection[Any]
) -> None:
    """Once: the next refusal holds it back for another day."""
    wrong = _connection(sandbox, "wrong", database)
    before = _logins(sandbox)
    asyncio.run(_ask_much(wrong))
    connection.execute("update ops.login_refusals set refused_at = refused_at - %s", (timedelta(days=1, minutes=1),))
    for _ in range(2):
        asyncio.run(_ask_much(wrong))
    assert _logins(sandbox) == before + 2
    assert forget_refusals(connection, "demo") == 1
    for _ in range(2):
        asyncio.run(_ask_much(wrong))
    assert _logins(sandbox) == before + 3


def test_a_session_without_a_gate_asks_once_too() -> None:
    tries = 0

    async def log_in() -> str:
        nonlocal tries
        tries += 1
        raise LoginRefused("no")

    async def ask() -> None:
        session = Session(log_in)
        for _ in range(5):
            with pytest.raises(LoginRefused):
                await session.current()

    asyncio.run(ask())
    assert tries == 1
