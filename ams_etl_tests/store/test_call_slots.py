"""The processes of an agency never have more calls in flight than its limit, whatever each of them does when."""

import random
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_etl.store.shared_access.call_slots import Demand, PostgresCallSlots, fair_shares

_DEMANDS = st.lists(
    st.builds(Demand, st.uuids(), st.integers(0, 20), st.integers(0, 30), st.floats(0, 10)),
    max_size=8,
    unique_by=lambda demand: demand.holder,
)


@given(st.integers(1, 12), _DEMANDS)
def test_shares_are_fair(most: int, demands: list[Demand]) -> None:
    """Within the limit, nobody more than it wants, nobody nothing where there is enough, and nothing is left that is wanted."""
    shares = fair_shares(most, demands)
    assert sum(shares.values()) == min(most, sum(demand.wanted for demand in demands))
    for demand in demands:
        assert shares[demand.holder] <= demand.wanted
    calling = [demand for demand in demands if demand.wanted]
    if len(calling) <= most:
        assert all(shares[demand.holder] >= 1 for demand in calling)
        # Whoever gets less than it wants has as much as anybody, give or take one call; who wants little has all of it.
        short = [shares[demand.holder] for demand in calling if demand.wanted > shares[demand.holder]]
        assert max(shares.values(), default=0) - min(short, default=most) <= 1


def test_whoever_waits_longest_is_next_once_a_turn_is_over() -> None:
    """Two clients, one call: a turn goes on for a second and then is the other one's."""
    first, second = uuid.UUID(int=1), uuid.UUID(int=2)
    begun = [Demand(first, 1, 9, 0.5), Demand(second, 0, 1, 30.0)]
    assert fair_shares(1, begun)[first] == 1
    over = [Demand(first, 1, 9, 1.5), Demand(second, 0, 1, 0.1)]
    assert fair_shares(1, over)[second] == 1


@dataclass(slots=True)
class _Client:
    slots: PostgresCallSlots
    allowed: int = 0
    in_flight: int = 0

    def renew(self, most: int, wanted: int) -> None:
        self.allowed = self.slots.share(most, max(self.allowed, self.in_flight), max(wanted, self.in_flight))

    @property
    def held(self) -> int:
        return max(self.allowed, self.in_flight)


@pytest.mark.parametrize("most", [1, 3, 8])
def test_the_sum_never_exceeds_the_limit(database: str, most: int) -> None:
    """Four clients renew, begin calls, end them and go in any order; in between each may use all that it was allowed."""
    rng = random.Random(most)
    clients = [_Client(PostgresCallSlots(database, "demo", "ams360")) for _ in range(4)]
    used = 0
    for _ in range(250):
        client = rng.choice(clients)
        step = rng.random()
        if step < 0.1:
            client.allowed = client.in_flight = 0
            client.slots.release()
        elif step < 0.4:
            client.in_flight = rng.randint(0, client.in_flight)
        elif step < 0.6:
            client.in_flight = max(client.in_flight, client.allowed)
        else:
            client.renew(most, rng.choice((0, 1, 20)))
        assert sum(other.held for other in clients) <= most
        used = max(used, sum(other.in_flight for other in clients))
    assert used == most
    for client in clients:
        client.slots.release()


def test_what_a_process_held_that_is_gone_is_free_once_it_expires(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    gone, other = (PostgresCallSlots(database, "demo", "ams360") for _ in range(2))
    assert gone.share(8, 0, 8) == 8
    assert other.share(8, 0, 8) == 0
    elsewhere = PostgresCallSlots(database, "other", "ams360")
    assert elsewhere.share(8, 0, 8) == 8
    connection.execute("update ops.call_slots set expires_at = clock_timestamp() - interval '1 second'")
    assert other.share(8, 0, 8) == 8
    # It comes back and believes that it holds everything: it may begin nothing, and the others no more than what is left.
    assert gone.share(8, 8, 8) == 0
    for slots in (gone, other, elsewhere):
        slots.release()
    assert connection.execute("select count(*) from ops.call_slots").fetchone() == (0,)
