"""Plans that were added in BenefitPoint, as policies for AMS360's outbox, or as waiting for a code (B5)."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.rules.accounts.benefitpoint_records import BenefitPlan
from ams_etl.rules.accounts.plan_codes import Named, PlanMappings
from ams_etl.rules.accounts.plan_policies import policy_for_ams360
from ams_etl.store.agency_db import AgencyDb
from ams_etl.writeback.benefit_plans.codes import carriers_of, listed_codes, product_types_of
from ams_etl.writeback.benefit_plans.corrections import withdraw_outdated
from ams_etl.writeback.benefit_plans.waiting import WaitingPlan, keep_waiting
from ams_etl.writeback.outbox.enqueue import NewWrite, enqueue
from ams_etl.writeback.outbox.lanes import lock

SYSTEM = "ams360"
OPERATION = "plan_policy"
_NAMESPACE = UUID("0d2f0a3c-51b6-5c1e-9f0e-7a4d6b1c2e90")


def enqueue_plans(connection: psycopg.Connection[Any], agency: str, today: date, mappings: PlanMappings | None) -> int:
    """Put the plans into the outbox that AMS360 lacks: on linked accounts, added since BenefitPoint was first read.

    Those that were there from the beginning are not added: AMS360 may well have them under another number. A plan that
    names its AMS360 policy, or of which one was made, is not added either. One without a code, or with a code that
    AMS360 does not list, waits in `ops.waiting_plans`, which is rewritten each time. A write that AMS360 refused gets the
    record as it would be today, for `parked.replay`. One that was not sent yet follows its plan: corrected, it is sent
    so; on an account that is another customer's by now, to that one, though the first refused it; gone, not at all.
    Call it after the policies were published.

    Args:
        connection: autocommit.
        agency: the agency id.
        today: in the agency's time zone.
        mappings: the agency's codes; None where it has no BenefitPoint any more: nothing is added, nothing waits.

    Returns:
        How many writes are new.
    """
    with connection.transaction():
        lock(connection, agency)
        rows = [] if mappings is None else _new_plans(connection, agency)
        if mappings is None or not rows:
            withdraw_outdated(connection, agency, SYSTEM, OPERATION, [])
            keep_waiting(connection, agency, [])
            return 0
        listed = listed_codes(connection, agency, mappings)
        carriers, product_types = carriers_of(connection, agency), product_types_of(connection, agency)
        writes, waiting = [], []
        for payload, customer_id, account_id in rows:
            plan = BenefitPlan.from_payload(payload)
            carrier = carriers.get(plan.carrier_id, Named(plan.carrier_id)) if plan.carrier_id else None
            kind = plan.product_type_id
            product_type = product_types.get(kind, Named(kind)) if kind else None
            decided = policy_for_ams360(plan, carrier, product_type, mappings, listed, today)
            writeback_id = uuid5(_NAMESPACE, f"{agency}\x1f{plan.plan_id}")
            waiting += [WaitingPlan(plan.plan_id, account_id, writeback_id, reason) for reason in decided.waiting]
            if decided.policy is not None:
                request = {"Policy": decided.policy, "plan_id": plan.plan_id}
                writes.append(NewWrite(writeback_id, "benefitpoint_plan", OPERATION, customer_id, request, customer_id))
        withdraw_outdated(connection, agency, SYSTEM, OPERATION, writes)
        keep_waiting(connection, agency, waiting)
        _mend_refused(connection, agency, writes)
        return enqueue(connection, agency, SYSTEM, writes)


def _new_plans(connection: psycopg.Connection[Any], agency: str) -> list[tuple[dict[str, Any], str, UUID]]:
    return connection.execute(
        """select p.payload, a.ams360_customer_id, a.account_id
        from raw_benefitpoint.plans p
        join mart.accounts a on (a.agency, a.benefitpoint_account_id) = (p.agency, p.customer_id::int)
        join mart.policies m on (m.agency, m.benefitpoint_plan_id) = (p.agency, p.entity_id::int)
        where p.agency = %(agency)s and p.deleted_at is null and a.ams360_synced and m.ams360_policy_id is null
            and p.payload #>> '{policyIntegrationInfo,amsPolicyID}' is null
            and p.first_seen_at > (
                select min(first_seen_at) from raw_benefitpoint.accounts where agency = %(agency)s)
            and not exists (select from ops.plan_links l
                where (l.agency, l.benefitpoint_plan_id) = (p.agency, p.entity_id::int))
        order by p.entity_id::int""",
        {"agency": agency},
    ).fetchall()


def _mend_refused(connection: psycopg.Connection[Any], agency: str, writes: Sequence[NewWrite]) -> None:
    """Decide failed writes again by today's record and settings, as `replay` promises; nothing is sent for it here."""
    refused = AgencyDb(connection, agency).column(
        """select writeback_id from ops.writebacks
        where agency = %(agency)s and system = %(system)s and status = 'failed' and operation = %(operation)s""",
        system=SYSTEM,
        operation=OPERATION,
    )
    mended = [write for write in writes if write.writeback_id in refused]
    if mended:
        connection.execute(
            """update ops.writebacks w set request = x.request
            from unnest(%(ids)s::uuid[], %(requests)s::jsonb[]) x (writeback_id, request)
            where w.agency = %(agency)s and w.writeback_id = x.writeback_id and w.status = 'failed'
                and w.request is distinct from x.request""",
            {
                "agency": agency,
                "ids": [write.writeback_id for write in mended],
                "requests": [Jsonb(write.request) for write in mended],
            },
        )
