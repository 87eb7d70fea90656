"""Apply the AMS360 rules to any system: translate its records into AMS360's vocabulary, derive, translate the result back.

Names, marks, emails, phones, lifecycle, tags and Key Facts mean the same everywhere, so nothing of them is written
twice. A system's own module (`hawksoft`, `qq_catalyst`, `mycase`) says only what its records are in these terms.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.contacts.explain import explain
from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import Candidate, Connection, Derivation, Finding, Skip, SkipReason, Tag
from ams_etl.rules.records.ams360 import Customer, CustomerBundle, GivenPhone, Payload, Policy, Reference, day, text
from ams_etl.rules.settings import RuleSettings

NO_REFERENCE = Reference({}, {}, {}, {}, {}, {}, {})
_FIRST_TAG = Tag("AMS360", "default")


@immutable(frozen=True, slots=True)
class Dialect:
    """What one system calls what the rules speak of.

    Args:
        system: as `mart.contact_sources.system` has it.
        tag: the default tag of its contacts.
        entities: the rules' entities -> its own.
        connection_types: the rules' connection types -> its own.
        members: AMS360's members -> its own, for `why`; what is not here keeps AMS360's name.
    """

    system: str
    tag: str
    entities: Mapping[str, str]
    connection_types: Mapping[str, str]
    members: Mapping[str, str]


Amend = Callable[[Candidate], Candidate]
"""What a system says otherwise of a candidate than the rules make of it."""


def derive_in(
    dialect: Dialect,
    bundle: CustomerBundle,
    reference: Reference,
    settings: RuleSettings,
    today: date,
    amend: Amend = lambda candidate: candidate,
) -> Derivation:
    """Derive a customer that is translated into AMS360's vocabulary, and translate the result back.

    Args:
        dialect: the system's.
        bundle: the customer in AMS360's terms.
        reference: the names behind its codes.
        settings: the agency's choices.
        today: the date the rules are asked for.
        amend: called with each candidate, in its own terms.
    """
    derived = derive(bundle, reference, settings, today)
    entities = dialect.entities
    tag = _default_tag(dialect.tag)
    return Derivation(
        tuple(
            amend(
                replace(
                    candidate,
                    system=dialect.system,
                    entity=entities[candidate.entity],
                    tags=tuple(tag if given == _FIRST_TAG else given for given in candidate.tags),
                    connections=tuple(
                        replace(given, connection_type=dialect.connection_types[given.connection_type])
                        for given in candidate.connections
                    ),
                    absorbed=tuple((entities[entity], entity_id) for entity, entity_id in candidate.absorbed),
                )
            )
            for candidate in derived.candidates
        ),
        tuple(replace(skip, system=dialect.system, entity=entities[skip.entity]) for skip in derived.skips),
        derived.review_on,
    )


_default_tag = lru_cache(maxsize=8)(lambda name: Tag(name, "default"))


def explain_in(
    dialect: Dialect, bundle: CustomerBundle, reference: Reference, settings: RuleSettings, today: date
) -> tuple[Finding, ...]:
    """Explain a customer that is translated into AMS360's vocabulary, with the system's own entities and members.

    What a system amends (MyCase's tags, status and attorneys) is in the derivation alone, not here.
    """
    entities = {**dialect.entities, "policy": "policy"}
    return tuple(
        replace(
            finding,
            entity=entities[finding.entity],
            source_entity=entities[finding.source_entity],
            source_field=dialect.members.get(finding.source_field, finding.source_field),
            value=dialect.tag if (finding.field, finding.value) == ("tag", "AMS360") else finding.value,
        )
        for finding in explain(bundle, reference, settings, today)
    )


def skipped(
    dialect: Dialect, entity: str, entity_id: str, customer_id: str, reason: SkipReason, rule: str
) -> Derivation:
    """A customer that the system itself says is no contact."""
    return Derivation((), (Skip(dialect.system, entity, entity_id, customer_id, reason, rule),), None)


def joined(addresses: Iterable[Any]) -> str | None:
    """Email fields as one field, in their order."""
    return "; ".join(found for address in addresses if (found := text(address))) or None


def phone(kind: Any, number: Any) -> GivenPhone | None:
    """Return a phone whose kind is given in words; None for a fax."""
    told, given = (text(kind) or "").casefold(), text(number)
    if given is None or "fax" in told:
        return None
    kinds = (
        ("cell", "cell"),
        ("mobile", "cell"),
        ("work", "business"),
        ("business", "business"),
        ("office", "business"),
    )
    return GivenPhone(next((means for word, means in kinds if word in told), "home"), None, given, None)


def customer(
    customer_id: str, customer_number: int, *, phones: Sequence[GivenPhone | None] = (), **members: Any
) -> Customer:
    """A Customer of what is given; every other member is empty."""
    return Customer(
        **{**_NOTHING, **members},
        customer_id=customer_id,
        customer_number=customer_number,
        phones=tuple(number for number in phones if number),
    )


_NOTHING: dict[str, Any] = {
    "is_active": True, "is_personal": False, "is_commercial": False, "is_health": False,
    **dict.fromkeys(
        ("first_name", "last_name", "firm_name", "informal_salutation", "formal_salutation", "email", "address1", "address2",
         "city", "state", "postal_code", "country", "date_of_birth", "date_added", "executive_code", "representative_code",
         "division_code", "branch_code", "department_code", "group_code", "notation_id")
    ),
}  # fmt: skip


def policy_of(
    policy_id: str, status: Any, *, number: Any, effective: Any, expiration: Any, carrier: Any, lines: Iterable[Any],
    settings: RuleSettings,
) -> Policy | None:  # fmt: skip
    """Return a policy by its status in words and its term; None for what its status says never was one.

    A policy without an expiration date is in force, with no end, where its status says so (`open_policy_statuses`).
    """
    standing = policy_standing(status, settings)
    if standing is None:
        return None
    ends = day(expiration)
    is_open = (
        ends is None and standing == "A" and _begins((text(status) or "").casefold(), settings.open_policy_statuses)
    )
    return Policy(
        policy_id, text(number), standing, None, day(effective), ends, is_open, text(carrier),
        tuple(dict.fromkeys(found for line in lines if (found := text(line)))), Decimal(),
    )  # fmt: skip


def policy_standing(status: Any, settings: RuleSettings) -> str | None:
    """A2: the status in AMS360's letters: `A` in force by its term, `C` ended before it, None for no policy at all."""
    told = (text(status) or "").casefold()
    if _begins(told, settings.ignored_policy_statuses):
        return None
    return "C" if _begins(told, settings.lapsed_policy_statuses) else "A"


def _begins(told: str, words: tuple[str, ...]) -> bool:
    return any(told == word if len(word) == 1 else told.startswith(word) for word in words)


def member(record: Payload, name: str) -> Any:
    """A member by its name in camelCase or PascalCase: documents and wire do not agree on every one."""
    found = record.get(name)
    return record.get(name[0].swapcase() + name[1:]) if found is None else found


def records_in(record: Payload, name: str) -> list[Payload]:
    """Return the records in a list member, and nothing else in it."""
    found = member(record, name)
    return [record for record in found if isinstance(record, Mapping)] if isinstance(found, list) else []


def full_name(person: Payload) -> str | None:
    """First and last name as one field, in the order in which people say them."""
    return text(" ".join(text(member(person, name)) or "" for name in ("firstName", "lastName")))


def ranked(connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Every type and person once, with the lowest rank it has, in the order given."""
    found: dict[tuple[str, str], Connection] = {}
    for connection in connections:
        found.setdefault((connection.connection_type, connection.employee_code), connection)
    return tuple(found.values())
