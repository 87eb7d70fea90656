"""Tags by configuration (T2, T3) and segments (T4)."""

from collections.abc import Callable, Iterable, Mapping

from ams_etl.rules.model import Tag
from ams_etl.rules.records import Customer, Employee, Policy, Reference
from ams_etl.rules.settings import RuleSettings, Segments


def configured_tags(
    customer: Customer, in_force: Iterable[Policy], reference: Reference, settings: RuleSettings
) -> list[Tag]:
    """T2: the human name of what the setting `tags` lists, else its code; place as given; `Health` for IsHealth.

    Line of business and carrier come from policies in force, units and place from the customer.
    """
    found: list[Tag] = []
    for source in settings.tags:
        if source == "line_of_business":
            for policy in in_force:
                found += (_named(reference.lines_of_business, line, source) for line in policy.lines_of_business)
        elif source == "carrier":
            found += (
                _named(reference.companies, policy.company_code, source) for policy in in_force if policy.company_code
            )
        elif source == "health_flag":
            if customer.is_health:
                found.append(Tag("Health", source))
        else:
            given, names = _CUSTOMER_TAGS[source](customer, reference, settings)
            if given:
                found.append(_named(names, given, source))
    return found


_Place = Callable[[Customer, Reference, RuleSettings], tuple[str | None, Mapping[str, str]]]
_CUSTOMER_TAGS: Mapping[str, _Place] = {
    "branch": lambda customer, reference, settings: (customer.branch_code, reference.branches),
    "department": lambda customer, reference, settings: (customer.department_code, reference.departments),
    "division": lambda customer, reference, settings: (customer.division_code, reference.divisions),
    "group": lambda customer, reference, settings: (customer.group_code, reference.groups),
    "notation": lambda customer, reference, settings: (customer.notation_id, settings.notations),
    "city": lambda customer, reference, settings: (customer.city, {}),
    "state": lambda customer, reference, settings: (customer.state, {}),
    "postal_code": lambda customer, reference, settings: (customer.postal_code, {}),
}


def _named(names: Mapping[str, str], given: str, category: str) -> Tag:
    return Tag((names.get(given) or given).strip() or given, category)


def ownership_tags(customer: Customer, reference: Reference, settings: RuleSettings) -> list[Tag]:
    """T3: the initials of the Executive and the Representative, as the setting `ownership_tags` lists them."""
    codes = {"executive": customer.executive_code, "representative": customer.representative_code}
    return [
        Tag(_initials(reference.employees.get(code), code), role)
        for role in settings.ownership_tags
        if (code := codes[role])
    ]


def _initials(employee: Employee | None, code: str) -> str:
    """T3: ShortName, else the initials of the name, else the code."""
    if employee is None:
        return code
    if employee.short_name:
        return employee.short_name
    return "".join(word[0] for word in (employee.name or "").split()).upper() or code


def in_segment(tags: Iterable[Tag], segments: Segments) -> bool:
    """T4: with `include`, at least one of its tags; any tag of `exclude` wins. Compared without case."""
    names = {tag.tag.casefold() for tag in tags}
    if any(tag.casefold() in names for tag in segments.exclude):
        return False
    return not segments.include or any(tag.casefold() in names for tag in segments.include)
