"""Whoever waits is answered after the commit that holds its item, with its own answer, whatever happens to others."""

import asyncio

import pytest

from ams_etl.errors import TransientError
from ams_etl.store.group_commit import GroupCommit


async def test_what_arrives_during_a_commit_shares_the_next_one() -> None:
    """One item waits for nobody; 20 that arrive meanwhile cost groups of at most 8, and each gets its own answer."""
    groups: list[list[int]] = []
    gate = asyncio.Event()

    async def commit(items: list[int]) -> list[int | Exception]:
        groups.append(items)
        await gate.wait()
        return [ValueError(str(item)) if item == 13 else item * 10 for item in items]

    commits: GroupCommit[int, int] = GroupCommit(commit, most=8)
    running = asyncio.create_task(commits.run())
    first = asyncio.create_task(commits.submit(0))
    while not groups:
        await asyncio.sleep(0)
    several = [asyncio.create_task(commits.submit(item)) for item in range(1, 21)]
    given_up = asyncio.create_task(commits.submit(99))
    await asyncio.sleep(0)
    given_up.cancel()
    assert not first.done()
    gate.set()
    answers = await asyncio.gather(first, *several, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [
        item * 10 for item in range(21) if item != 13
    ]
    assert str(answers[13]) == "13"
    assert groups == [[0], list(range(1, 9)), list(range(9, 17)), list(range(17, 21))]
    commits.close()
    await running


async def test_a_commit_that_fails_answers_all_of_its_group_and_the_next_is_tried() -> None:
    """And `close` lets what waits be committed, takes no more, and ends `run`."""
    fails = True

    async def commit(items: list[str]) -> list[str | Exception]:
        if fails:
            raise TransientError("Postgres does not answer")
        return [item.upper() for item in items]

    commits: GroupCommit[str, str] = GroupCommit(commit)
    running = asyncio.create_task(commits.run())
    lost = await asyncio.gather(commits.submit("a"), commits.submit("b"), return_exceptions=True)
    assert [str(error) for error in lost] == ["Postgres does not answer"] * 2
    fails = False
    last = asyncio.create_task(commits.submit("c"))
    await asyncio.sleep(0)
    commits.close()
    with pytest.raises(TransientError, match="stopping"):
        await commits.submit("d")
    await running
    assert await last == "C"
