"""How much of a customer list a sweep has in memory at once: the large answers of an agency come one after the other."""

import pytest

from ams_etl.sources.ams360 import Ams360, open_ams360
from ams_etl.sources.calling.answers import Listing
from ams_etl.sources.name_prefixes import STANDARD
from ams_etl.sync.extract import ams360_sweep
from ams_etl_tests.sandbox_process import running_sandbox


async def test_large_answers_are_asked_for_few_at_once_and_small_ones_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is in memory from when it is asked for until it is taken; however it goes, each prefix is asked for once."""
    events: list[tuple[str, bool]] = []
    rows: dict[str, int] = {}
    ask = ams360_sweep._ask

    async def noted(ams360: Ams360, prefix: str) -> tuple[str, Listing]:
        events.append((prefix, True))
        return await ask(ams360, prefix)

    monkeypatch.setattr(ams360_sweep, "_ask", noted)
    with running_sandbox(size=600) as sandbox:
        for rows_at_once in (ams360_sweep.ROWS_AT_ONCE, 60):
            monkeypatch.setattr(ams360_sweep, "ROWS_AT_ONCE", rows_at_once)
            events.clear()
            async with open_ams360(sandbox.connection()) as ams360:
                async for prefix, listing in ams360_sweep._answers(ams360, STANDARD):
                    rows[prefix] = len(listing.records)
                    events.append((prefix, False))
            assert sorted(prefix for prefix, asked in events if asked) == sorted(STANDARD)
            answers, held = _peaks(events, rows)
            assert answers == ams360_sweep.PREFIXES_AT_ONCE
            whole, largest = sum(rows.values()), max(rows.values())
            if rows_at_once == 60:
                assert held <= 60 + 2 * largest < whole / 2
            else:
                assert held > whole / 2


def _peaks(events: list[tuple[str, bool]], rows: dict[str, int]) -> tuple[int, int]:
    """Return the most answers, and the most rows of answers, that were asked for and not taken yet."""
    answers, held = 0, 0
    waiting: set[str] = set()
    for prefix, asked in events:
        (waiting.add if asked else waiting.discard)(prefix)
        answers = max(answers, len(waiting))
        held = max(held, sum(rows[each] for each in waiting))
    return answers, held
