"""Back-off is bounded and jittered; turns are bounded and paced."""

import asyncio
import time
from email.utils import formatdate

import pytest

from ams_etl.errors import DataError, TransientError
from ams_etl.sources.calling.pacing import Pace
from ams_etl.sources.calling.retry import BusyError, RetryPolicy, retried, seconds_to_wait
from ams_etl.sources.calling.session import Session
from ams_etl.sources.calling.slot_keeper import BEAT_SECONDS
from ams_etl.sources.calling.turns import Turns

QUICK = RetryPolicy(tries=4, first_seconds=0.001, longest_seconds=0.01)


class Calls:
    def __init__(self, *outcomes: Exception | str) -> None:
        self.outcomes, self.made, self.noted = list(outcomes), 0, 0

    async def __call__(self) -> str:
        self.made += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def note(self) -> None:
        self.noted += 1


async def test_a_transient_error_is_tried_again() -> None:
    calls = Calls(TransientError("a"), BusyError("b", after=0.0), "answer")
    assert await retried(calls, QUICK, "Op", calls.note) == "answer"
    assert (calls.made, calls.noted) == (3, 2)


async def test_tries_are_bounded() -> None:
    calls = Calls(*(TransientError(f"the server answers {n}") for n in range(9)))
    with pytest.raises(TransientError, match=r"Op: the server answers 3 \(4 tries\); try again later"):
        await retried(calls, QUICK, "Op", calls.note)
    assert calls.made == 4


async def test_what_was_tried_inside_is_not_tried_again_outside() -> None:
    """A login inside a read: without this, 4 tries become 16, and the message says so twice."""
    calls = Calls(*(TransientError(f"the server answers {n}") for n in range(16)))

    async def read() -> str:
        return await retried(calls, QUICK, "Login", calls.note)

    with pytest.raises(TransientError) as raised:
        await retried(read, QUICK, "Read", calls.note)
    assert (calls.made, str(raised.value)) == (4, "Login: the server answers 3 (4 tries); try again later")


async def test_any_other_error_is_not_tried_again() -> None:
    calls = Calls(DataError("bad"))
    with pytest.raises(DataError):
        await retried(calls, QUICK, "Op", calls.note)
    assert calls.made == 1


def test_delays_grow_and_are_bounded() -> None:
    policy = RetryPolicy(first_seconds=0.25, longest_seconds=20)
    for failed, ceiling in ((1, 0.25), (2, 0.5), (3, 1.0), (10, 20.0)):
        delays = [policy.delay(failed, None) for _ in range(200)]
        assert 0 < min(delays) < ceiling / 2 < max(delays) <= ceiling
    assert 5 <= policy.delay(1, 5.0) <= 5.1
    assert policy.delay(1, 3600.0) <= 21


def test_retry_after_is_seconds_or_a_date() -> None:
    assert seconds_to_wait("7") == 7
    assert seconds_to_wait(None) is None
    assert seconds_to_wait("soon") is None
    assert seconds_to_wait("²") is None
    waiting = seconds_to_wait(formatdate(time.time() + 30, usegmt=True))
    assert waiting is not None
    assert 25 < waiting <= 30


async def test_never_more_calls_in_flight_than_turns() -> None:
    pace = Pace(3)
    in_flight: list[int] = [0]
    seen: list[int] = []

    async def call() -> None:
        in_flight[0] += 1
        seen.append(in_flight[0])
        await asyncio.sleep(0.001)
        in_flight[0] -= 1

    await asyncio.gather(*(pace.in_turn(call) for _ in range(50)))
    assert max(seen) == 3


async def test_calls_begin_evenly() -> None:
    pace = Pace(10, calls_per_second=100)
    began = time.monotonic()
    await asyncio.gather(*(pace.in_turn(pace.start) for _ in range(11)))
    assert time.monotonic() - began >= 0.09


async def test_a_turn_that_is_given_up_while_waiting_goes_to_the_next() -> None:
    pace = Pace(1, calls_per_second=2)
    await pace.start()
    waiting = asyncio.ensure_future(pace.in_turn(pace.start))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(pace.in_turn(pace.start), 3)


async def test_many_calls_that_find_a_dead_ticket_cause_one_login() -> None:
    tickets = iter(["first", "second"])

    async def log_in() -> str:
        await asyncio.sleep(0.01)
        return next(tickets)

    session = Session(log_in)
    assert set(await asyncio.gather(*(session.current() for _ in range(20)))) == {"first"}
    assert set(await asyncio.gather(*(session.renewed("first") for _ in range(20)))) == {"second"}
    assert session.logins == 2


async def test_a_login_that_fails_leaves_no_ticket() -> None:
    async def log_in() -> str:
        raise TransientError("busy")

    session = Session(log_in)
    with pytest.raises(TransientError):
        await session.current()
    assert session.ticket is None


async def test_turns_shrink_as_calls_end_and_grow_at_once() -> None:
    turns = Turns(2)
    await turns.take()
    await turns.take()
    waiting = [asyncio.ensure_future(turns.take()) for _ in range(3)]
    await asyncio.sleep(0)
    turns.allow(1)
    turns.give_back()
    await asyncio.sleep(0)
    assert (turns.in_flight, [each.done() for each in waiting]) == (1, [False] * 3)
    turns.allow(3)
    await asyncio.sleep(0)
    assert (turns.in_flight, [each.done() for each in waiting]) == (3, [True, True, False])
    assert turns.peak_demand() == 5
    assert turns.peak_demand() == turns.demand == 4
    waiting[2].cancel()


async def test_a_turn_that_comes_in_the_moment_of_a_cancellation_is_not_lost() -> None:
    turns = Turns(1)
    await turns.take()
    first, second = (asyncio.ensure_future(turns.take()) for _ in range(2))
    await asyncio.sleep(0)
    turns.give_back()
    first.cancel()
    await asyncio.wait([first, second], timeout=3)
    assert (first.cancelled(), second.done(), turns.in_flight) == (True, True, 1)


class _Slots:
    """A share whose answers are given: a number, or an error."""

    expires_seconds = 15.0

    def __init__(self, *answers: int | TransientError) -> None:
        self.answers, self.released = list(answers), 0

    def share(self, most: int, held: int, wanted: int) -> int:
        del most, held, wanted
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TransientError):
            raise answer
        return answer

    def release(self) -> None:
        self.released += 1


async def test_calls_end_with_the_reason_while_no_share_can_be_had_and_go_on_afterwards() -> None:
    slots = _Slots(TransientError("Postgres does not answer"), 2)
    pace = Pace(2, slots=slots)
    with pytest.raises(TransientError, match="Postgres does not answer"):
        await pace.in_turn(pace.start)
    while True:
        try:
            await pace.in_turn(pace.start)
        except TransientError:
            await asyncio.sleep(0.05)
        else:
            break
    await pace.close()
    assert slots.released == 1


async def test_a_database_that_is_away_for_a_moment_stops_nobody() -> None:
    slots = _Slots(2, TransientError("Postgres does not answer"))
    pace = Pace(2, slots=slots)
    await pace.in_turn(pace.start)
    await asyncio.sleep(BEAT_SECONDS + 0.1)
    assert len(slots.answers) == 1
    await pace.in_turn(pace.start)
    await pace.close()
