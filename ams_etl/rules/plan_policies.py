"""What a plan of BenefitPoint is as a policy of AMS360."""

from datetime import date, timedelta
from typing import Any

from ams_etl.rules.benefitpoint_records import Plan

_OVER = frozenset({"cancelled", "expired"})
_NUMBER = 25
"""Letters of a policy number; a longer one is cut."""


def policy_for_ams360(plan: Plan, *, carrier: str | None, today: date) -> dict[str, Any] | None:
    """A new plan as a Policy to insert, or None where it is none any more or has no first day yet (B5).

    Number, term, yearly premium and a description that names plan and carrier; a plan without a number gets one that
    tells its id. Companies and lines of business have other codes in AMS360, so none is guessed.

    Args:
        plan: the plan.
        carrier: its carrier's name.
        today: in the agency's time zone; a term that ended before is no policy any more.
    """
    if plan.status in _OVER or plan.effective_date is None:
        return None
    ends = plan.renewal_date or plan.effective_date + timedelta(days=365)
    if ends <= today and not plan.is_continuous:
        return None
    told = f"Plan of BenefitPoint: {plan.name or plan.plan_id}" + (f" ({carrier})" if carrier else "")
    policy: dict[str, Any] = {
        "PolicyNumber": (plan.policy_number or f"BP-{plan.plan_id}")[:_NUMBER],
        "PolicyEffectiveDate": f"{plan.effective_date}T00:00:00",
        "PolicyExpirationDate": f"{max(ends, plan.effective_date)}T00:00:00",
        "IsContinuous": plan.is_continuous,
        "Description": told[:120],
    }
    if plan.monthly_premium is not None:
        policy["FullTermPremium"] = f"{plan.monthly_premium * 12:.2f}"
    return policy
