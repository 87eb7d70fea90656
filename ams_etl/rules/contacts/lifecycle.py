"""Lifecycle: client, prospect or inactive, by what the policies say today, and the default tags that follow."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache

from ams_etl.rules.contacts.key_facts import too_old_on
from ams_etl.rules.contacts.tags import TagOrigin
from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import RecordType, SkipReason, Status, Tag
from ams_etl.rules.records.ams360 import CustomerBundle, Policy
from ams_etl.rules.settings import ProspectsWithin, RuleSettings

_IN_FORCE = "A"
_LAPSED = frozenset(["C", "N"])
"""Cancelled, not renewed."""


@immutable(frozen=True, slots=True)
class Lifecycle:
    """A customer's standing today; `skip` is the reason and rule for which nothing of it becomes a contact."""

    status: Status
    rule: str
    in_force: tuple[Policy, ...]
    upcoming: tuple[Policy, ...]
    lapsed: Policy | None
    """L5: an expired, cancelled or non-renewed policy of a prospect."""
    skip: tuple[SkipReason, str] | None = None


def lifecycle_of(bundle: CustomerBundle, settings: RuleSettings, today: date) -> Lifecycle:
    """L2, L3, L4, L7: client, inactive or prospect.

    Active with a policy in force, or between two terms (L8): client. Not active with policies: inactive, only with
    `import_inactive`. Active with none in force, or not active without any policy (again only with `import_inactive`):
    prospect.
    """
    policies = counted(bundle, settings)
    in_force = tuple([policy for policy in policies if is_in_force(policy, today)])
    upcoming = tuple([policy for policy in policies if is_upcoming(policy, today)])
    active = bundle.customer.is_active
    if not active and (policies or not settings.import_inactive):
        rule = "L3" if policies else "L7"
        skip: tuple[SkipReason, str] | None = None if settings.import_inactive else ("inactive", rule)
        return Lifecycle("inactive", rule, in_force, upcoming, None, skip)
    if active and in_force:
        return Lifecycle("client", "L2", in_force, upcoming, None)
    if active and (renewing := renewing_terms(policies, upcoming, settings, today)):
        return Lifecycle("client", "L8", renewing, tuple(term for term in upcoming if term not in renewing), None)
    skip = None if is_wanted_prospect(bundle.customer.date_added, policies, settings, today) else ("prospect", "L6")
    return Lifecycle("prospect", "L4" if active else "L7", in_force, upcoming, lapsed_policy(policies, today), skip)


def counted(bundle: CustomerBundle, settings: RuleSettings) -> Sequence[Policy]:
    """The policies that the lifecycle sees: no submissions, accounting sub-types or shells that are still empty."""
    if not bundle.policies:
        return ()
    ignored, shells = _lower(settings.ignored_policy_sub_types), bundle.shell_policy_ids
    return [
        policy
        for policy in bundle.policies
        if not (policy.sub_type and policy.sub_type.casefold() in ignored)
        and (policy.policy_id not in shells or policy.premium or policy.lines_of_business)
    ]


@lru_cache(maxsize=64)
def _lower(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.casefold() for word in words)


def is_in_force(policy: Policy, today: date) -> bool:
    """L1: status A and effective <= today < expiration; a continuous one that has begun has no end."""
    if policy.status != _IN_FORCE or (policy.effective is not None and policy.effective > today):
        return False
    return policy.is_continuous or (policy.expiration is not None and today < policy.expiration)


def is_upcoming(policy: Policy, today: date) -> bool:
    """Whether the term of a policy with status A begins after today."""
    return policy.status == _IN_FORCE and policy.effective is not None and policy.effective > today


def renewing_terms(
    policies: Iterable[Policy], upcoming: Iterable[Policy], settings: RuleSettings, today: date
) -> tuple[Policy, ...]:
    """L8: Return the upcoming terms that begin within `renewal_gap_days` after a term that ended: they count as in force."""
    ended = [
        policy.expiration
        for policy in policies
        if policy.expiration and policy.status not in _LAPSED and _ended(policy, today)
    ]
    return tuple(
        term
        for term in upcoming
        if term.effective and any((term.effective - end).days <= settings.renewal_gap_days for end in ended)
    )


