"""Derives a record's first name, last name and nickname from its name fields, each with its rule and field."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ams_etl.rules.immutable import immutable
from ams_etl.rules.names.fields import (
    EMPTY,
    MEANINGFUL,
    SINGLE_WORDS,
    Marks,
    NameField,
    called,
    is_fiduciary,
    is_role,
    read_field,
)
from ams_etl.rules.names.living import ReadField, living_people
from ams_etl.rules.names.marks import DECEASED, PERSONAL, estate_of
from ams_etl.rules.names.persons import (
    NO_SIMPLE_WORDS,
    WholeName,
    has_several,
    separated,
    split_whole_name,
    without_titles,
)
from ams_etl.rules.names.words import (
    AFTER_A_COMMA,
    GENERIC,
    LEGAL_FORMS,
    bare,
    has_legal_form,
    is_generic,
    is_household,
    is_initial,
    is_surely_firm,
    is_trade_name,
    looks_like_firm,
    names_no_middle,
    names_nobody,
    says_there_is_no_name,
)


@immutable(frozen=True, slots=True)
class Part:
    """A part of a name, the rule that produced it and the source member it was read from."""

    text: str
    rule: str
    field: str


@immutable(frozen=True, slots=True)
class PersonName:
    """A record's first name, last name, nickname and middle name, and the flags of the marks in all its name fields.

    `left_out` names the people that a mark took out, with the mark (M6); `first_left` says that the one named first is
    among them.
    """

    first: Part | None = None
    last: Part | None = None
    nickname: Part | None = None
    flags: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    first_left: bool = False
    middle: Part | None = None


_NOBODY = PersonName()


@immutable(frozen=True, slots=True)
class NameFields:
    """The name fields of one record; `whole` holds a full name in one string (ContactName)."""

    first: str | None = None
    last: str | None = None
    informal: str | None = None
    formal: str | None = None
    whole: str | None = None
    firm: str | None = None
    middle: str | None = None


@immutable(frozen=True, slots=True)
class _Read:
    """A record's name fields, read, and split where they hold whole names."""

    first: NameField
    last: NameField
    informal: NameField
    formal: NameField
    whole: NameField
    first_split: WholeName | None
    informal_split: WholeName | None
    formal_split: WholeName | None
    whole_split: WholeName | None
    last_split: WholeName | None
    middle: NameField
    firm: NameField = EMPTY
    firm_split: WholeName | None = None


