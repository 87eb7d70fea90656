"""What a plan of BenefitPoint is as a policy of AMS360."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal

from ams_etl.rules.accounts.benefitpoint_records import BenefitPlan
from ams_etl.rules.accounts.plan_codes import CodeMapping, Listed, ListedCode, Named, PlanMappings, Waiting, look_up
from ams_etl.rules.immutable import immutable

_NUMBER = 25
"""Letters of a policy number; a longer one is cut."""


@immutable(frozen=True, slots=True)
class PlanDecision:
    """What becomes of a new plan: a policy, or what it waits for, or neither, where it is over."""

    policy: dict[str, Any] | None = None
    waiting: tuple[Waiting, ...] = ()


def policy_for_ams360(
    plan: BenefitPlan,
    carrier: Named | None,
    product_type: Named | None,
    mappings: PlanMappings,
    listed: Listed,
    today: date,
) -> PlanDecision:
    """B5: a new plan as a Policy to insert, in the contract's order, or everything that it waits for.

    Number, term, yearly premium, the company and the line of business by their codes with the types that AMS360 lists
    for them, and a description that names plan and carrier. A plan without a number gets one that tells its id. What a
    plan does not name needs no code: AMS360 asks for neither. A plan that is over is nothing any more.

    Args:
        plan: the plan.
        carrier: its carrier; None where it names none.
        product_type: the same.
        mappings: the agency's settings.
        listed: AMS360's codes, as last read.
        today: in the agency's time zone; a term that ended before is no policy any more.
    """
    if plan.is_over or _has_ended(plan, today):
        return PlanDecision()
    company = _code("carrier", carrier, mappings.carriers, listed.companies)
    line = _code("line_of_business", product_type, mappings.lines_of_business, listed.lines_of_business)
    waiting = [reference for reference in (company, line) if isinstance(reference, Waiting)]
    if plan.effective_date is None:
        waiting.append(Waiting("effective_date", "it has no first day (effectiveAsOf) in BenefitPoint yet"))
    if plan.effective_date is None or isinstance(company, Waiting) or isinstance(line, Waiting):
        return PlanDecision(waiting=tuple(waiting))
    by = f" ({carrier.names[0]})" if carrier is not None and carrier.names else ""
    members = {
        "PolicyNumber": (plan.policy_number or f"BP-{plan.plan_id}")[:_NUMBER],
        "TypeOfBusiness": line and line[1].kind,
        "WritingCompanyCode": company and company[0],
        "PolicyEffectiveDate": f"{plan.effective_date}T00:00:00",
        "PolicyExpirationDate": f"{max(_end(plan, plan.effective_date), plan.effective_date)}T00:00:00",
        "IsContinuous": plan.is_continuous,
        "FullTermPremium": None if plan.monthly_premium is None else f"{plan.monthly_premium * 12:.2f}",
        "CompanyType": company and company[1].kind,
        "Description": f"Plan of BenefitPoint: {plan.name or plan.plan_id}{by}"[:120],
        "LineOfBusinessList": line and {"PolicyLineOfBusiness": [{"PolicyLineOfBusiness": line[0]}]},
    }
    return PlanDecision({name: value for name, value in members.items() if value is not None})


def _has_ended(plan: BenefitPlan, today: date) -> bool:
    if plan.is_continuous:
        return False
    ends = plan.renewal_date if plan.effective_date is None else _end(plan, plan.effective_date)
    return ends is not None and ends <= today


def _end(plan: BenefitPlan, begins: date) -> date:
    return plan.renewal_date or begins + timedelta(days=365)


def _code(
    waits_for: Literal["carrier", "line_of_business"],
    named: Named | None,
    mapping: CodeMapping,
    listed: Mapping[str, ListedCode],
) -> tuple[str, ListedCode] | Waiting | None:
    return None if named is None else look_up(waits_for, named, mapping, listed)
