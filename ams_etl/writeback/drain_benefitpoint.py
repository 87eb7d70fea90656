"""Deliver what waits for one agency's BenefitPoint."""

from typing import Any

import psycopg

from ams_etl.settings import Agency
from ams_etl.sources.ams360 import run as run_async
from ams_etl.sources.benefitpoint import BenefitPointConnection, open_benefitpoint
from ams_etl.writeback.benefitpoint_target import BenefitPointTarget
from ams_etl.writeback.deliver import DeliveryReport, deliver


def drain_benefitpoint(
    connection: psycopg.Connection[Any],
    agency: Agency,
    benefitpoint: BenefitPointConnection,
    *,
    linger_seconds: float = 20.0,
) -> DeliveryReport:
    """Deliver until nothing is due any more; does not even log in where nothing is.

    Args:
        connection: autocommit; for this call alone.
        agency: the agency and its choices.
        benefitpoint: how to reach its BenefitPoint.
        linger_seconds: how long to wait for retries that come due.

    Raises:
        ConfigError: BenefitPoint refuses the login; everything waits on.
        TransientError: BenefitPoint does not answer at all.
    """
    _wait_for_customers(connection, agency.id)
    waiting = connection.execute(
        """select exists (select from ops.writebacks where agency = %s and system = 'benefitpoint'
            and status in ('pending', 'claimed', 'delivering'))""",
        (agency.id,),
    ).fetchone()
    if waiting != (True,):
        return DeliveryReport()

    async def work() -> DeliveryReport:
        async with open_benefitpoint(benefitpoint) as client:
            return await deliver(
                connection,
                agency.id,
                BenefitPointTarget(client, agency.id),
                agency.writeback,
                concurrency=benefitpoint.max_concurrency,
                lease_seconds=2 * benefitpoint.timeout_seconds + 60,
                linger_seconds=linger_seconds,
            )

    return run_async(work())


def _wait_for_customers(connection: psycopg.Connection[Any], agency: str) -> None:
    """Accounts that are to name a customer which AMS360 has not yet wait for it without using up tries."""
    connection.execute(
        """update ops.writebacks b set not_before = case when a.status in ('delivered', 'failed') then now()
            else now() + interval '5 minutes' end
        from ops.writebacks a
        where b.agency = %s and b.system = 'benefitpoint' and b.status = 'pending' and b.attempts = 0
            and b.operation = 'account' and a.agency = b.agency
            and a.writeback_id = (b.request ->> 'ams360_writeback')::uuid""",
        (agency,),
    )
