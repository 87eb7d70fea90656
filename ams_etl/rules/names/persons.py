"""Splits a field that holds one or several whole names into given and family names."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from ams_etl.rules.immutable import immutable
from ams_etl.rules.names.words import (
    AFTER_A_COMMA,
    AFTER_A_WHOLE_NAME,
    GREETING,
    LETTERS_AFTER,
    PARTICLES,
    PLURAL_TITLES,
    RANKS,
    RANKS_ONLY,
    SUFFIXES,
    TITLES,
    TITLES_ONLY,
    bare,
)

Style = Literal["whole", "given"]
"""`whole`: a ContactName or Firm Name, `Last, First` is turned round. `given`: a salutation or First Name, where a comma
lists people, and where a field without the family name that is known from elsewhere holds given names alone."""

# `and` separates only as a word, the signs anywhere; a separator stays as typed.
_SEPARATOR = re.compile(
    r"(\s*&/or\s*|\s*&\s*|\s*\+\s*|\s+and/or\s+|\s+and\s+|\s+(?-i:or)\s+|\s*;\s*|(?<=[\w.\0])\s*/\s*(?=[\w\0]))",
    re.IGNORECASE,
)
_ANY_SEPARATOR = re.compile(r"[&+;]|\sand(?:/or)?\s|\s(?-i:or)\s|[\w.\0]\s*/\s*[\w\0]", re.IGNORECASE)
_SIGNS_WITH_BLANKS = {" ; ": "; ", " ;": "; ", ";": "; ", " /": "/", "/ ": "/"}
"""How a sign is written where a parenthesis before it left a blank."""
_LIST_SEPARATOR = re.compile(r"(\s*,?\s*&/or\s*|\s*,?\s*&\s*|\s*\+\s*|\s+and/or\s+|,?\s+and\s+|\s*,\s*)", re.IGNORECASE)
_AT_AN_END = re.compile(r"^(?:\s*(?:&/or|&|\+|and(?=\s)))+\s*|\s*(?:&/or|&|\+|(?<=\s)and)+\s*$", re.IGNORECASE)
_COMMA_SUFFIX = re.compile(rf"\s*,\s*(?=(?:{'|'.join(sorted(SUFFIXES))})\b\.?(?:\s|,|$))", re.IGNORECASE)
_COMMA_LETTERS = re.compile(rf"\s*,\s*((?:{'|'.join(sorted(AFTER_A_COMMA - SUFFIXES))})\b\.?)(?=\s|,|$)", re.IGNORECASE)
_SURELY_NUMERALS = frozenset(["vi", "vii", "viii"])
"""Numerals that are no initial; a V without a stop is the fifth, `John V.` has an initial."""
_DOUBLE_FIRST = frozenset(
    [
        "mary", "jo", "betty", "ann", "anna", "sarah", "peggy", "martha", "carol", "norma", "laura", "billie", "bobbie", "emma",
        "rose", "ruth", "sue", "ella", "cora", "barbara", "patty", "terry", "lee", "linda", "donna", "maria", "jean", "nancy",
    ]
)  # fmt: skip
_DOUBLE_SECOND = frozenset(
    [
        "ann", "anne", "beth", "ellen", "jane", "jean", "jo", "kay", "lee", "lou", "louise", "lynn", "lynne", "marie", "rose",
        "sue", "ruth", "kate", "pat", "grace", "elena", "jeanne", "helen", "alice", "margaret", "catherine", "elizabeth",
    ]
)  # fmt: skip
"""Halves of double given names, which another person's whole name beside them does not make family names."""
_GLUE = "\1"
_GLUED = re.compile(rf"{_GLUE}([^\s{_GLUE},]+)")
"""Letters after a comma stay glued to the word before it until the family name is known: `Roe, John, CPCU`."""
_SHAPE = re.compile(r"(?:[A-Z]\.?){2,6}")
_ABBREVIATED_TITLES = RANKS | TITLES
_TITLED = re.compile(
    rf"(?:^|[\s&+,/;])(?:(?:{'|'.join(sorted(TITLES_ONLY | RANKS_ONLY))})\b|(?:{'|'.join(sorted(_ABBREVIATED_TITLES))})\.)",
    re.IGNORECASE,
)


@immutable(frozen=True, slots=True)
class WholeName:
    """The given and family names of a field; those of several people are joined by the separators as typed."""

    given: str | None
    family: str | None
    givens: tuple[str | None, ...] = ()
    separators: tuple[str, ...] = ()
    families: tuple[str | None, ...] = ()