def derive_name(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    """Derive first name, last name and nickname of any record, in the documents' order.

    A Firm Name that is a person's estate, or a person with a role such as `Executrix`, names a record without another name (N10).

    Args:
        fields: the record's name fields.
        marks: the agency's further marks.
    """
    return (None if fields.firm else _simple_name(fields)) or _derive_closely(fields, marks)


_is_role = lru_cache(maxsize=1 << 14)(is_role)
_NOT_SIMPLE = (
    AFTER_A_COMMA
    | MEANINGFUL
    | SINGLE_WORDS
    | NO_SIMPLE_WORDS
    | GENERIC
    | LEGAL_FORMS
    | {"division", "estate", "household", "null"}
)
"""Words that any rule of names does something about."""


def _simple_name(fields: NameFields) -> PersonName | None:
    """Return the name of a record with nothing but two ASCII words, in First and Last Name or in ContactName; None for others.

    Half of all records are so: `Jon Roe`, or `Roe, Jon`. The result is that of reading closely, in a tenth of the time.
    """
    first, last, rule, label = fields.first, fields.last, "N3", "FirstName"
    if fields.informal or fields.formal or fields.middle:
        return None
    if fields.whole:
        if first or last:
            return None
        last, turned_round, first = fields.whole.partition(", ")
        rule, label = "N11", "ContactName"
        if not turned_round:
            rule = "N3"
            first, _, last = fields.whole.partition(" ")
    if not first or not last or not first.isalpha() or not last.isalpha():
        return None
    # Patterns without case take some letters, as the long s, for those of ASCII; the words here are compared as they are.
    if not first.isascii() or not last.isascii() or not _NOT_SIMPLE.isdisjoint((first.lower(), last.lower())):
        return None
    if rule == "N11" and _is_role(first):
        return None
    return PersonName(Part(first, "N2", label), Part(last, rule, "LastName" if label == "FirstName" else label))


def _derive_closely(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    further = tuple(marks.items()) if marks else ()
    own = _own_name(fields, further)
    if not fields.firm or (own.first and own.first.field == "FirstName"):
        return own
    if not _is_estate(fields.firm) and (own.first or own.last or not is_fiduciary(fields.firm)):
        return own
    return _named_by_firm(own, read_field(fields.firm, further))


def _own_name(fields: NameFields, marks: Marks) -> PersonName:
    """Return the name without that of the firm; most commercial customers have only a firm's."""
    if not (fields.first or fields.last or fields.informal or fields.formal or fields.whole or fields.middle):
        return _NOBODY
    return _name_of(*_with_the_living(_read(fields, marks)))


def _read(fields: NameFields, marks: Marks) -> _Read:
    if fields.first and fields.last:
        fields = _with_estate_first(fields, fields.first, fields.last)
    first = read_field(fields.first, marks) if fields.first else EMPTY
    last = read_field(fields.last, marks) if fields.last else EMPTY
    if fields.first and fields.last:
        first, last = _together(fields.first, fields.last, first, last)
    informal = _salutation(fields.informal, marks) if fields.informal else EMPTY
    formal = _salutation(fields.formal, marks) if fields.formal else EMPTY
    whole = read_field(fields.whole, marks) if fields.whole and not is_generic(fields.whole) else EMPTY
    last_split = None
    if last.name and not first.name and not first.nickname and (DECEASED in first.flags or DECEASED in last.flags):
        last_split = _of_an_estate(first, last, fields.last)
    elif last.name and "," in last.name and not (fields.first or fields.informal or fields.formal):
        last_split = _turned_round(last.name)
    family = (last_split.family or last.name) if last_split else last.name
    formal_split = split_whole_name(formal.name, family, "given") if formal.name else None
    family = family or (formal_split.family if formal_split else None)
    informal_split = split_whole_name(informal.name, family, "given") if informal.name else None
    family = family or (informal_split.family if informal_split else None)
    whole_split = _whole(whole.name, family, fields.whole or "") if whole.name else None
    first_split = None
    if (
        first.name
        and last.name is None
        and (has_several(first.name) or (DECEASED in first.flags and _is_estate(fields.first)))
    ):
        first_split = split_whole_name(first.name, family, "given")
    return _Read(
        first, last, informal, formal, whole, first_split, informal_split, formal_split, whole_split, last_split,
        read_field(fields.middle, marks) if fields.middle else EMPTY,
    )  # fmt: skip


def _with_estate_first(fields: NameFields, first: str, last: str) -> NameFields:
    """Return names with the word Estate where it is read (N10): `Tom Vale` + `Estate`, `Tom` + `Vale Estate`."""
    if last.isalpha() and last.casefold() != "estate":
        return fields
    before, _, word = last.strip().rpartition(" ")
    if last[:3].casefold() == "of " and bare(first) in {"estate", "est", "the estate"}:
        return replace(fields, first="Estate of", last=last[3:])
    if bare(word) != "estate":
        return fields
    if not before:
        return replace(fields, first="Estate of", last=first) if estate_of(f"{first} {last}") else fields
    before = before.rstrip(" ,-–—")
    if bare(before.rpartition(" ")[2]) in {"real", "life"} or is_surely_firm(before) or looks_like_firm(first):
        return fields
    return replace(fields, first=f"{first} (Estate)", last=before)


def _together(written_first: str, written_last: str, first: NameField, last: NameField) -> tuple[NameField, NameField]:
    """Read First and Last Name together (N16): `Current` + `Owner` name nobody; `Estate of` + a firm is a firm.

    `Null` beside a first name is a family name.
    """
    if says_there_is_no_name(f"{written_first} {written_last}"):
        return NameField(flags=first.flags), NameField(flags=last.flags)
    if last.name and DECEASED in first.flags and is_surely_firm(last.name) and _is_estate(written_first):
        return NameField(f"{written_first} {written_last}"), NameField(flags=last.flags)
    if last.name and " " in last.name and first.name:
        words = last.name.split()
        if len(words) == 2 and bare(words[1]) in {"trust", "tr"}:
            return first, replace(last, name=words[0])
    if written_last == "Null" and first.name:
        return first, NameField(written_last)
    return first, last


def _of_an_estate(first: NameField, last: NameField, written: str | None) -> WholeName | None:
    """Split a Last Name that holds the whole name of a deceased (N10): `Estate of` + `Tom Vale`."""
    return split_whole_name(last.name or "") if first.estate or _is_estate(written) else None


def _turned_round(last: str) -> WholeName | None:
    """Split a Last Name that holds a whole one (N11): `Doe, Jon`; None where it is only a family name (`Doe, Jr.`)."""
    split = split_whole_name(last)
    return split if split.given and split.family else None


def _is_estate(written: str | None) -> bool:
    return bool(written) and estate_of(written or "") is not None


def _whole(name: str, family: str | None, written: str) -> WholeName:
    """Return a ContactName that is a firm's or a household's as one name, any other as given and family names.

    `dba Roe Plumbing` alone is a firm's, whatever its words.
    """
    household = is_household(name)
    if has_legal_form(name) or is_trade_name(written) or (household and not has_several(name)):
        return WholeName(name, None, (name,))
    return split_whole_name(name.rpartition(" ")[0] if household else name, family)


def _salutation(value: str | None, marks: Marks) -> NameField:
    """Read a salutation; one that greets no one in particular names nobody."""
    if value is None:
        return EMPTY
    field = read_field(value, marks)
    if field.name and names_nobody(field.name):
        return NameField(None, field.nickname, field.nicknames, field.flags)
    return field


def _with_the_living(read: _Read) -> tuple[_Read, PersonName]:
    """Return the fields without marked people, and a name that holds only the flags and the people that they took out (M6)."""
    all_fields = (read.first, read.last, read.informal, read.formal, read.whole, read.middle, read.firm)
    written = [flag for field in all_fields if field.flags for flag in field.flags]
    if not written:
        return read, _NOBODY
    flags = tuple(dict.fromkeys(written))
    if PERSONAL.isdisjoint(flags):
        return read, PersonName(flags=flags)
    fields: dict[str, ReadField] = {
        "first": (read.first, read.first_split),
        "whole": (read.whole, read.whole_split),
        "firm": (read.firm, read.firm_split),
        "informal": (read.informal, read.informal_split),
        "formal": (read.formal, read.formal_split),
        "last": (read.last, None),
    }
    living = living_people(fields, "last", flags)
    if living.left_out:
        kept = living.fields
        read = replace(
            read, first=kept["first"][0], first_split=kept["first"][1], whole=kept["whole"][0], whole_split=kept["whole"][1],
            firm=kept["firm"][0], firm_split=kept["firm"][1], informal=kept["informal"][0],
            informal_split=kept["informal"][1], formal=kept["formal"][0], formal_split=kept["formal"][1],
            last=kept["last"][0],
        )  # fmt: skip
    return read, PersonName(flags=living.flags, left_out=living.left_out, first_left=living.first_left)


def _name_of(read: _Read, flagged: PersonName) -> PersonName:
    last = _last_name(read)
    nickname = _nickname(read)
    first = nickname or _first_name(read)
    middle = None
    if read.middle.name:
        first, middle = _with_middle_name(first, read.middle.name, alone=not flagged.left_out and not read.middle.flags)
    nickname = nickname or _informal_nickname(read, first)
    return PersonName(first, last, nickname, flagged.flags, flagged.left_out, flagged.first_left, middle)


def _with_middle_name(first: Part | None, written: str, *, alone: bool) -> tuple[Part | None, Part | None]:
    """N15: Return the first name with the middle initial, else the first name and the middle name.

    An initial follows the First Name of one person who has no nickname; anything else stays out of the greeting. What the
    first name already holds is left alone, and so is a middle name that says that there is none.

    Args:
        first: the first name or the nickname.
        written: the Middle Name without marks.
        alone: the record names one person, and no mark is beside the middle name.
    """
    words = written.split()
    if names_no_middle(written) or (first and _ends_with(first.text.split(), words)):
        return first, None
    middle = Part(written, "N15", "MiddleName")
    if alone and first and first.field == "FirstName" and first.rule == "N2" and all(map(is_initial, words)):
        return Part(f"{first.text} {written}", "N15", "FirstName"), None
    return first, middle


def _ends_with(words: Sequence[str], middle: Sequence[str]) -> bool:
    """Return whether a first name of several words ends with the middle name or its initial: `Mary Ann`, `Ann`."""
    if len(words) <= len(middle):
        return False
    own = [bare(word) for word in words[-len(middle) :]]
    return all(
        word == other or (len(other) == 1 and word.startswith(other)) or (len(word) == 1 and other.startswith(word))
        for word, other in zip(own, map(bare, middle), strict=True)
    )


def _nickname(read: _Read) -> Part | None:
    """N1: Return the nickname in parentheses in First Name, else Informal, else Formal Salutation, else Middle Name.

    Each of several people is called by their nickname, else their given name. A ContactName is read like a First Name.
    """
    for field, split, label in (
        (read.first, read.first_split, "FirstName"),
        (read.whole, read.whole_split, "ContactName"),
        (read.informal, read.informal_split, "InformalSalutation"),
        (read.formal, read.formal_split, "FormalSalutation"),
        (read.middle, None, "MiddleName"),
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
    """N2: Return the First Name field, else the Informal, else the Formal Salutation; else none."""
    if read.first.name:
        given = read.first_split.given if read.first_split else without_titles(read.first.name)
        if given:
            return Part(given, "N4" if has_several(given) else "N2", "FirstName")
    for split, label in (
        (read.last_split, "LastName"),
        (read.whole_split, "ContactName"),
        (read.informal_split, "InformalSalutation"),
        (read.formal_split, "FormalSalutation"),
    ):
        if split and split.given:
            return Part(split.given, "N4" if has_several(split.given) else "N2", label)
    return None


def _last_name(read: _Read) -> Part | None:
    """N3: Return the Last Name field, else the Formal, else the Informal Salutation.

    A family name in First Name or ContactName comes before the salutations.
    """
    if read.last_split:
        rule = "N10" if DECEASED in read.first.flags or DECEASED in read.last.flags else "N11"
        return Part(read.last_split.family, rule, "LastName") if read.last_split.family else None
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
    """N6: Return the Informal Salutation's given names as nickname, where they differ from the first name."""
    given = read.informal_split.given if read.informal_split else None
    if not given or first is None or given.casefold() == first.text.casefold():
        return None
    return Part(given, "N6", "InformalSalutation")


def derive_personal_name(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    """N9: Derive a personal customer's name; without a first name from the Firm Name first, then in N2's order.

    A firm name that cannot be a person's is the first name only when nothing else names the customer, so that nobody
    with a name is lost. A nickname (N1) comes before it.
    """
    return (None if fields.firm else _simple_name(fields)) or _derive_personal_closely(fields, marks)


def _derive_personal_closely(fields: NameFields, marks: Mapping[str, str]) -> PersonName:
    further = tuple(marks.items()) if marks else ()
    read = _read(fields, further)
    firm = read_field(fields.firm, further)
    if firm is EMPTY or (read.first.name and not firm.flags):
        return _name_of(*_with_the_living(read))
    last = _last_name(read)
    is_person = firm.name and (DECEASED in firm.flags or not looks_like_firm(firm.name))
    split = split_whole_name(firm.name, last.text if last else None) if firm.name and is_person else None
    living, flagged = _with_the_living(replace(read, firm=firm, firm_split=split))
    own = _name_of(living, flagged)
    return own if read.first.name else _named_by_firm(own, living.firm, living)


def _named_by_firm(own: PersonName, firm: NameField, read: _Read | None = None) -> PersonName:
    """Complete a record's own name from its Firm Name."""
    flags = own.flags if read else tuple(dict.fromkeys((*own.flags, *firm.flags)))
    first, last, nickname = own.first, own.last, own.nickname
    if firm.name and looks_like_firm(firm.name) and DECEASED not in firm.flags:
        unnamed = not first and not last
        return replace(own, first=Part(firm.name, "N9", "FirmName") if unnamed else first, flags=flags)
    split = read.firm_split if read else None
    if not split:
        split = split_whole_name(firm.name, last.text if last else None) if firm.name else WholeName(None, None)
    if not last and split.family:
        last = Part(split.family, "N9", "FirmName")
    if not (nickname and nickname.rule == "N1"):
        alias = called(firm, split.givens, split.separators)
        nickname = Part(alias, "N1", "FirmName") if alias else None
        first = nickname or (Part(split.given, "N9", "FirmName") if split.given else first)
        nickname = nickname or (_informal_nickname(read, first) if read else None)
    return replace(own, first=first, last=last, nickname=nickname, flags=flags)
