"""Which deliverer has claimed writes, and until when: after a kill, nobody else can send them before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.store.agency_db import AgencyDb


@dataclass(frozen=True, slots=True)
class Claim:
    """One deliverer's claims in one system's outbox.

    Attributes:
        claimed_by: host, process and a random part.
        claimed: writes that it has.
        behind: writes that wait in the same lanes.
        until: when the last of its claims runs out; the next delivery after that takes them over.
        seconds_left: until then.
    """

    system: str
    claimed_by: str
    claimed: int
    behind: int
    until: datetime
    seconds_left: int

    def __str__(self) -> str:
        """Say it in one line for people."""
        return (
            f"{self.claimed + self.behind:,} writes to {self.system} wait for the claim of {self.claimed_by} until "
            f"{self.until:%H:%M:%S %Z} ({self.seconds_left:,} s): either it is delivering them, or it was killed and the "
            f"next delivery after that takes them over"
        )


def claims(connection: psycopg.Connection[Any], agency: str) -> list[Claim]:
    """Return the claims in an agency's outboxes, the longest first."""
    return AgencyDb(connection, agency).rows(
        Claim,
        """select c.system, c.claimed_by, count(*) as claimed, coalesce(sum(b.writes), 0)::int as behind,
                max(c.claim_expires_at) as until,
                greatest(0, extract(epoch from max(c.claim_expires_at) - now()))::int as seconds_left
            from ops.writebacks c
            cross join lateral (select count(*) as writes from ops.writebacks w
                where w.agency = c.agency and w.system = c.system and w.lane = c.lane and w.status = 'waiting') b
            where c.agency = %(agency)s and c.status in ('claimed', 'delivering') and c.claimed_by is not null
                and c.claim_expires_at is not null
            group by c.system, c.claimed_by order by until desc""",
    )
