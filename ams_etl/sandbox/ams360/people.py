"""The people of a customer: its contacts and its dependents, read and written alike."""

from dataclasses import dataclass

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.ams360.call import Call, Table
from ams_etl.sandbox.ams360.refusals import business


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of person: where it is kept, its type, its key, and the members of which it needs one."""

    kept: str
    type_name: str
    key: str
    named_by: tuple[str, ...]

    def operations(self) -> Table:
        """The five operations, by their names."""
        return {
            f"{self.type_name}GetList": self._list,
            f"{self.type_name}Get": self._get,
            f"{self.type_name}Insert": self._insert,
            f"{self.type_name}Update": self._update,
            f"{self.type_name}Delete": self._delete,
        }

    def _list(self, call: Call) -> Record:
        rows = [
            call.directory.element(self.type_name, row[self.key], lambda row=row: row)  # type: ignore[misc]
            for row in call.agency.under(self.kept, call.arguments.get("CustomerId") or "")
        ]
        return {f"{self.type_name}List": {self.type_name: rows}}

    def _get(self, call: Call) -> Record:
        row = call.found(self.kept, call.arguments.get(self.key), self.key)
        return {self.type_name: call.directory.element(self.type_name, row[self.key], lambda: row)}

    def _insert(self, call: Call) -> Record:
        person = call.record(self.type_name)
        call.customer(person)
        self._check(person)
        person[self.key] = call.agency.new_id()
        call.agency.put(self.kept, person)
        return {self.key: person[self.key]}

    def _update(self, call: Call) -> None:
        person = call.record(self.type_name)
        before = call.found(self.kept, person.get(self.key), self.key)
        if person.get("CustomerId") != before["CustomerId"]:
            raise business("The record belongs to another customer.", "CustomerId", person.get("CustomerId"))
        self._check(person)
        call.agency.put(self.kept, person)

    def _delete(self, call: Call) -> None:
        key = call.arguments.get(self.key)
        if call.found(self.kept, key, self.key)["CustomerId"] != call.arguments.get("CustomerId"):
            raise business("The record belongs to another customer.", "CustomerId", call.arguments.get("CustomerId"))
        call.agency.remove(self.kept, key or "")

    def _check(self, person: Record) -> None:
        if not any(person.get(member) for member in self.named_by):
            raise business(f"{' or '.join(self.named_by)} is required.", self.named_by[0])


OPERATIONS: Table = {
    **_Kind("customer_contacts", "CustomerContact", "CustomerContactId", ("ContactName",)).operations(),
    **_Kind("customer_dependents", "CustomerDependent", "DependentId", ("FirstName", "LastName")).operations(),
}
