"""Answers, written in schema order: records to XML text."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from ams_etl.sandbox.soap.contract import Contract, Member
from ams_etl.sandbox.soap.scalars import GUID, XSD

INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_MARKUP = re.compile("[&<>\r]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML forbids; .NET writes them all the same, as references."""


class Rendered(str):
    """An element that is XML already."""

    __slots__ = ()


@dataclass(slots=True)
class _Slot:
    name: str
    opening: str
    closing: str
    blanks: tuple[str, str, str]
    repeated: bool
    inner: "_Plan | None"


@dataclass(slots=True)
class _Plan:
    slots: list[_Slot]
    identity: str | None
    is_agency: bool = False
    """AgencyInfo's empty members are empty elements, never nil, as recorded."""


class Writer:
    """Writes records by a contract's types.

    "No value" has three spellings: xsi:nil, an empty element, and no element. A real service uses all three, so some
    records use one and some another, always the same one for the same record.

    Args:
        contract: the types.
        prefixes: a prefix for every namespace; whoever makes the envelope declares them.
    """

    def __init__(self, contract: Contract, prefixes: Mapping[str, str]) -> None:
        self._contract, self._prefixes = contract, prefixes
        self._plans: dict[str, _Plan] = {}
        self._slots: dict[tuple[str, str], _Slot] = {}

    def element(self, member: Member, value: Any) -> Rendered:
        """One member as an element; None is nil where the schema lets it be, else nothing."""
        slot = self._slots.get((member.tag, member.type_name))
        if slot is None:
            slot = self._slots[member.tag, member.type_name] = self._slot(member, 0)
        return Rendered(self._write(slot, value, slot.blanks[0]))

    def members(self, type_name: str, record: Mapping[str, Any]) -> Rendered:
        """A complex type's members without an element around them; what has no value is left out."""
        plan = self._plan(type_name)
        return Rendered(self._members(plan, record) if plan else "")

    def _write(self, slot: _Slot, value: Any, blank: str) -> str:
        if value is None:
            return blank
        if slot.inner is None:
            return f"{slot.opening}{_text(value)}{slot.closing}"
        return f"{slot.opening}{self._members(slot.inner, value)}{slot.closing}"

    def _members(self, plan: _Plan, record: Mapping[str, Any]) -> str:
        spelling = int(str(record.get(plan.identity) or "0")[-1], 16) if plan.identity else 0
        # Half of the records are nil throughout, as is the habit of such services.
        way = 0 if spelling < 8 else 1 if spelling < 12 else 2
        parts: list[str] = []
        for slot in plan.slots:
            value = record.get(slot.name)
            if value is None:
                blank = f"{slot.opening[:-1]}/>" if plan.is_agency else slot.blanks[way]
                parts.append("" if slot.repeated else blank)
            elif value.__class__ is Rendered:
                parts.append(value)
            elif slot.repeated:
                parts.extend(
                    item if item.__class__ is Rendered else self._write(slot, item, slot.blanks[0]) for item in value
                )
            else:
                parts.append(self._write(slot, value, ""))
        return "".join(parts)

    def _plan(self, type_name: str) -> _Plan | None:
        members = self._contract.types.get(type_name)
        if members is None:
            return None
        plan = self._plans.get(type_name)
        if plan is None:
            identity = next((member.name for member in members if member.type_name == GUID), None)
            plan = self._plans[type_name] = _Plan([], identity, type_name.endswith("}AgencyInfo"))
            plan.slots.extend(self._slot(member, place) for place, member in enumerate(members))
        return plan

    def _slot(self, member: Member, place: int) -> _Slot:
        prefix = self._prefixes[member.namespace] if member.namespace else ""
        tag = f"{prefix}:{member.name}" if prefix else member.name
        # BenefitPoint sends nil members of lists although its contract does not declare them nillable.
        nil = f'<{tag} i:nil="true"/>' if member.nillable or member.repeated else ""
        empty = f"<{tag}/>" if member.type_name == f"{XSD}string" else nil
        mixed = (nil, empty, "")[place % 3]
        return _Slot(
            member.name, f"<{tag}>", f"</{tag}>", (nil, "", mixed), member.repeated, self._plan(member.type_name)
        )


def _text(value: Any) -> str:
    if isinstance(value, str):
        escaped = escape(value, {"\r": "&#13;"}) if _MARKUP.search(value) else value
        return _FORBIDDEN.sub(lambda found: f"&#x{ord(found[0]):X};", escaped)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
