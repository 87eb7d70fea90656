"""Plans that were added in BenefitPoint, as policies for AMS360's outbox (B5)."""

from datetime import date
from typing import Any
from uuid import UUID, uuid5

import psycopg

from ams_etl.rules.benefitpoint_records import Plan
from ams_etl.rules.plan_policies import policy_for_ams360
from ams_etl.writeback.enqueue import NewWrite, enqueue
from ams_etl.writeback.lanes import lock

SYSTEM = "ams360"
OPERATION = "plan_policy"
_NAMESPACE = UUID("0d2f0a3c-51b6-5c1e-9f0e-7a4d6b1c2e90")


def enqueue_plans(connection: psycopg.Connection[Any], agency: str, today: date) -> int:
    """Put the plans into the outbox that AMS360 lacks: on linked accounts, added since BenefitPoint was first read.

    Those that were there from the beginning are not added: AMS360 may well have them under another number. A plan that
    names its AMS360 policy, or of which one was made, is not added either. Call it after the policies were published.

    Args:
        connection: autocommit.
        agency: the agency id.
        today: in the agency's time zone.

    Returns:
        How many writes are new.
    """
    with connection.transaction():
        lock(connection, agency)
        rows = connection.execute(
            """select p.payload, a.ams360_customer_id, c.payload ->> 'carrierName'
            from raw_benefitpoint.plans p
            join mart.accounts a on (a.agency, a.benefitpoint_account_id) = (p.agency, p.customer_id::int)
            join mart.policies m on (m.agency, m.benefitpoint_plan_id) = (p.agency, p.entity_id::int)
            left join raw_benefitpoint.carriers c on (c.agency, c.entity_id) = (p.agency, p.payload ->> 'carrierID')
            where p.agency = %(agency)s and p.deleted_at is null and a.ams360_synced and m.ams360_policy_id is null
                and p.payload #>> '{policyIntegrationInfo,amsPolicyID}' is null
                and p.first_seen_at > (
                    select min(first_seen_at) from raw_benefitpoint.accounts where agency = %(agency)s)
                and not exists (select from ops.plan_links l
                    where (l.agency, l.benefitpoint_plan_id) = (p.agency, p.entity_id::int))
            order by p.entity_id::int""",
            {"agency": agency},
        ).fetchall()
        writes = []
        for payload, customer_id, carrier in rows:
            plan = Plan.from_payload(payload)
            policy = policy_for_ams360(plan, carrier=carrier, today=today)
            if policy is not None:
                writes.append(
                    NewWrite(
                        uuid5(_NAMESPACE, f"{agency}\x1f{plan.plan_id}"),
                        "benefitpoint_plan",
                        OPERATION,
                        customer_id,
                        {"Policy": policy, "plan_id": plan.plan_id},
                        customer_id,
                    )
                )
        return enqueue(connection, agency, SYSTEM, writes)
