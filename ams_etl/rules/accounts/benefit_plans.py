"""Benefit plans and AMS360 policies: decide which are the same, and whose value counts."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

from ams_etl.rules.accounts.benefitpoint_records import BenefitPlan
from ams_etl.rules.immutable import immutable
from ams_etl.rules.records.ams360 import Policy

_STATUS = {"A": "active", "C": "cancelled", "N": "non_renewed"}
_PLAN_STATUS = {"current": "active"}
NO_POLICIES = frozenset({"A", "S"})
"""Sub-types that are no policies: accounting and submissions."""


@immutable(frozen=True, slots=True)
class AccountPolicy:
    """A row of `mart.policies`, its ids apart; `premium` is for a year or the term."""

    origin: Literal["ams360", "benefitpoint"]
    policy_number: str | None
    status: str | None
    line_of_business: str | None
    carrier: str | None
    effective_date: date | None
    expiration_date: date | None
    is_continuous: bool
    premium: Decimal | None


def named_by_plan(plan_id: int | None, policy_id: str | None, links: Mapping[int, str]) -> bool:
    """Whether a policy has its plan's id: where it was made of the plan (B5), or AMS360 has none."""
    return plan_id is not None and (policy_id is None or links.get(plan_id, "").lower() == policy_id.lower())


def is_policy(policy: Policy) -> bool:
    """Whether an AMS360 record is a policy: accounting sub-types and submissions are not (L1)."""
    return policy.sub_type not in NO_POLICIES


def pair_plans(
    plans: Iterable[tuple[int, str | None]], links: Mapping[int, str], policies: Iterable[str]
) -> dict[str, int]:
    """Which plan is which AMS360 policy, as policy id -> plan id (B5).

    A plan is the policy that was made of it, else the one that it names by `amsPolicyID`; of several plans that name one
    policy it is the lowest id's.

    Args:
        plans: (plan id, amsPolicyID in lower case) of live plans.
        links: plan id -> policy id of policies that were made of plans.
        policies: ids of live AMS360 policies.
    """
    live = {policy.lower(): policy for policy in policies}
    paired: dict[str, int] = {}
    for plan_id, named in sorted(plans, key=lambda plan: (plan[0] not in links, plan[0])):
        policy = live.get((links.get(plan_id) or named or "").lower())
        if policy is not None:
            paired.setdefault(policy, plan_id)
    return paired


def policy_from_ams360(
    policy: Policy, *, has_plan: bool, companies: Mapping[str, str], lines: Mapping[str, str]
) -> AccountPolicy:
    """AMS360's values; it is BenefitPoint's by origin where a plan is behind it.

    Args:
        policy: the record.
        has_plan: a plan is this policy.
        companies: carriers' names by code.
        lines: names of lines of business by code.
    """
    return AccountPolicy(
        origin="benefitpoint" if has_plan else "ams360",
        policy_number=policy.policy_number,
        status=_STATUS.get(policy.status or "", policy.status),
        line_of_business=", ".join(lines.get(line, line) for line in policy.lines_of_business) or None,
        carrier=None if policy.company_code is None else companies.get(policy.company_code, policy.company_code),
        effective_date=policy.effective,
        expiration_date=policy.expiration,
        is_continuous=policy.is_continuous,
        premium=policy.premium,
    )


def policy_from_plan(
    plan: BenefitPlan, *, carriers: Mapping[int, str], product_types: Mapping[int, str]
) -> AccountPolicy:
    """A plan that AMS360 does not have: its renewal ends the term, its monthly premium counts for a year.

    Args:
        plan: the plan.
        carriers: names by id.
        product_types: lines of coverage by id.
    """
    return AccountPolicy(
        origin="benefitpoint",
        policy_number=plan.policy_number,
        status=_PLAN_STATUS.get(plan.status or "", plan.status),
        line_of_business=product_types.get(plan.product_type_id or 0) or plan.name,
        carrier=carriers.get(plan.carrier_id or 0),
        effective_date=plan.effective_date,
        expiration_date=plan.renewal_date,
        is_continuous=plan.is_continuous,
        premium=None if plan.monthly_premium is None else plan.monthly_premium * 12,
    )
