"""Deliver what waits for one agency's BenefitPoint."""

from typing import Any

import psycopg

from ams_etl.rules.accounts.platform_accounts import BenefitPointDefaults
from ams_etl.settings import Agency
from ams_etl.sources.benefitpoint.client import BenefitPointConnection, open_benefitpoint
from ams_etl.sources.calling.event_loop import run as run_async
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.lease import Lease
from ams_etl.writeback.delivery.benefitpoint_target import BenefitPointTarget
from ams_etl.writeback.delivery.deliver import DeliveryReport, deliver
from ams_etl.writeback.outbox.holding import hold_back


def drain_benefitpoint(
    connection: psycopg.Connection[Any],
    agency: Agency,
    benefitpoint: BenefitPointConnection,
    *,
    linger_seconds: float = 20.0,
    lease_seconds: float | None = None,
    lease: Lease | None = None,
) -> DeliveryReport:
    """Deliver until nothing is due any more; does not even log in where nothing is.

    Args:
        connection: autocommit; for this call alone.
        agency: the agency and its choices.
        benefitpoint: how to reach its BenefitPoint.
        linger_seconds: how long to wait for retries that come due.
        lease_seconds: see `deliver`; by default well beyond BenefitPoint's time-out.
        lease: `writeback`; None where nobody else delivers for the agency.

    Raises:
        ConfigError: BenefitPoint refuses the login; everything waits on.
        TransientError: BenefitPoint does not answer at all.
    """
    hold_back(connection, agency)
    is_due = AgencyDb(connection, agency.id).scalar(
        """select exists (select from ops.writebacks where agency = %(agency)s and system = 'benefitpoint'
            and (status in ('claimed', 'delivering')
                or (status = 'pending' and not_before <= now() + make_interval(secs => %(linger)s))))""",
        linger=linger_seconds,
    )
    if not is_due:
        return DeliveryReport()

    chosen = agency.benefitpoint.new_accounts if agency.benefitpoint else None
    defaults = BenefitPointDefaults(**chosen.model_dump()) if chosen else None

    async def work() -> DeliveryReport:
        async with open_benefitpoint(benefitpoint) as client:
            return await deliver(
                connection,
                agency.id,
                BenefitPointTarget(client, agency.id, defaults),
                agency.writeback,
                concurrency=benefitpoint.max_concurrency,
                lease_seconds=lease_seconds or 2 * benefitpoint.timeout_seconds + 60,
                linger_seconds=linger_seconds,
                lease=lease,
            )

    return run_async(work())
