"""Requests, read as a DataContract reader reads them."""

from typing import Any

from ams_etl.sandbox.soap.contract import Contract, Member
from ams_etl.sandbox.soap.scalars import BadValueError, read_scalar

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
Record = dict[str, Any]


class Reader:
    """Reads elements by a contract's types.

    Args:
        contract: the types.
        strict: refuse a member that is unknown, out of order or in another namespace, as Java's readers do; else drop
            it without a word, as a WCF service does.
    """

    def __init__(self, contract: Contract, *, strict: bool = False) -> None:
        self._strict = strict
        self._plans: dict[str, dict[str, tuple[int, Member]]] = {
            name: {member.tag: (place, member) for place, member in enumerate(members)}
            for name, members in contract.types.items()
        }

    def read(self, type_name: str, element: Any) -> Any:
        """The value of an element: a record, a scalar, or None for xsi:nil and for an empty scalar.

        A member that comes after a later one of the schema is dropped without a word, as is an unknown one or one
        in another namespace: this is what makes member order matter to a WCF service.

        Raises:
            BadValueError: a text that is not of its type; for a strict reader, a member in the wrong place too.
        """
        if element.get(_NIL) in {"true", "1"}:
            return None
        plan = self._plans.get(type_name)
        if plan is None:
            return read_scalar(type_name, element.text)
        record: Record = {}
        reached = 0
        for child in element:
            found = plan.get(child.tag)
            if found is None or found[0] < reached:
                if self._strict:
                    raise BadValueError(f"sequence: {child.tag} is not expected here")
                continue
            place, member = found
            value = self.read(member.type_name, child)
            if member.repeated:
                reached = place
                record.setdefault(member.name, []).append(value)
            else:
                reached = place + 1
                record[member.name] = value
        return record