def separated(name: str) -> tuple[list[str], list[str]]:
    """N4: Return the names in one field, separated by `&`, `and` (a whole word), `+` or `&/or`, and the separators.

    People write `or`, `/` and `;` as well [ours].
    """
    if not _ANY_SEPARATOR.search(name):
        return [name], []
    parts = _SEPARATOR.split(name)
    return parts[::2], [_SIGNS_WITH_BLANKS.get(sign, sign) for sign in parts[1::2]]


def has_several(name: str) -> bool:
    """Return whether a field holds more than one name."""
    return bool(_ANY_SEPARATOR.search(name))


def without_loose_ends(name: str) -> str:
    """Return a field without separators at its ends: `John &`."""
    # The pattern is slow where it finds nothing, and all it finds has one of these.
    if "&" in name or "+" in name or "and" in name.lower():
        return _AT_AN_END.sub("", name)
    return name


@lru_cache(maxsize=1 << 15)
def split_whole_name(name: str, family: str | None = None, style: Style = "whole") -> WholeName:
    """N5: Return `John & Jane`, `Doe` of `John & Jane Doe`; `John & Jane`, `Doe & Smith` of `John Doe & Jane Smith`.

    Args:
        name: the field, marks and nicknames removed.
        family: the family name, where another field has it.
        style: what a comma means, and what a field without that family name.
    """
    return _split_simple(name, family, style) or _split_closely(name, family, style)


NO_SIMPLE_WORDS = TITLES | PLURAL_TITLES | RANKS | SUFFIXES | LETTERS_AFTER | frozenset(["and", "dear", "hi", "hello"])
"""Words that are more than a given or a family name; any other one or two words of letters are those names."""

_SIMPLE_TITLES = TITLES - PLURAL_TITLES


def _split_simple(name: str, family: str | None, style: Style) -> WholeName | None:
    """Split one or two words of letters, also after one title, as nearly every name is; None for any other.

    The result is that of `_split_closely`, in a tenth of the time.
    """
    first, _, second = name.partition(" ")
    titled = second and first.removesuffix(".").casefold() in _SIMPLE_TITLES
    if titled:
        first, _, second = second.partition(" ")
    if not first.isalpha() or (second and not second.isalpha()) or (family and not family.isalpha()):
        return None
    words = {first.casefold(), second.casefold()}
    if not NO_SIMPLE_WORDS.isdisjoint(words):
        return None
    known = family.casefold() if family else None
    if titled or (second or first).casefold() == known:
        given, last = (first, second) if second else (None, first)
    elif second and not (known and style == "given"):
        given, last = first, second
    else:
        given, last = (f"{first} {second}" if second else first), None
    return WholeName(given, last, (given,), (), (last,))


def _split_closely(name: str, family: str | None, style: Style) -> WholeName:
    people_in = _people_in(GREETING.sub("", name.replace(_GLUE, "")).strip(" ,;:*!"), style)
    parts, separators = people_in.parts, people_in.separators
    known = (*_families_before_a_comma(people_in.families), *_families(family))
    letters: list[list[str]] = [[]] * len(parts)
    if any(_GLUE in part for part in parts):
        letters = [_GLUED.findall(part) for part in parts]
        parts = [_GLUED.sub("", part) for part in parts]
    untitled = [_without_suffixes(_untitled(part.split(), TITLES), known)[0] for part in parts]
    # "Mr. John and Mrs. Jane Doe", "Billy B. & Jane Doe": beside a whole name a title precedes a given name, and an
    # initial ends one; alone, "Mr. Doe", "Malcolm X", they go with a family name.
    beside_whole = len(parts) > 1 and any(len(words) > 1 for words in untitled)
    given_only = style == "given" and bool(known) and not any(_known_family(words, known) for words in untitled)
    given_only = given_only or bool(people_in.families)
    people = [_person(part, known, given_only=given_only, beside_whole=beside_whole) for part in parts]
    givens = tuple(person[0] for person in people)
    families = [
        " ".join([person[1], *after]) if person[1] else None for person, after in zip(people, letters, strict=True)
    ]
    return _of_people(givens, families, separators)


def _of_people(givens: Sequence[str | None], families: Sequence[str | None], separators: Sequence[str]) -> WholeName:
    return WholeName(
        joined(givens, separators), families_of(families, separators), tuple(givens), tuple(separators), tuple(families)
    )


def families_of(families: Sequence[str | None], separators: Sequence[str]) -> str | None:
    """Return several people's family names with the separators between them, or the one that all of them have."""
    distinct = {family.casefold() for family in families if family}
    return joined(families, separators) if len(distinct) > 1 else next((family for family in families if family), None)


