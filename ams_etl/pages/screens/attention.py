"""What needs a person, the most urgent first, each with the page where it is dealt with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

OLD_FULL_SYNC = timedelta(days=8)
"""A weekly full sync that is a day late."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something for a person; `level` is problem or warning, `place` the page after the agency."""

    level: str
    sentence: str
    place: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An agency's state in numbers, read in one query."""

    numbers: dict[str, Any]

    def needs(self) -> Iterator[Need]:
        """Yield what needs a person, the most urgent first."""
        found = self.numbers
        last: datetime | None = found["last_full_sync"]
        if found["refused_since"] is not None:
            yield Need(
                "problem", "A system refused the login; nothing is read from it until the login is right.", "/set-up"
            )
        elif found["login_problem"] is not None:
            yield Need("problem", f"A login does not work: {found['login_problem']}", "/set-up")
        if last is None:
            yield Need("problem", "No full sync has finished yet.", "#sync")
        elif datetime.now(UTC) - last > OLD_FULL_SYNC:
            yield Need("problem", "The last full sync is more than eight days old.", "#sync")
        if found["last_state"] == "failed":
            yield Need("problem", f"The last sync failed: {found['last_error'] or 'see the log'}", "/log")
        if found["stopped_by"]:
            yield Need("problem", f"A plan waits for a decision: {found['stopped_by']}", "/plan")
        for number, level, singular, plural, place in (
            ("uncertain", "problem", "write has an unknown outcome", "writes have an unknown outcome",
             "/writeback?status=uncertain"),
            ("failed", "problem", "write failed", "writes failed", "/writeback?status=failed"),
            ("parked", "warning", "notification could not be interpreted", "notifications could not be interpreted",
             "/log/notifications?state=parked"),
            ("quarantined", "warning", "record could not be read", "records could not be read", "/missing?reason=quarantined"),
            ("unmapped", "warning", "employee who holds contacts has no user", "employees who hold contacts have no user",
             "/users?needs=1"),
            ("suggested", "warning", "link to BenefitPoint is suggested", "links to BenefitPoint are suggested",
             "/accounts/links?state=suggested"),
            ("waiting_plans", "warning", "benefit plan waits for a code", "benefit plans wait for a code", "/accounts/plans"),
        ):  # fmt: skip
            if found[number]:
                yield Need(level, f"{found[number]:,} {singular if found[number] == 1 else plural}.", place)


def standing_of(connection: psycopg.Connection[Any], agency: str) -> Standing:
    """Read an agency's state."""
    with connection.cursor(row_factory=dict_row) as cursor:
        numbers = cursor.execute(_NUMBERS, {"agency": agency}).fetchone()
    return Standing(numbers or {})


_NUMBERS = """with writes as (
    select status, count(*) as n from ops.writebacks
    where agency = %(agency)s and status in ('waiting', 'pending', 'claimed', 'delivering', 'failed', 'uncertain') group by 1),
newest as (
    select state, error from ops.sync_runs where agency = %(agency)s order by started_at desc limit 1)
select
    (select max(published_at) from ops.sync_runs where agency = %(agency)s and mode = 'full') as last_full_sync,
    (select state from newest) as last_state, (select error from newest) as last_error,
    (select stopped_by from stage.plans where agency = %(agency)s) as stopped_by,
    (select min(refused_at) from ops.login_refusals where agency = %(agency)s) as refused_since,
    (select min(problem) from ops.login_checks where agency = %(agency)s) as login_problem,
    (select coalesce(sum(n), 0)::bigint from writes where status in ('waiting', 'pending', 'claimed', 'delivering')) as waiting,
    (select coalesce(sum(n), 0)::bigint from writes where status = 'uncertain') as uncertain,
    (select coalesce(sum(n), 0)::bigint from writes where status = 'failed') as failed,
    (select count(*) from ops.notifications where agency = %(agency)s and state = 'parked') as parked,
    (select count(*) from ops.quarantine where agency = %(agency)s) as quarantined,
    (select count(*) from (select distinct connection_type, employee_code from mart.connections
        where agency = %(agency)s and user_id is null) x) as unmapped,
    (select count(*) from ops.account_links where agency = %(agency)s and state = 'suggested') as suggested,
    (select count(distinct benefitpoint_plan_id) from ops.waiting_plans where agency = %(agency)s) as waiting_plans"""
