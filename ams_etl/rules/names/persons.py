"""How a field that holds one or several whole names comes apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ams_etl.rules.names.words import (
    AFTER_A_COMMA,
    GREETING,
    LETTERS_AFTER,
    PARTICLES,
    RANKS,
    SUFFIXES,
    TITLES,
    TITLES_ONLY,
    bare,
)

Style = Literal["whole", "given"]
"""`whole`: a ContactName or Firm Name, `Last, First` is turned round. `given`: a salutation or First Name, where a comma
lists people, and where a field without the family name that is known from elsewhere holds given names alone."""

# `and` only as a word, the signs anywhere; what parts two names stays as typed.
_SEPARATOR = re.compile(r"(\s*&/or\s*|\s*&\s*|\s*\+\s*|\s+and/or\s+|\s+and\s+)", re.IGNORECASE)
_LIST_SEPARATOR = re.compile(r"(\s*,?\s*&/or\s*|\s*,?\s*&\s*|\s*\+\s*|\s+and/or\s+|,?\s+and\s+|\s*,\s*)", re.IGNORECASE)
_AT_AN_END = re.compile(r"^(?:\s*(?:&/or|&|\+|and(?=\s)))+\s*|\s*(?:&/or|&|\+|(?<=\s)and)+\s*$", re.IGNORECASE)
_COMMA_SUFFIX = re.compile(rf"\s*,\s*(?=(?:{'|'.join(sorted(AFTER_A_COMMA))})\b\.?(?:\s|,|$))", re.IGNORECASE)
_TITLED = re.compile(rf"(?:^|[\s&+,])(?:{'|'.join(sorted(TITLES_ONLY))})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WholeName:
    """A field taken apart: given and family names, several people joined by the separators as typed."""

    given: str | None
    family: str | None
    givens: tuple[str | None, ...] = ()
    separators: tuple[str, ...] = ()


def separated(name: str) -> tuple[list[str], list[str]]:
    """N4: the names in one field, parted by `&`, `and` (a whole word), `+` or `&/or`, and what parts them, as typed."""
    parts = _SEPARATOR.split(name)
    return parts[::2], parts[1::2]


def has_several(name: str) -> bool:
    """Whether a field holds more than one name."""
    return bool(_SEPARATOR.search(name))


def without_loose_ends(name: str) -> str:
    """A field without separators that part nothing: `John &`."""
    return _AT_AN_END.sub("", name)


@lru_cache(maxsize=1 << 15)
def split_whole_name(name: str, family: str | None = None, style: Style = "whole") -> WholeName:
    """N5: `John & Jane Doe` gives `John & Jane`, `Doe`; `John Doe & Jane Smith` gives `John & Jane`, `Doe & Smith`.

    Args:
        name: the field, marks and nicknames removed.
        family: the family name, where another field has told it.
        style: what a comma means, and what a field without that family name.
    """
    parts, separators = _people_in(GREETING.sub("", name).strip(" ,;:*!"), style)
    told = _families(family)
    untitled = [_without_suffixes(_untitled(part.split(), TITLES), told)[0] for part in parts]
    # "Mr. John and Mrs. Jane Doe", "Billy B. & Jane Doe": beside a whole name a title stands before a given name, and an
    # initial ends one; alone, "Mr. Doe", "Malcolm X", they go with a family name.
    beside_whole = len(parts) > 1 and any(len(words) > 1 for words in untitled)
    given_only = style == "given" and bool(told) and not any(_known_family(words, told) for words in untitled)
    people = [_person(part, told, given_only=given_only, beside_whole=beside_whole) for part in parts]
    givens = tuple(person[0] for person in people)
    families = [person[1] for person in people]
    distinct = {one.casefold() for one in families if one}
    return WholeName(
        joined(givens, separators),
        joined(families, separators) if len(distinct) > 1 else next((one for one in families if one), None),
        givens,
        tuple(separators),
    )


def joined(names: Sequence[str | None], separators: Sequence[str]) -> str | None:
    """Names with what stood between them; who has none leaves no gap."""
    text = ""
    for at, name in enumerate(names):
        if name:
            text += (separators[at - 1] if text else "") + name
    return " ".join(text.split()) or None


def without_titles(name: str) -> str | None:
    """A First Name field without `Mr.`, `Mrs.`, `Dr.` and their like before its names."""
    if not _TITLED.search(name):
        return name
    parts, separators = separated(name)
    return joined([" ".join(_untitled(part.split(), TITLES_ONLY)) or None for part in parts], separators)


def _people_in(name: str, style: Style) -> tuple[list[str], list[str]]:
    if "," in name:
        name = _COMMA_SUFFIX.sub(" ", name)
    if style == "whole":
        parts, separators = separated(name)
        if len(parts) > 1 and all("," in part for part in parts):
            return [turned_round(part) for part in parts], separators
        return separated(turned_round(name)) if "," in name else (parts, separators)
    pieces = _LIST_SEPARATOR.split(name) if "," in name else _SEPARATOR.split(name)
    return pieces[::2], pieces[1::2]


def turned_round(name: str) -> str:
    """N11: `Last, First` is turned round; case is kept as typed, white space collapsed."""
    before, _, after = name.partition(",")
    given, _, rest = after.partition(",")
    names, suffixes = _without_suffixes(given.split())
    return " ".join([*names, *before.split(), *suffixes, *rest.replace(",", " ").split()])


def _person(
    words: str, told: Sequence[Sequence[str]], *, given_only: bool, beside_whole: bool
) -> tuple[str | None, str | None]:
    """N7: one person's given and family names: initials stay, suffixes stay with the family name, honorifics go."""
    tokens = words.split()
    untitled = _untitled(tokens, TITLES)
    named, suffixes = _without_suffixes(untitled, told)
    titled = len(untitled) < len(tokens) and not (beside_whole and len(named) == 1)
    given_only = given_only or (beside_whole and bool(named) and len(bare(named[-1])) == 1)
    at = len(named) - _family_length(named, told, titled=titled, given_only=given_only)
    given, last = named[:at], named[at:]
    if last:
        return " ".join(given) or None, " ".join([*last, *suffixes])
    return " ".join([*given, *suffixes]) or None, None


