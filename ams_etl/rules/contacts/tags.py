"""Tags by configuration, ownership tags and segments."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from ams_etl.rules.contacts.connections import ROLES
from ams_etl.rules.model import Tag
from ams_etl.rules.records.ams360 import Customer, Employee, Policy, Reference
from ams_etl.rules.settings import RuleSettings, Segments

TagOrigin = tuple[Tag, str, Policy | None, str, str | None]
"""A tag, the rule that gave it, the policy it comes from (else the customer), the source member and its value."""

_tag = lru_cache(maxsize=1 << 14)(Tag)


def configured_tags(
    customer: Customer, in_force: Iterable[Policy], reference: Reference, settings: RuleSettings
) -> Iterator[TagOrigin]:
    """T2: the human name of what the setting `tags` lists, else its code; place as given; `Health` for IsHealth.

    Line of business and carrier come from policies in force, units and place from the customer, notations from both.
    """
    for source in settings.tags:
        if source == "health_flag":
            if customer.is_health:
                yield _tag("Health", source), "T2", None, "IsHealth", "true"
            continue
        if source in _CUSTOMER_TAGS:
            member, read = _CUSTOMER_TAGS[source]
            given, names = read(customer, reference, settings)
            if given:
                yield _named(names, given, source), "T2", None, member, given
        if source in _POLICY_TAGS:
            member, codes_of = _POLICY_TAGS[source]
            names = _names(source, reference, settings)
            for policy in in_force:
                for code in codes_of(policy):
                    yield _named(names, code, source), "T2", policy, member, code


_AsGiven: Mapping[str, str] = {}
_Read = Callable[[Customer, Reference, RuleSettings], tuple[str | None, Mapping[str, str]]]
_CUSTOMER_TAGS: Mapping[str, tuple[str, _Read]] = {
    "branch": ("GLBranchCode", lambda customer, reference, _: (customer.branch_code, reference.branches)),
    "department": (
        "GLDepartmentCode",
        lambda customer, reference, _: (customer.department_code, reference.departments),
    ),
    "division": ("GLDivisionCode", lambda customer, reference, _: (customer.division_code, reference.divisions)),
    "group": ("GLGroupCode", lambda customer, reference, _: (customer.group_code, reference.groups)),
    "notation": ("CustomerNotationId", lambda customer, _, settings: (customer.notation_id, settings.notations)),
    "city": ("City", lambda customer, _, __: (customer.city, _AsGiven)),
    "state": ("State", lambda customer, _, __: (customer.state, _AsGiven)),
    "postal_code": ("ZipCode", lambda customer, _, __: (customer.postal_code, _AsGiven)),
}


_POLICY_TAGS: Mapping[str, tuple[str, Callable[[Policy], tuple[str, ...]]]] = {
    "line_of_business": ("PolicyLineOfBusiness", lambda policy: policy.lines_of_business),
    "carrier": ("WritingCompanyCode", lambda policy: (policy.company_code,) if policy.company_code else ()),
    "notation": ("PolicyNotationId", lambda policy: (policy.notation_id,) if policy.notation_id else ()),
}


def _names(source: str, reference: Reference, settings: RuleSettings) -> Mapping[str, str]:
    if source == "line_of_business":
        return reference.lines_of_business
    return reference.companies if source == "carrier" else settings.notations


def _named(names: Mapping[str, str], given: str, category: str) -> Tag:
    name = names.get(given)
    return _tag((name.strip() if name else "") or given, category)


_FIRST_ROLES = frozenset(first for first, _ in ROLES.values())


def ownership_tags(customer: Customer, reference: Reference, settings: RuleSettings) -> Iterator[TagOrigin]:
    """T3: the initials of the Executive and the Representative, as the setting `ownership_tags` lists them."""
    for role in settings.ownership_tags:
        executive = role in _FIRST_ROLES
        code = customer.executive_code if executive else customer.representative_code
        if code:
            member = "AccountExecCode" if executive else "AccountRepCode"
            yield _tag(_initials(reference.employees.get(code), code), role), "T3", None, member, code


def _initials(employee: Employee | None, code: str) -> str:
    """ShortName, else the initials of the name, else the code."""
    if employee is None:
        return code
    if employee.short_name:
        return employee.short_name
    return "".join(word[0] for word in (employee.name or "").split()).upper() or code


def in_segment(tags: Iterable[Tag], segments: Segments) -> bool:
    """T4: with `include`, at least one of its tags; any tag of `exclude` wins. Compared without case."""
    if not segments.include and not segments.exclude:
        return True
    names = {tag.tag.casefold() for tag in tags}
    if any(tag.casefold() in names for tag in segments.exclude):
        return False
    return not segments.include or any(tag.casefold() in names for tag in segments.include)
