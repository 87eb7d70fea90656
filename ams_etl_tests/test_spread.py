"""However many agencies have something to do, a tick asks for few runs, and everybody's turn comes."""

from hypothesis import given
from hypothesis import strategies as st

from ams_etl.defs.spread import RUNS_A_TICK, turns


@given(st.lists(st.text(min_size=1), unique=True, max_size=120), st.integers(0, 10_000))
def test_every_agency_has_its_turn(agencies: list[str], first: int) -> None:
    """Within as many ticks as their number needs, wherever the counting starts."""
    ticks = -(-len(agencies) // RUNS_A_TICK)
    asked = [turns(agencies, first + tick) for tick in range(ticks + 1)]
    assert all(len(entry) == len(set(entry)) <= RUNS_A_TICK for entry in asked)
    assert {agency for entry in asked for agency in entry} == set(agencies)
