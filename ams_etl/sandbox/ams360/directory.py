"""Finding records by what is not their key: names, numbers, phones; and records as XML, rendered once.

An agency is read again and again, and the sandbox shares its machine with the reader.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ams_etl.sandbox.ams360.agency import TYPES, Agency, Record, key_of
from ams_etl.sandbox.soap.contract import Contract, Member
from ams_etl.sandbox.soap.writer import Rendered, Writer

_NAME_MEMBERS = ("LastName", "FirmName", "DoingBusinessAs")
_PHONES = ("Business", "Cell", "Fax", "Home", "Pager")
_AFTER_EVERYTHING = "\U0010ffff"
_MAX_RENDERED = 256 * 1024 * 1024


class Directory:
    """The indexes and the rendered records of one agency; each edit touches only what it is about.

    Args:
        agency: whose records.
        contract: their types.
        writer: how they become XML.
    """

    def __init__(self, agency: Agency, contract: Contract, writer: Writer) -> None:
        self._agency, self._writer = agency, writer
        namespace = next(name for name in contract.types if name.endswith("}Customer")).rpartition("}")[0][1:]
        self._members = {
            name: Member(name, namespace, f"{{{namespace}}}{name}", repeated=False, nillable=True)
            for name in (*TYPES.values(), "CustomerInfo", "CustomerSuspenseInfo")
        }
        self._rendered: dict[tuple[str, str], Rendered] = {}
        self._rendered_size = 0
        self._numbers: dict[str, str] = {}
        self._phones: dict[str, set[str]] = defaultdict(set)
        self._policies: dict[str, set[str]] = defaultdict(set)
        self._names: list[tuple[str, str]] = []
        self._last_number = 0
        for customer in agency.customers.values():
            self._names += _names(customer)
            self._enter_customer(customer)
        self._names.sort()
        for policy in agency.all_of("policies"):
            self._enter_policy(policy)
        agency.watchers.append(self._changed)

    def element(self, type_name: str, key: str, record: Callable[[], Record]) -> Rendered:
        """A record as the element that is named after its type."""
        cached = self._rendered.get((type_name, key))
        if cached is None:
            cached = self._writer.element(self._members[type_name], record())
            self._rendered_size += len(cached)
            if self._rendered_size > _MAX_RENDERED:
                self._rendered.clear()
                self._rendered_size = len(cached)
            self._rendered[type_name, key] = cached
        return cached

    def customers_by_prefix(self, prefix: str) -> list[str]:
        """Ids of the customers whose LastName, FirmName or DoingBusinessAs begins so, without case; in no order."""
        prefix = prefix.casefold()
        first = bisect_left(self._names, (prefix,))
        last = bisect_left(self._names, (prefix + _AFTER_EVERYTHING,))
        # By the tail of a random id: the same order for the same question, and no order that means anything.
        return sorted({key for _, key in self._names[first:last]}, key=_tail)

    def customer_by_number(self, number: str) -> str | None:
        """The id of the customer with this CustomerNumber."""
        return self._numbers.get(number)

    def customers_by_phone(self, digits: str) -> list[str]:
        """Ids of the customers with a phone of these digits, with or without the area code."""
        return sorted(self._phones.get(digits, ()), key=_tail)

    def policies_by_number(self, number: str) -> list[str]:
        """Ids of the policies with exactly this number."""
        return sorted(self._policies.get(number, ()), key=_tail)

    def next_number(self) -> int:
        """A CustomerNumber that was never given."""
        self._last_number += 1
        return self._last_number

    def _changed(self, kind: str, before: Record | None, after: Record | None) -> None:
        for record in (before, after):
            if record is not None:
                self._forget(kind, key_of(kind, record))
        if before is not None:
            if kind == "customers":
                for entry in _names(before):
                    del self._names[bisect_left(self._names, entry)]
                self._numbers.pop(str(before["CustomerNumber"]), None)
                for digits in _digits(before):
                    self._phones[digits].discard(before["CustomerId"])
            elif kind == "policies":
                self._policies[before.get("PolicyNumber") or ""].discard(before["PolicyId"])
        if after is not None:
            if kind == "customers":
                for entry in _names(after):
                    insort(self._names, entry)
                self._enter_customer(after)
            elif kind == "policies":
                self._enter_policy(after)

    def _forget(self, kind: str, key: str) -> None:
        for name in (TYPES[kind], f"{TYPES[kind]}Info"):
            gone = self._rendered.pop((name, key), None)
            self._rendered_size -= len(gone or "")

    def _enter_customer(self, customer: Record) -> None:
        number = customer["CustomerNumber"]
        self._last_number = max(self._last_number, number)
        self._numbers[str(number)] = customer["CustomerId"]
        for digits in _digits(customer):
            self._phones[digits].add(customer["CustomerId"])

    def _enter_policy(self, policy: Record) -> None:
        self._policies[policy.get("PolicyNumber") or ""].add(policy["PolicyId"])


def _tail(key: str) -> str:
    return key[::-1]


def _names(customer: Record) -> list[tuple[str, str]]:
    """The index entries of a customer; each once, so that removing one leaves none behind."""
    given = {(customer.get(member) or "").strip().casefold() for member in _NAME_MEMBERS} - {""}
    return [(name, customer["CustomerId"]) for name in given]


def _digits(customer: Record) -> set[str]:
    found = set()
    for kind in _PHONES:
        phone: Any = only_digits(customer.get(f"{kind}Phone"))[:7]
        if len(phone) == 7:
            found |= {phone, only_digits(customer.get(f"{kind}AreaCode")) + phone}
    return found


def only_digits(text: str | None) -> str:
    """The ASCII digits of a text."""
    return "".join(letter for letter in text or "" if letter.isascii() and letter.isdigit())
