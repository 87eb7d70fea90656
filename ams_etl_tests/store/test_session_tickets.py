"""One process logs in while the others wait for its ticket, which nobody without the password can read."""

from typing import Any

import psycopg

from ams_etl.store.shared_access.session_tickets import PostgresTicket

_TICKET = "dGlja2V0LW9mLWEtc2Vzc2lvbg"


def test_one_logs_in_and_the_others_take_its_ticket(database: str, connection: psycopg.Connection[Any]) -> None:
    first, second = (PostgresTicket(database, "demo", "ams360", "no\netl\npassword") for _ in range(2))
    assert first.take(None) == (None, True)
    assert second.take(None) == (None, False)
    first.keep(_TICKET)
    assert second.take(None) == first.take("another") == (_TICKET, False)
    sealed = connection.execute("select sealed from ops.session_tickets").fetchone()
    assert sealed is not None
    assert _TICKET.encode() not in bytes(sealed[0])
    assert second.take(_TICKET) == (None, True), "the system takes it no longer"
    second.keep(None)
    assert first.take(_TICKET) == (None, True), "the login failed: the next one tries"


def test_another_password_does_not_open_it(database: str) -> None:
    first, other = (PostgresTicket(database, "demo", "ams360", f"no\netl\n{password}") for password in "ab")
    assert first.take(None) == (None, True)
    first.keep(_TICKET)
    assert other.take(None) == (None, True)
    assert PostgresTicket(database, "next", "ams360", "no\netl\na").take(None) == (None, True)


def test_an_old_ticket_and_a_login_that_never_ended_hold_nobody_up(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    tickets = PostgresTicket(database, "demo", "ams360", "no\netl\na")
    assert tickets.take(None) == (None, True)
    connection.execute("update ops.session_tickets set login_until = clock_timestamp() - interval '1 second'")
    assert tickets.take(None) == (None, True)
    tickets.keep(_TICKET)
    connection.execute("update ops.session_tickets set obtained_at = clock_timestamp() - interval '11 minutes'")
    assert tickets.take(None) == (None, True)
