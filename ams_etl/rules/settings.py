"""The settings a rule may depend on (S): one frozen dataclass, the defaults of the public contract.

`ams_etl.settings` validates agencies.yaml straight into these classes, so a setting is declared once.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar, Literal

from ams_etl.rules.immutable import immutable

SourceSystem = Literal["ams360", "hawksoft", "qq_catalyst", "mycase"]
EmployeeRole = Literal["executive", "representative", "producer", "csr", "lead_attorney", "originating_attorney"]
TagSource = Literal[
    "line_of_business", "carrier", "branch", "department", "division", "group",
    "notation", "city", "state", "postal_code", "health_flag", "practice_area", "case_number",
]  # fmt: skip

DEFAULT_SECOND_INSURED = (
    "spouse", "husband", "wife", "partner", "domestic partner",
    "second insured", "secondary insured", "co-insured",
)  # fmt: skip


@immutable(frozen=True, slots=True)
class Ownership:
    """O1: which role's employee owns a contact of each record type."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    commercial: EmployeeRole = "executive"
    personal: EmployeeRole = "representative"


@immutable(frozen=True, slots=True)
class ProspectsWithin:
    """L6: prospects count only so many days after they were added or their newest policy expired."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    within_days: int


@immutable(frozen=True, slots=True)
class Segments:
    """T4: with `include`, only contacts with one of these tags; `exclude` wins."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@immutable(frozen=True, slots=True)
class RuleSettings:
    """One agency's choices; every one has the public contract's default."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    source_system: SourceSystem = "ams360"
    """Where the records come from: the system whose block the agency has; never written under `settings`."""
    benefitpoint_contacts: bool = False
    """B10: whether accounts that BenefitPoint alone has become contacts: set in the agency's `benefitpoint` block."""
    ownership: Ownership = Ownership()
    owner_fallback: bool = False
    """A6: whether a MyCase client's other attorney owns where its newest case has none of the kind that owns."""
    merged_owner_priority: Literal["commercial", "personal"] = "commercial"
    ownership_tags: tuple[EmployeeRole, ...] = ()
    tags: tuple[TagSource, ...] = ("line_of_business", "carrier")
    birthday_key_facts: bool = True
    renewal_key_facts: bool = True
    prospects: Literal["all", "none"] | ProspectsWithin = "all"
    commercial_contacts: Literal["all", "primary_and_secondary"] = "all"
    second_insured: bool = True
    second_insured_relationships: tuple[str, ...] = DEFAULT_SECOND_INSURED
    primary_email_only: bool = False
    import_inactive: bool = False
    merge_by: Literal["email", "source_id"] = "email"
    placeholder_emails: tuple[str, ...] = ()
    """M5: further addresses, domains (`@agency.com`) and local parts (`nomail`) that are nobody's email."""
    shared_email_limit: int = 5
    """M5: an address of more unrelated groups of customers brings nobody together."""
    shared_address_name: Literal["first", "both"] = "both"
    """M8: of several people of one household on one address, whose name the contact has."""
    segments: Segments = Segments()
    activity_actions: Mapping[str, str] = field(default_factory=dict)
    name_marks: Mapping[str, str] = field(default_factory=dict)
    """N10: further marks -> the flag they raise (`deceased`, `do_not_contact`, or any other word)."""
    notations: Mapping[str, str] = field(default_factory=dict)
    """T2: notation id -> its name."""
    renewal_gap_days: int = 30
    """L8: between the end of a term and the beginning of the next one a customer stays a client for so many days."""
    default_country: str = "US"
    lapsed_policy_statuses: tuple[str, ...] = (
        "cancel", "expired", "nonrenew", "non-renew", "replaced", "deadfiled", "lapsed", "terminated", "inactive",
        "c", "e", "n", "x",
    )  # fmt: skip
    """A2: how a status of HawkSoft or QQ Catalyst begins, lower case, that ends a policy; other statuses go by the term."""
    ignored_policy_statuses: tuple[str, ...] = (
        "quote",
        "prospect",
        "submission",
        "declined",
        "void",
        "lost",
        "deleted",
        "d",
        "p",
    )
    """A2: how a status begins that never was a policy. A single letter is the whole status."""
    open_policy_statuses: tuple[str, ...] = (
        "active", "renew", "new", "in force", "inforce", "bound", "issued", "reinstat", "current", "a",
    )  # fmt: skip
    """A2: how a status begins that keeps a policy without an expiration date in force; any other one does not."""
    ignored_policy_sub_types: tuple[str, ...] = ("submission", "accounting", "s", "a")
    """L1: PolicySubType values, lower case, that are no policies; which AMS360 uses differs, so it is a setting."""