def without_people(split: WholeName, places: frozenset[int]) -> WholeName:
    """Return a field's names without those of some of its people; a family name that only they have is everybody's."""
    givens = [None if at in places else given for at, given in enumerate(split.givens)]
    families = [None if at in places else family for at, family in enumerate(split.families)]
    return _of_people(givens, families if any(families) else split.families, split.separators)


def joined(names: Sequence[str | None], separators: Sequence[str]) -> str | None:
    """Return the names with the separators between them; a person without a name leaves no gap."""
    text = ""
    for at, name in enumerate(names):
        if name:
            text += (separators[at - 1] if text else "") + name
    return " ".join(text.split()) or None


def without_titles(name: str) -> str | None:
    """Return a First Name field without `Mr.`, `Mrs.`, `Dr.` and similar titles before its names."""
    # One word of letters, as nearly every First Name is, needs no pattern.
    if name.isascii() and name.isalpha() and name.lower() not in TITLES_ONLY:
        return name
    if not _TITLED.search(name):
        return name
    parts, separators = separated(name)
    return joined([" ".join(_untitled(part.split(), TITLES_ONLY)) or None for part in parts], separators)


class _People(NamedTuple):
    """The people in a field, the separators between them, and the family names that were written before a comma."""

    parts: list[str]
    separators: list[str]
    families: tuple[str, ...] = ()


def _people_in(name: str, style: Style) -> _People:
    if "," in name:
        if not AFTER_A_COMMA.isdisjoint(map(bare, name.replace(",", " ").split())):
            name = _COMMA_LETTERS.sub(rf"{_GLUE}\1", _COMMA_SUFFIX.sub(" ", name))
        name = _without_letters(name)
    if style == "given":
        if "," in name:
            pieces = _LIST_SEPARATOR.split(name)
            people = _People(pieces[::2], pieces[1::2])
        else:
            people = _People(*separated(name))
    else:
        parts, separators = separated(name)
        if len(parts) > 1 and all("," in part for part in parts):
            people = _People([turned_round(part) for part in parts], separators, tuple(map(_before_a_comma, parts)))
        elif "," in name:
            people = _People(*separated(turned_round(name)), (_before_a_comma(name),))
        else:
            people = _People(parts, separators)
    return _with_each_titled(people)


def _with_each_titled(people: _People) -> _People:
    """Repeat a plural title before every single word (N16): `Drs. Davids and Burr` are two family names."""
    title, _, after = people.parts[0].partition(" ")
    if len(people.parts) == 1 or not after or bare(title) not in PLURAL_TITLES:
        return people
    others = [f"{title} {part}" if part and " " not in part else part for part in people.parts[1:]]
    return people._replace(parts=[people.parts[0], *others])


def _without_letters(name: str) -> str:
    """N13: Drop the commas before suffixes, and what by its shape is an unlisted designation: `John Roe, XYZ`.

    Both need a given and a family name before the comma, and the shape one that is not all capitals: `VAN DYKE, MARY`
    and `Smith, MARY` are turned round.
    """
    before, *pieces = name.split(",")
    words = [word for word in before.split() if bare(word) not in PARTICLES and bare(word) not in SUFFIXES]
    if len(words) < 2 and not (len(pieces) > 1 and bare(pieces[-1].strip()) in AFTER_A_WHOLE_NAME):
        return name
    kept = before
    for place, piece in enumerate(pieces):
        letters = piece.split()
        if letters and all(bare(word) in AFTER_A_WHOLE_NAME for word in letters) and (len(words) > 1 or place > 0):
            kept += "".join(f"{_GLUE}{word}" for word in letters)
        elif not (
            len(words) > 1 and letters and not before.isupper() and all(_SHAPE.fullmatch(word) for word in letters)
        ):
            kept += f",{piece}"
    return kept


def _before_a_comma(name: str) -> str:
    """Return the family name of `Last, First` (N13): every word before the comma, without titles."""
    return (
        " ".join(_untitled(_GLUED.sub("", name.partition(",")[0]).split(), TITLES)) if "," in name.strip(" ,") else ""
    )


def turned_round(name: str) -> str:
    """N11: Turn `Last, First` round; keep the case as typed, collapse white space."""
    before, _, after = name.partition(",")
    given, _, rest = after.partition(",")
    names, suffixes = _without_suffixes(given.split())
    if len(names) > 1 and (bare(names[-1]) in _SURELY_NUMERALS or names[-1] == "V"):
        names, suffixes = names[:-1], [names[-1], *suffixes]
    family = _untitled(before.split(), TITLES) or before.split()
    return " ".join([*names, *family, *suffixes, *rest.replace(",", " ").split()])