def lapsed_policy(policies: Iterable[Policy], today: date) -> Policy | None:
    """L5: a prospect with at least one expired, cancelled or non-renewed policy is a winback; the first such policy."""
    return next((policy for policy in policies if policy.status in _LAPSED or _ended(policy, today)), None)


def _ended(policy: Policy, today: date) -> bool:
    return policy.expiration is not None and policy.expiration <= today and not policy.is_continuous


def is_wanted_prospect(added: date | None, policies: Iterable[Policy], settings: RuleSettings, today: date) -> bool:
    """L6: all, none, or those within so many days of being added or of their newest policy's expiration.

    The last of the days counts in. A prospect without any date stays: nothing says that it is old.
    """
    if not isinstance(settings.prospects, ProspectsWithin):
        return settings.prospects == "all"
    last = _last_sign(added, policies)
    return last is None or _days_later(last, settings.prospects.within_days) >= today


def _last_sign(added: date | None, policies: Iterable[Policy]) -> date | None:
    signs = [added, *[policy.expiration for policy in policies]]
    return max([sign for sign in signs if sign is not None], default=None)


def _days_later(start: date, days: int) -> date:
    try:
        return start + timedelta(days=days)
    except OverflowError:
        return date.max


_TYPES: dict[RecordType, tuple[str, ...]] = {
    "commercial": ("Commercial",), "personal": ("Personal",), "both": ("Commercial", "Personal"),
}  # fmt: skip
_TYPE_MEMBERS = "IsCommercial, IsPersonal, FirmName, LastName"
TERM_MEMBERS = "PolicyStatus, PolicyEffectiveDate, PolicyExpirationDate, IsContinuous"
_default = lru_cache(maxsize=16)(lambda name: Tag(name, "default"))


def default_tags(lifecycle: Lifecycle, record_type: RecordType, active: str) -> Iterator[TagOrigin]:
    """T1: AMS360; Commercial, Personal; Client or Inactive; their Prospect tags; Winback."""
    types = _TYPES[record_type]
    yield _default("AMS360"), "T1", None, "CustomerId", None
    for kind in types:
        yield _default(kind), "C4", None, _TYPE_MEMBERS, None
    if lifecycle.status == "client":
        yield _default("Client"), lifecycle.rule, lifecycle.in_force[0], TERM_MEMBERS, None
    elif lifecycle.status == "inactive":
        yield _default("Inactive"), lifecycle.rule, None, "IsActive", active
    else:
        for kind in types:
            yield _default(f"{kind} Prospect"), lifecycle.rule, None, "IsActive", active
        if lifecycle.lapsed:
            yield _default("Winback"), "L5", lifecycle.lapsed, TERM_MEMBERS, None


def review_on(bundle: CustomerBundle, settings: RuleSettings, today: date) -> date | None:
    """The first day after today on which the same records may give something else.

    A policy in force starts or ends, a policy without it expires, a prospect grows too old, a birth date arrives.
    """
    customer = bundle.customer
    if not customer.is_active and not settings.import_inactive:
        return None
    policies = counted(bundle, settings)
    days: list[date | None] = []
    for policy in policies:
        if policy.status == _IN_FORCE:
            days.append(policy.effective)
        if not policy.is_continuous and policy.status not in _LAPSED:
            days.append(policy.expiration)
    if settings.birthday_key_facts:
        for born in (customer.date_of_birth, *[dependent.date_of_birth for dependent in bundle.dependents]):
            if born is not None:
                days += [born, too_old_on(born)]
    if isinstance(settings.prospects, ProspectsWithin):
        last = _last_sign(customer.date_added, policies)
        if last is not None and (until := _days_later(last, settings.prospects.within_days)) < date.max:
            days.append(until + timedelta(days=1))
    return min([turn for turn in days if turn is not None and turn > today], default=None)
