"""Decides which email addresses are shared by too many to be anybody's, so that they bring nobody together (M5)."""

from collections.abc import Iterable, Iterator

from ams_etl.rules.contacts.merging import components
from ams_etl.rules.model import Candidate
from ams_etl.rules.names.persons import families_in
from ams_etl.rules.names.words import bare

_Key = tuple[str, str]


def is_over_shared(holders: Iterable[Candidate], limit: int) -> bool:
    """Return whether more unrelated groups of customers than the limit have an address (M5).

    Args:
        holders: every candidate that has the address.
        limit: the setting `shared_email_limit`.
    """
    return len(unrelated_groups(holders)) > limit


def unrelated_groups(holders: Iterable[Candidate]) -> list[list[str]]:
    """Return the ids of customers in groups that nothing but the address joins.

    Customers of one group have an equal last name, firm name or street, directly or through a chain, so that the firms of
    one owner are one group.
    """
    customers: dict[_Key, list[_Key]] = {}
    for holder in holders:
        customer = ("customer", f"{holder.system} {holder.customer_id}")
        customers.setdefault(customer, [])
        for key in _joins(holder):
            customers.setdefault(key, []).append(customer)
    joined = components([[key, *members] for key, members in customers.items()])
    return [[name for kind, name in group if kind == "customer"] for group in joined]


def _joins(holder: Candidate) -> Iterator[_Key]:
    """Return what joins a candidate's customer with others: each last name, the firm and the street."""
    for family in families_in(holder.last_name):
        yield "last", family
    for kind, written in (("firm", holder.company_name), ("street", holder.address.address1)):
        plain = " ".join(word for word in map(bare, (written or "").split()) if word)
        if plain:
            yield kind, plain
