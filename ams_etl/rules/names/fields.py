"""What a single name field holds once its parentheses, marks, emails and placeholders are taken out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ams_etl.rules.names.marks import mark_in, without_bare_marks
from ams_etl.rules.names.persons import has_several, joined, separated, without_loose_ends
from ams_etl.rules.names.words import PLACEHOLDERS, SUFFIXES, TITLES, bare, is_placeholder

Marks = tuple[tuple[str, str], ...]
"""The agency's further marks (`name_marks`), mark and flag."""

PARENTHESIS = re.compile(r"\(+([^()]*)(?:\)+|\Z)|\[+([^\[\]]*)(?:\]+|\Z)")
_PLACE = re.compile("\0(\\d+)\0")


@dataclass(frozen=True, slots=True)
class NameField:
    """A name field without what is no name; `nicknames` is one a person where a field names several."""

    name: str | None = None
    nickname: str | None = None
    nicknames: tuple[str | None, ...] = ()
    flags: tuple[str, ...] = ()


EMPTY = NameField()
_SINGLE_WORDS = PLACEHOLDERS | {"deceased", "decd", "dnc"}
"""The single words that are no name; all others need no reading."""
_LOOSE = " ,;:*-–—/_"
"""What is cut off a name at both ends."""


def read_field(value: str | None, marks: Marks) -> NameField:
    """N10: a mark is no nickname: it leaves the name and is kept as a flag; an email or a placeholder is no name."""
    return _read(value, marks) if value else EMPTY


@lru_cache(maxsize=1 << 16)
def _read(value: str, marks: Marks) -> NameField:
    if value.isalpha() and value.casefold() not in _SINGLE_WORDS and value != "NA":
        return NameField(value)
    flags: list[str] = []
    nicknames: list[str] = []
    value = value.replace("\0", "")
    further = dict(marks)

    def take(found: re.Match[str]) -> str:
        content = " ".join((found[1] or found[2] or "").strip(_LOOSE + "\"'.").split())
        words = [bare(word) for word in content.split()]
        flag = mark_in(content, further) if words else None
        if flag:
            flags.append(flag)
        elif words and all(word in SUFFIXES for word in words):
            return f" {content} "
        elif (
            any(word not in TITLES for word in words)
            and "@" not in content
            and any(map(str.isalpha, content))
            and (nickname := _tidy(content))
        ):
            nicknames.append(nickname)
            return f" \0{len(nicknames) - 1}\0 "
        return " "

    rest = PARENTHESIS.sub(take, value) if "(" in value or "[" in value else value
    if ")" in rest or "(" in rest:
        rest = _without_stray_parentheses(rest, further, flags)
    name, bare_flags = without_bare_marks(_tidy(_PLACE.sub(" ", rest)))
    name = _tidy(name)
    called, each = _nicknames_of(rest, name, nicknames) if nicknames else (None, ())
    return NameField(name or None, called, each, (*flags, *bare_flags))


def _tidy(name: str) -> str:
    """The words that can be a name's; nothing where there is no letter or digit, or a placeholder."""
    words = " ".join(word for word in name.split() if "@" not in word).strip(_LOOSE)
    words = without_loose_ends(words).strip(_LOOSE) if words else ""
    return words if any(map(str.isalnum, words)) and not is_placeholder(words) else ""


def _without_stray_parentheses(rest: str, further: dict[str, str], flags: list[str]) -> str:
    """A parenthesis closed and never opened is dropped; a mark before it goes with it: `John Deceased)`."""
    before, closed, after = rest.partition(")")
    if closed:
        words = before.split()
        while length := next((n for n in (1, 2, 3) if n <= len(words) and mark_in(" ".join(words[-n:]), further)), 0):
            flags.append(mark_in(" ".join(words[-length:]), further) or "")
            del words[-length:]
        rest = f"{' '.join(words)} {after}"
    return rest.replace("(", " ").replace(")", " ")


def _nicknames_of(rest: str, name: str, nicknames: list[str]) -> tuple[str | None, tuple[str | None, ...]]:
    """One nickname for the field, or one for each of its people: `Jonathan (Jon) & Johanna` is Jon & Johanna."""
    if not name or not has_several(name) or (len(nicknames) == 1 and has_several(nicknames[0])):
        return nicknames[0], ()
    each = []
    for part in separated(_PLACE.sub(lambda found: f"\0{found[1]}\0", rest))[0]:
        place = _PLACE.search(part)
        each.append(nicknames[int(place[1])] if place else None)
    if len(each) != len(separated(name)[0]):
        return nicknames[0], ()
    return None, tuple(each)


def called(field: NameField, givens: Sequence[str | None], separators: Sequence[str]) -> str | None:
    """The nicknames of a field, with the given names of those who have none."""
    if field.nickname or not any(field.nicknames):
        return field.nickname
    if len(givens) != len(field.nicknames):
        return next((one for one in field.nicknames if one), None)
    return joined([nick or given for nick, given in zip(field.nicknames, givens, strict=True)], separators)
