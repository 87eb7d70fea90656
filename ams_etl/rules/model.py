"""What the rules hand over: candidates, skips and contacts, the same for every source system."""

from datetime import date
from typing import Literal

from ams_etl.rules.immutable import immutable

BENEFITPOINT = "benefitpoint"
"""The system beside AMS360, whose values come after AMS360's."""
RecordType = Literal["personal", "commercial", "both"]
Status = Literal["client", "prospect", "inactive"]
SourceRole = Literal["primary", "contact", "second_insured"]
SkipReason = Literal[
    "no_name_no_email", "inactive", "prospect", "segment", "commercial_contacts", "not_second_insured",
    "gap_filler", "deleted", "not_a_customer", "linked_account",
    "forgotten",
]  # fmt: skip


@immutable(frozen=True, slots=True)
class Address:
    """A postal address as given, white space collapsed."""

    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


@immutable(frozen=True, slots=True)
class Phone:
    """C6: E.164 where valid, else the digits given; `kind` is cell, home, business or international."""

    number: str
    kind: str
    extension: str | None = None


@immutable(frozen=True, slots=True)
class Tag:
    """T: the text people see, and where it comes from (`default`, `line_of_business`, `executive`, ...)."""

    tag: str
    category: str


@immutable(frozen=True, slots=True)
class KeyFact:
    """K: a dated fact; a continuous policy's renewal may have no date."""

    kind: Literal["birthday", "renewal"]
    fact_date: date | None
    label: str
    policy_id: str | None = None
    is_continuous: bool = False


@immutable(frozen=True, slots=True)
class Connection:
    """X1: a person at the agency in a role; `user_id` is filled from the user mapping.

    Of several of one type the lowest `rank` sends, and only rank 0 owns: a MyCase client has one for each case, ranked by
    when the case was last updated. Where a system has one of each type, all are 0.
    """

    connection_type: str
    employee_code: str
    employee_name: str | None = None
    user_id: str | None = None
    rank: int = 0


@immutable(frozen=True, slots=True)
class Joined:
    """B11: the candidate that a record without values follows: the customer's own, or the one with the email."""

    customer_id: str
    email: str | None = None


@immutable(frozen=True, slots=True)
class Candidate:
    """One source record that may become, or join, a contact (C)."""

    system: str
    entity: str
    entity_id: str
    customer_id: str
    customer_number: int
    role: SourceRole
    record_type: RecordType
    status: Status
    has_policy_in_force: bool
    first_name: str | None
    last_name: str | None
    nickname: str | None
    company_name: str | None
    suppressed_reason: str | None
    emails: tuple[str, ...]
    phones: tuple[Phone, ...]
    address: Address
    birthday: date | None
    tags: tuple[Tag, ...]
    key_facts: tuple[KeyFact, ...]
    connections: tuple[Connection, ...]
    absorbed: tuple[tuple[str, str], ...] = ()
    """(entity, entity_id) of records that became part of this one: N8's contact."""
    joined: Joined | None = None
    """B11: a contact takes its id and its row in the crosswalk from it, and nothing else."""
    marks: tuple[str, ...] = ()
    """N10: every flag of the record, so that a deceased person's refusal is not lost."""
    middle_name: str | None = None


@immutable(frozen=True, slots=True)
class Skip:
    """Q3: why a candidate did not become a contact; `detail` holds no personal data."""

    system: str
    entity: str
    entity_id: str
    customer_id: str
    reason: SkipReason
    rule: str
    detail: str | None = None


@immutable(frozen=True, slots=True)
class Derivation:
    """What is derived from one customer today, and the next day on which the result changes by itself."""

    candidates: tuple[Candidate, ...]
    skips: tuple[Skip, ...]
    review_on: date | None


@immutable(frozen=True, slots=True)
class Contact:
    """A merged contact (M): what `mart.contacts` and its satellite tables show. Its id is the engine's."""

    record_type: RecordType
    status: Status
    first_name: str | None
    last_name: str | None
    nickname: str | None
    company_name: str | None
    emails: tuple[str, ...]
    phones: tuple[Phone, ...]
    address: Address
    birthday: date | None
    owner_user_id: str | None
    owner_role: str | None
    suppressed_reason: str | None
    tags: tuple[Tag, ...]
    key_facts: tuple[KeyFact, ...]
    connections: tuple[Connection, ...]
    sources: tuple[Candidate, ...]
    middle_name: str | None = None


@immutable(frozen=True, slots=True)
class Finding:
    """Why a value is what it is: the rule, and the source member it was read from, with its value.

    `entity` / `entity_id` say whose value it is, `source_*` where it comes from. It holds personal data: for people who ask
    about one contact, not for logs.
    """

    entity: str
    entity_id: str
    field: str
    value: str
    rule: str
    source_entity: str
    source_entity_id: str
    source_field: str
    source_value: str | None = None


@immutable(frozen=True, slots=True)
class NameOverride:
    """N12: the name that a person gave the contact in the platform; None leaves a part as derived."""

    first_name: str | None
    last_name: str | None
    nickname: str | None = None
