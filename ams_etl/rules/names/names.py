"""A record's first name, last name and nickname from the fields that hold them, each with its rule and field."""

from collections.abc import Mapping
from dataclasses import dataclass

from ams_etl.rules.names.fields import EMPTY, Marks, NameField, called, read_field
from ams_etl.rules.names.persons import WholeName, has_several, separated, split_whole_name, without_titles
from ams_etl.rules.names.words import has_legal_form, looks_like_firm, names_nobody


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


@dataclass(frozen=True, slots=True)
class _Read:
    """A record's name fields, read and taken apart where they hold whole names."""

    first: NameField
    last: NameField
    informal: NameField
    formal: NameField
    whole: NameField
    first_split: WholeName | None
    informal_split: WholeName | None
    formal_split: WholeName | None
    whole_split: WholeName | None


def derive_name(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    """First name, last name and nickname of any record, in the documents' order.

    Args:
        fields: the record's name fields.
        marks: the agency's further marks.
    """
    return _name_of(_read(fields, tuple(marks.items()) if marks else ()))


def _read(fields: NameFields, marks: Marks) -> _Read:
    first, last = read_field(fields.first, marks), read_field(fields.last, marks)
    informal, formal = _salutation(fields.informal, marks), _salutation(fields.formal, marks)
    whole = read_field(fields.whole, marks)
    told = last.name
    formal_split = split_whole_name(formal.name, told, "given") if formal.name else None
    told = told or (formal_split.family if formal_split else None)
    informal_split = split_whole_name(informal.name, told, "given") if informal.name else None
    told = told or (informal_split.family if informal_split else None)
    whole_split = _whole(whole.name, told) if whole.name else None
    first_split = None
    if first.name and last.name is None and has_several(first.name):
        first_split = split_whole_name(first.name, told, "given")
    return _Read(first, last, informal, formal, whole, first_split, informal_split, formal_split, whole_split)


def _whole(name: str, told: str | None) -> WholeName:
    """A ContactName that is a firm's is one name, not a given and a family name."""
    return WholeName(name, None, (name,)) if has_legal_form(name) else split_whole_name(name, told)


def _salutation(value: str | None, marks: Marks) -> NameField:
    """A salutation that greets no one in particular names nobody."""
    if value is None:
        return EMPTY
    field = read_field(value, marks)
    if field.name and names_nobody(field.name):
        return NameField(None, field.nickname, field.nicknames, field.flags)
    return field


def _name_of(read: _Read) -> PersonName:
    last = _last_name(read)
    nickname = _nickname(read)
    first = nickname or _first_name(read)
    flags = (*read.first.flags, *read.last.flags, *read.informal.flags, *read.formal.flags, *read.whole.flags)
    return PersonName(first, last, nickname or _informal_nickname(read, first), tuple(dict.fromkeys(flags)))


def _nickname(read: _Read) -> Part | None:
    """N1: what stands in parentheses in First Name, else Informal, else Formal Salutation, is the first name.

    Of several people each is called by the own nickname, or the given name. A ContactName stands where First Name does.
    """
    for field, split, label in (
        (read.first, read.first_split, "FirstName"),
        (read.whole, read.whole_split, "ContactName"),
        (read.informal, read.informal_split, "InformalSalutation"),
        (read.formal, read.formal_split, "FormalSalutation"),
    ):
        if field.nickname:
            return Part(field.nickname, "N1", label)
        if field.nicknames:
            givens, separators = (split.givens, split.separators) if split else separated(field.name or "")
            text = called(field, givens, separators)
            if text:
                return Part(text, "N1", label)
    return None


def _first_name(read: _Read) -> Part | None:
    """N2: the First Name field, else the Informal, else the Formal Salutation; else none."""
    if read.first.name:
        given = read.first_split.given if read.first_split else without_titles(read.first.name)
        if given:
            return Part(given, "N4" if has_several(given) else "N2", "FirstName")
    for split, label in (
        (read.whole_split, "ContactName"),
        (read.informal_split, "InformalSalutation"),
        (read.formal_split, "FormalSalutation"),
    ):
        if split and split.given:
            return Part(split.given, "N4" if has_several(split.given) else "N2", label)
    return None


def _last_name(read: _Read) -> Part | None:
    """N3: the Last Name field, else the Formal, else the Informal Salutation.

    A family name that stands in First Name or ContactName comes before the salutations.
    """
    if read.last.name:
        return Part(read.last.name, "N3", "LastName")
    for split, rule, label in (
        (read.first_split, "N5", "FirstName"),
        (read.whole_split, "N11" if read.whole.name and "," in read.whole.name else "N3", "ContactName"),
        (read.formal_split, "N3", "FormalSalutation"),
        (read.informal_split, "N3", "InformalSalutation"),
    ):
        if split and split.family:
            return Part(split.family, rule, label)
    return None


def _informal_nickname(read: _Read, first: Part | None) -> Part | None:
    """N6: else the nickname is the Informal Salutation's given names, where they differ from the first name."""
    given = read.informal_split.given if read.informal_split else None
    if not given or first is None or given.casefold() == first.text.casefold():
        return None
    return Part(given, "N6", "InformalSalutation")


def derive_personal_name(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    """N9: a personal customer without a first name is named after its Firm Name first, then in N2's order.

    A firm name that can be no person's does not name one; it is the first name only when nothing else names the
    customer, so that nobody with a name is lost. A nickname (N1) comes before it.
    """
    extra = tuple(marks.items()) if marks else ()
    read = _read(fields, extra)
    own = _name_of(read)
    if not fields.firm or read.first.name:
        return own
    firm = read_field(fields.firm, extra)
    flags = tuple(dict.fromkeys((*own.flags, *firm.flags)))
    first, last, nickname = own.first, own.last, own.nickname
    if firm.name and looks_like_firm(firm.name):
        unnamed = not first and not last
        return PersonName(Part(firm.name, "N9", "FirmName") if unnamed else first, last, nickname, flags)
    split = split_whole_name(firm.name, last.text if last else None) if firm.name else WholeName(None, None)
    if not last and split.family:
        last = Part(split.family, "N9", "FirmName")
    if not (nickname and nickname.rule == "N1"):
        alias = called(firm, split.givens, split.separators)
        nickname = Part(alias, "N1", "FirmName") if alias else None
        first = nickname or (Part(split.given, "N9", "FirmName") if split.given else first)
        nickname = nickname or _informal_nickname(read, first)
    return PersonName(first, last, nickname, flags)
