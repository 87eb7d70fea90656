"""Which BenefitPoint account is which AMS360 customer: by ids that the systems hold or a user's decision, never by name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from ams_etl.rules.accounts.accounts import CustomerAccount
from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.names import account_name_key
from ams_etl.rules.immutable import immutable

Evidence = Literal["id", "number", "person", "name"]
State = Literal["confirmed", "suggested", "refused", "dormant"]
Pair = tuple[str, int]
_RANK: Mapping[Evidence, int] = {"person": 0, "id": 1, "number": 2}
MOST_SUGGESTIONS = 5
"""Customers suggested for one account."""


@immutable(frozen=True, slots=True, order=True)
class Link:
    """A customer and an account: one, perhaps one, or said not to be one. `score` is 0 to 1."""

    customer_id: str
    account_id: int
    state: State
    evidence: Evidence
    score: float
    detail: tuple[str, ...] = ()


@immutable(frozen=True, slots=True)
class _Claim:
    account: BenefitPointAccount
    customer_id: str
    evidence: Evidence

    @property
    def order(self) -> tuple[int, bool, int, str]:
        return _RANK[self.evidence], not self.account.is_active, self.account.account_id, self.customer_id


def link(
    customers: Iterable[CustomerAccount], accounts: Iterable[BenefitPointAccount], decisions: Mapping[Pair, bool]
) -> list[Link]:
    """The links of all accounts, whatever the order in which they are given.

    An account is linked (B1) by a user's decision, else by `amsCustomerId`, else (without one, or where nobody has that id) by
    `amsCustomerNumber`. A customer is linked to one account: by the strongest evidence, an active account before an
    inactive one, then the lowest id; the others are suggested. What a person refused stays apart.

    Args:
        customers: live ones; at least those whose id, number or name an account has, or that a person spoke of.
        accounts: all live ones.
        decisions: what people said of pairs: True confirmed, False refused.
    """
    # Ids are compared in lower case, because BenefitPoint writes them in either case.
    by_id = {customer.customer_id.lower(): customer for customer in customers}
    live = {account.account_id: account for account in accounts}
    numbers: dict[int, list[str]] = defaultdict(list)
    for customer in by_id.values():
        numbers[customer.customer_number].append(customer.customer_id)
    claims = [
        _Claim(live[account_id], customer_id, "person")
        for (customer_id, account_id), yes in decisions.items()
        if yes and account_id in live and customer_id.lower() in by_id
    ]
    for account in live.values():
        claim = _own_claim(account, by_id, numbers)
        if claim and (claim.customer_id, account.account_id) not in decisions:
            claims.append(claim)
    links: dict[Pair, Link] = {}
    taken: set[str] = set()
    placed: set[int] = set()
    for claim in sorted(claims, key=lambda claim: claim.order):
        pair = claim.customer_id, claim.account.account_id
        if claim.customer_id in taken or claim.account.account_id in placed:
            detail = "customer linked already" if claim.customer_id in taken else "account linked already"
            state: State = "dormant" if claim.evidence == "person" else "suggested"
            links[pair] = Link(*pair, state, claim.evidence, 0.9, (detail,))
        else:
            taken.add(claim.customer_id)
            placed.add(claim.account.account_id)
            links[pair] = Link(*pair, "confirmed", claim.evidence, 1.0)
    for pair, yes in decisions.items():
        if pair not in links:
            links[pair] = Link(*pair, "dormant" if yes else "refused", "person", 1.0 if yes else 0.0)
    for found in _suggestions(
        [customer for customer in by_id.values() if customer.customer_id not in taken],
        [account for key, account in live.items() if key not in placed],
    ):
        links.setdefault((found.customer_id, found.account_id), found)
    return sorted(links.values())


def _own_claim(
    account: BenefitPointAccount, by_id: Mapping[str, CustomerAccount], numbers: Mapping[int, list[str]]
) -> _Claim | None:
    """B1: by `amsCustomerId`, else by `amsCustomerNumber` where exactly one customer has it."""
    named = by_id.get(account.ams_customer_id or "")
    if named is not None:
        return _Claim(account, named.customer_id, "id")
    holders = numbers.get(account.ams_customer_number, ()) if account.ams_customer_number else ()
    return _Claim(account, holders[0], "number") if len(holders) == 1 else None


def _suggestions(customers: list[CustomerAccount], accounts: list[BenefitPointAccount]) -> list[Link]:
    """B8: equal names are a suggestion with a score, for a person to confirm."""
    named: dict[str, list[CustomerAccount]] = defaultdict(list)
    for customer in customers:
        named[customer.name_key].append(customer)
    found: list[Link] = []
    for account in accounts:
        key = account_name_key(account.name)
        if not key or account.classification == "marketing_group":
            continue
        likely = [_suggestion(customer, account) for customer in named.get(key, ())]
        found += sorted(likely, key=lambda one: (-one.score, one.customer_id))[:MOST_SUGGESTIONS]
    return found


def _suggestion(customer: CustomerAccount, account: BenefitPointAccount) -> Link:
    there, here = customer.address, account.address
    detail = ["name"]
    score = 0.5
    for evidence, worth, equal in (
        ("exact name", 0.1, (customer.name or "").casefold() == (account.name or "").casefold()),
        ("postal code", 0.2, bool(here.postal_code) and (there.postal_code or "")[:5] == (here.postal_code or "")[:5]),
        ("email", 0.15, bool(account.email) and customer.email == account.email),
        ("phone", 0.05, bool(account.phone) and customer.phone == account.phone),
    ):
        if equal:
            detail.append(evidence)
            score += worth
    return Link(
        customer.customer_id, account.account_id, "suggested", "name", round(min(score, 0.95), 2), tuple(detail)
    )
