"""Records as XML, rendered once: an agency is read over and over, and shares its machine with the reader."""

from collections.abc import Callable

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.soap.types import Member, Rendered, Schema

_NAME_MEMBERS = ("LastName", "FirmName", "DoingBusinessAs")


class Rendering:
    """Renders and finds an agency's records; everything is forgotten when the agency's version moves."""

    def __init__(self, schema: Schema, namespace: str, prefix: Callable[[str], str]) -> None:
        self._schema, self._namespace, self._prefix = schema, namespace, prefix
        self._elements: dict[tuple[str, str, str], Rendered] = {}
        self._first_letters: dict[str, dict[str, list[str]]] = {}
        self._numbers: dict[str, dict[str, str]] = {}
        self._versions: dict[str, int] = {}

    def element(self, agency: Agency, type_name: str, key: str, record: Callable[[], Record]) -> Rendered:
        """The element named after its type."""
        self._forget_if_edited(agency)
        cached = self._elements.get((agency.agency_no, type_name, key))
        if cached is None:
            member = Member(type_name, self._namespace, type_name, False, True, True)
            cached = Rendered(self._schema.write(member, record(), self._prefix))
            self._elements[agency.agency_no, type_name, key] = cached
        return cached

    def ids_by_prefix(self, agency: Agency, prefix: str) -> list[str]:
        """Customers whose LastName, FirmName or DoingBusinessAs begins so, without case."""
        self._forget_if_edited(agency)
        letters = self._first_letters.get(agency.agency_no)
        if letters is None:
            letters = self._first_letters[agency.agency_no] = {}
            for key, customer in agency.customers.items():
                for letter in {
                    name.strip().casefold()[0]
                    for member in _NAME_MEMBERS
                    if (name := customer.get(member)) and name.strip()
                }:
                    letters.setdefault(letter, []).append(key)
        found = letters.get(prefix[0], [])
        if len(prefix) == 1:
            return list(found)
        return [
            key
            for key in found
            if any(
                (agency.customers[key].get(member) or "").strip().casefold().startswith(prefix)
                for member in _NAME_MEMBERS
            )
        ]

    def id_by_number(self, agency: Agency, number: str) -> str | None:
        """The customer of a CustomerNumber."""
        self._forget_if_edited(agency)
        numbers = self._numbers.get(agency.agency_no)
        if numbers is None:
            numbers = {str(customer["CustomerNumber"]): key for key, customer in agency.customers.items()}
            self._numbers[agency.agency_no] = numbers
        return numbers.get(number)

    def _forget_if_edited(self, agency: Agency) -> None:
        if self._versions.get(agency.agency_no) != agency.version:
            self._versions[agency.agency_no] = agency.version
            self._elements = {key: value for key, value in self._elements.items() if key[0] != agency.agency_no}
            self._first_letters.pop(agency.agency_no, None)
            self._numbers.pop(agency.agency_no, None)
