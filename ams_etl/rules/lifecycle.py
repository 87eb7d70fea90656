"""Lifecycle (L): client, prospect or inactive, by what the policies say today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ams_etl.rules.model import RecordType, SkipReason, Status, Tag
from ams_etl.rules.records import CustomerBundle, Policy
from ams_etl.rules.settings import ProspectsWithin, RuleSettings

_IN_FORCE, _CANCELLED, _NOT_RENEWED = "A", "C", "N"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A customer's standing today; `skip` is the reason and rule for which nothing of it becomes a contact."""

    status: Status
    in_force: tuple[Policy, ...]
    upcoming: tuple[Policy, ...]
    is_winback: bool
    rule: str
    skip: tuple[SkipReason, str] | None = None


def lifecycle_of(bundle: CustomerBundle, settings: RuleSettings, today: date) -> Lifecycle:
    """L2, L3, L4, L7: client, inactive or prospect.

    Active with a policy in force: client. Not active with policies: inactive, only with `import_inactive`. Active with
    none in force, or not active without any policy (again only with `import_inactive`): prospect.
    """
    policies = [policy for policy in bundle.policies if counts(policy, bundle.shell_policy_ids, settings)]
    in_force = tuple(policy for policy in policies if is_in_force(policy, today))
    upcoming = tuple(policy for policy in policies if is_upcoming(policy, today))
    active = bundle.customer.is_active
    if not active and not settings.import_inactive:
        return Lifecycle("inactive", in_force, upcoming, False, "L3", ("inactive", "L3" if policies else "L7"))
    if active and in_force:
        return Lifecycle("client", in_force, upcoming, False, "L2")
    if not active and policies:
        return Lifecycle("inactive", in_force, upcoming, False, "L3")
    skip = None if _is_wanted_prospect(bundle, policies, settings, today) else ("prospect", "L6")
    return Lifecycle(
        "prospect",
        in_force,
        upcoming,
        is_winback(policies, today),
        "L4" if active else "L7",
        skip,  # type: ignore[arg-type]
    )


def counts(policy: Policy, shells: frozenset[str], settings: RuleSettings) -> bool:
    """W8: submissions, accounting sub-types and shells that are still empty are no policies to the lifecycle."""
    if policy.sub_type and policy.sub_type.casefold() in settings.ignored_policy_sub_types:
        return False
    return policy.policy_id not in shells or bool(policy.premium) or bool(policy.lines_of_business)


def is_in_force(policy: Policy, today: date) -> bool:
    """L1: status A and effective <= today < expiration; a continuous one has no end."""
    if policy.status != _IN_FORCE or (policy.effective is not None and policy.effective > today):
        return False
    return policy.is_continuous or (policy.expiration is not None and today < policy.expiration)


def is_upcoming(policy: Policy, today: date) -> bool:
    """K2: status A and its term begins after today."""
    return policy.status == _IN_FORCE and policy.effective is not None and policy.effective > today


def is_winback(policies: Iterable[Policy], today: date) -> bool:
    """L5: at least one policy has expired, or was cancelled or not renewed."""
    return any(
        policy.status in {_CANCELLED, _NOT_RENEWED}
        or (policy.expiration is not None and policy.expiration <= today and not policy.is_continuous)
        for policy in policies
    )


def _is_wanted_prospect(
    bundle: CustomerBundle, policies: Iterable[Policy], settings: RuleSettings, today: date
) -> bool:
    """L6: all, none, or those within so many days of being added or of their newest policy's expiration.

    A prospect without any date stays: nothing says that it is old.
    """
    if not isinstance(settings.prospects, ProspectsWithin):
        return settings.prospects == "all"
    last = _last_sign(bundle, policies)
    return last is None or _days_later(last, settings.prospects.within_days) >= today


def _last_sign(bundle: CustomerBundle, policies: Iterable[Policy]) -> date | None:
    signs = [bundle.customer.date_added, *(policy.expiration for policy in policies)]
    return max((sign for sign in signs if sign is not None), default=None)


def _days_later(start: date, days: int) -> date:
    try:
        return start + timedelta(days=days)
    except OverflowError:
        return date.max


def default_tags(lifecycle: Lifecycle, record_type: RecordType) -> list[Tag]:
    """T1: AMS360; Client or Inactive; Commercial, Personal; their Prospect tags; Winback."""
    types = [kind for kind in ("Commercial", "Personal") if record_type in {kind.lower(), "both"}]
    names = ["AMS360", *types]
    if lifecycle.status == "client":
        names.append("Client")
    elif lifecycle.status == "inactive":
        names.append("Inactive")
    else:
        names += [f"{kind} Prospect" for kind in types]
        if lifecycle.is_winback:
            names.append("Winback")
    return [Tag(name, "default") for name in names]


def next_change(bundle: CustomerBundle, settings: RuleSettings, today: date) -> date | None:
    """The first day after today on which a policy starts or ends, a prospect grows too old, or a birth date arrives."""
    policies = [policy for policy in bundle.policies if counts(policy, bundle.shell_policy_ids, settings)]
    days = [turn for policy in policies for turn in (policy.effective, policy.expiration)]
    days += [bundle.customer.date_of_birth, *(dependent.date_of_birth for dependent in bundle.dependents)]
    if isinstance(settings.prospects, ProspectsWithin):
        last = _last_sign(bundle, policies)
        if last is not None:
            days.append(_days_later(last, settings.prospects.within_days + 1))
    return min((turn for turn in days if turn is not None and turn > today), default=None)
