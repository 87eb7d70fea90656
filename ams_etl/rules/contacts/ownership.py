"""Ownership (O): who owns a contact."""

from collections.abc import Iterable, Mapping, Sequence

from ams_etl.rules.contacts.connections import CONNECTION_TYPE_OF_ROLE, CONNECTION_TYPES
from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import BENEFITPOINT, Candidate, RecordType
from ams_etl.rules.settings import EmployeeRole, RuleSettings

Users = Mapping[tuple[str, str], str]
"""(connection type, employee code) -> platform user."""


@immutable(frozen=True, slots=True)
class Owner:
    """The owner and the role it owns in; and what decided: candidate, rule, the role asked for, its employee."""

    user_id: str | None
    role: str | None
    candidate: Candidate
    rule: str
    asked_role: str
    employee_code: str | None


def owner_of(candidates: Sequence[Candidate], settings: RuleSettings, users: Users) -> Owner:
    """O1: the user mapped to the employee in the role that the record type's setting names; unmapped: no owner.

    BenefitPoint names none of the roles, so where AMS360 has the contact too, AMS360's records alone decide.

    Args:
        candidates: the contact's members, at least one.
        settings: the agency's choices.
        users: the user mapping.
    """
    candidates = [candidate for candidate in candidates if candidate.system != BENEFITPOINT] or candidates
    record_type, rule = deciding_type(candidates, settings)
    deciding = candidates[0]
    if len(candidates) > 1:
        of_type = [candidate for candidate in candidates if candidate.record_type in {record_type, "both"}]
        if len({connection.customer_id for connection in of_type}) > 1:
            rule = "O3"
        deciding = min(of_type, key=precedence)
    setting = settings.ownership.commercial if record_type == "commercial" else settings.ownership.personal
    role, code = owning_connection(deciding, setting, fallback=settings.owner_fallback)
    user = users.get((role, code)) if code is not None else None
    return Owner(user, role if user else None, deciding, rule, role, code)


def owning_connection(candidate: Candidate, setting: EmployeeRole, *, fallback: bool) -> tuple[str, str | None]:
    """A6: Return the connection of the role that the setting names; a contact without one has no owner.

    Only connections of rank 0 own: those of a MyCase client's most recently updated case. With `fallback`, the other
    attorney of that case owns where it has none of the kind asked for.

    Returns:
        The connection type, and the employee's code or None.
    """
    of_rank_0 = {
        connection.connection_type: connection.employee_code
        for connection in candidate.connections[::-1]
        if not connection.rank
    }
    wanted = CONNECTION_TYPE_OF_ROLE[setting]
    if fallback and wanted not in of_rank_0 and wanted in CONNECTION_TYPES["mycase"]:
        wanted = next((other for other in CONNECTION_TYPES["mycase"] if other in of_rank_0), wanted)
    return wanted, of_rank_0.get(wanted)


def deciding_type(candidates: Iterable[Candidate], settings: RuleSettings) -> tuple[RecordType, str]:
    """O2: with both record types in one contact, the setting `merged_owner_priority` decides.

    Returns:
        The record type whose setting chooses the role, and the rule that said so.
    """
    types = {candidate.record_type for candidate in candidates}
    if len(types) == 1 and "both" not in types:
        return next(iter(types)), "O1"
    return settings.merged_owner_priority, "O2"


def precedence(candidate: Candidate) -> tuple[bool, int, str, str]:
    """O3: of several customers the one with a policy in force, then the lowest CustomerNumber."""
    return (not candidate.has_policy_in_force, candidate.customer_number, candidate.customer_id, candidate.entity_id)