def _family_length(tokens: list[str], told: Sequence[Sequence[str]], *, titled: bool, given_only: bool) -> int:
    """How many of the last words are the family name."""
    known = _known_family(tokens, told)
    if known:
        return known
    if len(tokens) <= 1:
        # "Mr. Doe" tells a family name, "Jon" a given one.
        return len(tokens) if titled else 0
    if given_only and not titled:
        return 0
    length = 1
    while length < len(tokens) - 1 and bare(tokens[-length - 1]) in PARTICLES:
        length += 1
    return length


def _untitled(tokens: list[str], titles: frozenset[str]) -> list[str]:
    """The words without the titles before them; a rank is one only where a whole name follows."""
    at = 0
    while at < len(tokens):
        word = bare(tokens[at])
        if word not in titles and not (word in RANKS and titles is TITLES and len(tokens) - at > 2):
            break
        at += 1
    return tokens[at:]


def _without_suffixes(tokens: list[str], told: Sequence[Sequence[str]] = ()) -> tuple[list[str], list[str]]:
    """The words before the suffixes, and these; a family name that is told elsewhere (Kim Do) is none."""
    end = len(tokens)
    while (end > 1 and bare(tokens[end - 1]) in SUFFIXES) or (
        end > 2 and bare(tokens[end - 1]) in LETTERS_AFTER and not _known_family(tokens[:end], told)
    ):
        end -= 1
    return tokens[:end], tokens[end:]


def _families(family: str | None) -> tuple[tuple[str, ...], ...]:
    """The family names that another field told, as they are compared."""
    if not family:
        return ()
    named = (_without_suffixes(one.split())[0] for one in separated(family)[0])
    return tuple(tuple(bare(word) for word in one) for one in named if one)


def _known_family(tokens: list[str], told: Sequence[Sequence[str]]) -> int:
    """How many of the last words are a family name that is told elsewhere, or one part of a double name."""
    if not told or not tokens:
        return 0
    words = [bare(word) for word in tokens]
    for family in told:
        if words[-len(family) :] == list(family):
            return len(family)
    parts = {part for family in told for word in family for part in (word, *word.split("-"))} - PARTICLES
    return 1 if len(words) > 1 and words[-1] in parts else 0