def _families_before_a_comma(families: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(found for family in families if family for found in _families(family, several=False))


def _person(
    words: str, known: Sequence[Sequence[str]], *, given_only: bool, beside_whole: bool
) -> tuple[str | None, str | None]:
    """N7: Return one person's given and family names: initials stay, suffixes stay with the family name, titles go."""
    tokens = words.split()
    untitled = _untitled(tokens, TITLES)
    named, suffixes = _without_suffixes(untitled, known)
    # Beside a whole name an initial ends a given name, and so does the second half of a double one: `Mary Ann & Bo Doe`.
    is_given = beside_whole and bool(named) and (len(bare(named[-1])) == 1 or _is_double(named))
    titled = len(untitled) < len(tokens) and not (beside_whole and len(named) == 1) and not is_given
    given_only = given_only or is_given
    at = len(named) - _family_length(named, known, titled=titled, given_only=given_only)
    given, last = named[:at], named[at:]
    if last:
        return " ".join(given) or None, " ".join([*last, *suffixes])
    return " ".join([*given, *suffixes]) or None, None


def _is_double(named: Sequence[str]) -> bool:
    """Return whether two words are a given name that is often double: `Mary Ann`, `Jo Beth`."""
    return len(named) == 2 and bare(named[0]) in _DOUBLE_FIRST and bare(named[1]) in _DOUBLE_SECOND


def _family_length(tokens: list[str], known: Sequence[Sequence[str]], *, titled: bool, given_only: bool) -> int:
    """Return how many of the last words are the family name."""
    length = _known_family(tokens, known)
    if length:
        return length
    if len(tokens) <= 1:
        # "Mr. Doe" holds a family name, "Jon" a given one.
        return len(tokens) if titled else 0
    if given_only and not titled:
        return 0
    length = 1
    while length < len(tokens) - 1 and bare(tokens[-length - 1]) in PARTICLES:
        length += 1
    return length


def _untitled(tokens: list[str], titles: frozenset[str]) -> list[str]:
    """Return the words without the titles and ranks before them."""
    at = 0
    while at < len(tokens):
        if bare(tokens[at]) not in titles and not _is_rank(tokens[at], titles, before=len(tokens) - at - 1):
            break
        at += 1
    return tokens[at:]


def _is_rank(word: str, titles: frozenset[str], *, before: int) -> bool:
    """Return whether a word is a rank, or an abbreviated title, before so many others.

    `Col.` is one before any name; `Captain` is one before a given name, or before a whole one where that is asked for.
    """
    if before and word.endswith(".") and bare(word) in _ABBREVIATED_TITLES:
        return True
    return (before > 1 and bare(word) in RANKS) if titles is TITLES else (before > 0 and bare(word) in RANKS_ONLY)


def _without_suffixes(tokens: list[str], known: Sequence[Sequence[str]] = ()) -> tuple[list[str], list[str]]:
    """Return the words before the suffixes, and the suffixes; a known family name (Kim Do) is not a suffix."""
    end = len(tokens)
    while (end > 1 and bare(tokens[end - 1]) in SUFFIXES) or (
        end > 2 and bare(tokens[end - 1]) in LETTERS_AFTER and not _known_family(tokens[:end], known)
    ):
        end -= 1
    return tokens[:end], tokens[end:]


def _families(family: str | None, *, several: bool = True) -> tuple[tuple[str, ...], ...]:
    """Return the family names that another field holds, as they are compared."""
    if not family:
        return ()
    parts = separated(family)[0] if several else [family]
    named = (_without_suffixes(part.split())[0] for part in parts)
    return tuple(tuple(bare(word) for word in words) for words in named if words)


def families_in(family: str | None) -> frozenset[str]:
    """Return the family names in a Last Name as they are compared: without case, stops and suffixes."""
    return frozenset(" ".join(words) for words in _families(family))


def _known_family(tokens: list[str], known: Sequence[Sequence[str]]) -> int:
    """Return how many of the last words are a known family name, or one part of a double name."""
    if not known or not tokens:
        return 0
    words = [bare(word) for word in tokens]
    for family in known:
        if words[-len(family) :] == list(family):
            return len(family)
    parts = {part for family in known for word in family for part in (word, *word.split("-"))} - PARTICLES
    return 1 if len(words) > 1 and words[-1] in parts else 0
