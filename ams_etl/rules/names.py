"""Names (N): from the fields that hold them to first name, last name and nickname, each with its rule and field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ams_etl.rules.marks import mark_in, without_bare_marks
from ams_etl.rules.person_names import has_several, looks_like_firm, split_whole_name

_PARENTHESIS = re.compile(r"\(+([^()]*)(?:\)+|\Z)|\[+([^\[\]]*)(?:\]+|\Z)")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a name, the rule that gave it and the source member it was read from."""

    text: str
    rule: str
    field: str


@dataclass(frozen=True, slots=True)
class PersonName:
    """First, last and nickname of a record, and the flags of the marks in all its name fields."""

    first: Part | None = None
    last: Part | None = None
    nickname: Part | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameFields:
    """The name fields of one record; `whole` holds a full name in one string (ContactName)."""

    first: str | None = None
    last: str | None = None
    informal: str | None = None
    formal: str | None = None
    whole: str | None = None
    firm: str | None = None
    labels: tuple[str, str, str, str, str] = (
        "FirstName", "LastName", "InformalSalutation", "FormalSalutation", "ContactName",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    name: str | None
    nickname: str | None
    flags: tuple[str, ...]


def derive_name(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    """N2, N3: first and last name in the documents' order, from what the nickname (N1) and the marks (N10) leave.

    First: nickname; First Name; Informal Salutation; Formal Salutation. Last: Last Name; Formal Salutation; Informal
    Salutation. A ContactName stands where First Name and Last Name stand on a customer.

    Args:
        fields: the record's name fields.
        marks: the agency's further marks.
    """
    extra = tuple(marks.items())
    first, last, informal, formal, whole = (
        _read(value, extra) for value in (fields.first, fields.last, fields.informal, fields.formal, fields.whole)
    )
    flags = tuple(dict.fromkeys((*first.flags, *last.flags, *informal.flags, *formal.flags, *whole.flags)))
    first_label, last_label, informal_label, formal_label, whole_label = fields.labels
    given_in_first, family_in_first = _first_field(first.name, last.name)
    split = split_whole_name(whole.name, last.name) if whole.name else None
    family = (
        _part(last.name, "N3", last_label)
        or _part(family_in_first, "N5", first_label)
        or _part(split.family if split else None, "N11" if whole.name and "," in whole.name else "N5", whole_label)
        or _part(_family(formal.name), "N3", formal_label)
        or _part(_family(informal.name), "N3", informal_label)
    )
    family_name = family.text if family else None
    nickname = _nickname(
        ((first, first_label), (whole, whole_label), (informal, informal_label), (formal, formal_label))
    )
    given = (
        _part(given_in_first, "N4" if given_in_first and has_several(given_in_first) else "N2", first_label)
        or _part(split.given if split else None, "N2", whole_label)
        or _part(_given(informal.name, family_name), "N2", informal_label)
        or _part(_given(formal.name, family_name), "N2", formal_label)
    )
    chosen = nickname or given
    return PersonName(
        chosen, family, nickname or _informal_nickname(informal.name, chosen, family_name, informal_label), flags
    )


def _nickname(fields: Sequence[tuple[_Field, str]]) -> Part | None:
    """N1: what stands in parentheses in First Name, else Informal, else Formal Salutation, is the first name."""
    return next((Part(field.nickname, "N1", label) for field, label in fields if field.nickname), None)


def _informal_nickname(informal: str | None, first: Part | None, family: str | None, label: str) -> Part | None:
    """N6: else the nickname is the Informal Salutation's given names, where they differ from the first name."""
    given = _given(informal, family)
    if not given or first is None or given.casefold() == first.text.casefold():
        return None
    return Part(given, "N6", label)


def derive_personal_name(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    """N9: a personal customer without a first name is named after its Firm Name first, then in N2's order.

    A firm name that can be no person's does not name one; it is the first name only when nothing else names the
    customer, so that nobody with a name is lost.
    """
    if _read(fields.first, tuple(marks.items())).name or not fields.firm:
        return derive_name(fields, marks)
    firm = _read(fields.firm, tuple(marks.items()))
    named = derive_name(fields, marks)
    flags = tuple(dict.fromkeys((*named.flags, *firm.flags)))
    if not firm.name:
        return PersonName(named.first, named.last, named.nickname, flags)
    if looks_like_firm(firm.name):
        first = named.first or (None if named.last else Part(firm.name, "N9", "FirmName"))
        return PersonName(first, named.last, named.nickname, flags)
    split = split_whole_name(firm.name, named.last.text if named.last else None)
    if named.nickname and named.nickname.rule == "N1":
        first = named.nickname
    else:
        first = _part(firm.nickname, "N1", "FirmName") or _part(split.given, "N9", "FirmName") or named.first
    last = named.last or _part(split.family, "N9", "FirmName")
    nickname = named.nickname
    if nickname and first and nickname.text.casefold() == first.text.casefold() and nickname.rule == "N6":
        nickname = None
    return PersonName(first, last, nickname, flags)


def firm_as_first_name(firm: str, marks: Mapping[str, str]) -> PersonName:
    """N8 (second half): a commercial customer whom no contact names has its firm name as first name too."""
    flags = _read(firm, tuple(marks.items())).flags
    return PersonName(_part(company_name(firm, marks), "N8", "FirmName"), None, None, flags)


def _first_field(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """N5: a First Name field that holds whole names of several people, when no Last Name field tells theirs."""
    if first and not last and has_several(first):
        split = split_whole_name(first)
        return split.given, split.family
    return first, None


def _part(text: str | None, rule: str, field: str) -> Part | None:
    return Part(text, rule, field) if text else None


def _given(salutation: str | None, family: str | None) -> str | None:
    return split_whole_name(salutation, family).given if salutation else None


def _family(salutation: str | None) -> str | None:
    return split_whole_name(salutation).family if salutation else None


@lru_cache(maxsize=1 << 15)
def _read(value: str | None, marks: tuple[tuple[str, str], ...]) -> _Field:
    """N10: a field without its parentheses and marks; an email address in a name field is no name."""
    if not value:
        return _Field(None, None, ())
    flags: list[str] = []
    nicknames: list[str] = []
    further = dict(marks)
    for groups in _PARENTHESIS.findall(value):
        content = " ".join((groups[0] or groups[1]).strip(" *\"'").split())
        if not content:
            continue
        flag = mark_in(content, further)
        if flag:
            flags.append(flag)
        elif "@" not in content and any(letter.isalpha() for letter in content):
            nicknames.append(content)
    rest = " ".join(_PARENTHESIS.sub(" ", value).replace("(", " ").replace(")", " ").split())
    rest, bare = without_bare_marks(rest)
    name = " ".join(word for word in rest.split() if "@" not in word).strip(" ,;*-")
    if not any(letter.isalnum() for letter in name):
        name = ""
    return _Field(name or None, nicknames[0] if nicknames else None, (*flags, *bare))


@lru_cache(maxsize=1 << 14)
def _without_marks(value: str, marks: tuple[tuple[str, str], ...]) -> str | None:
    further = dict(marks)

    def keep(found: re.Match[str]) -> str:
        return " " if mark_in(found[1] or found[2] or "", further) else found[0]

    return " ".join(_PARENTHESIS.sub(keep, value).split()) or None


def company_name(firm: str | None, marks: Mapping[str, str]) -> str | None:
    """C8: the Firm Name as given; only marks (N10) are taken out, other parentheses belong to it."""
    return _without_marks(firm, tuple(marks.items())) if firm else None


def family_name(last: str | None, marks: Mapping[str, str]) -> str | None:
    """N10, N11: a Last Name field without marks and nicknames."""
    return _read(last, tuple(marks.items())).name
