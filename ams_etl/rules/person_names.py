"""How a field that holds one or several whole names comes apart (N4, N5, N7, N11)."""

import re
from dataclasses import dataclass
from functools import lru_cache

# `and` only as a word, the signs anywhere; what parts two names stays as typed.
_SEPARATOR = re.compile(r"(\s*&/or\s*|\s*&\s*|\s*\+\s*|\s+and/or\s+|\s+and\s+)", re.IGNORECASE)
_HONORIFICS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "rev",
        "reverend",
        "fr",
        "father",
        "hon",
        "honorable",
        "sir",
        "madam",
        "mme",
        "mister",
        "missus",
        "messrs",
        "capt",
        "captain",
        "col",
        "colonel",
        "maj",
        "major",
        "sgt",
        "sergeant",
        "lt",
        "lieutenant",
        "gen",
        "general",
        "judge",
        "pastor",
        "rabbi",
        "sr.",
        "sra",
        "srta",
    ]
)
_SUFFIXES = frozenset(
    [
        "jr",
        "sr",
        "ii",
        "iii",
        "iv",
        "v",
        "md",
        "phd",
        "esq",
        "esquire",
        "cpa",
        "dds",
        "dvm",
        "jd",
        "rn",
        "do",
        "dc",
        "dmd",
        "pe",
        "cfp",
        "clu",
        "chfc",
        "cic",
        "cisr",
        "mba",
        "ret",
    ]
)
_PARTICLES = frozenset(
    [
        "de",
        "del",
        "della",
        "der",
        "den",
        "di",
        "da",
        "dos",
        "das",
        "du",
        "la",
        "le",
        "las",
        "los",
        "el",
        "al",
        "bin",
        "ibn",
        "van",
        "von",
        "vander",
        "ter",
        "ten",
        "st",
        "mac",
        "mc",
    ]
)
_GREETING = re.compile(r"^(?:dear|hi|hello)\b[\s,]*", re.IGNORECASE)
_FIRM_WORDS = re.compile(
    r"\b(?:llc|l\.l\.c|inc|incorporated|corp|corporation|company|co|ltd|limited|llp|lp|plc|pllc|pc|trust|estate|"
    r"association|assn|assoc|foundation|church|ministries|school|university|college|bank|club|center|centre|group|"
    r"holdings|properties|enterprises|enterprise|services|service|partners|partnership|associates|management|"
    r"construction|insurance|agency|realty|restaurant|hoa|condominium|apartments|farms|industries|solutions|systems|"
    r"plumbing|electric|roofing|auto|motors|trucking|transport|logistics|shop|store|market|cafe|dental|clinic|"
    r"hospital|county|city of|town of|department|brothers|bros|sons)\b\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class WholeName:
    """A field taken apart: given and family names, several people joined by the separators as typed."""

    given: str | None
    family: str | None


def looks_like_firm(name: str) -> bool:
    """Whether a name has words or digits that no person's name has."""
    return bool(_FIRM_WORDS.search(name)) or any(letter.isdigit() for letter in name)


def has_several(name: str) -> bool:
    """N4: several names stand in one field when `&`, `and`, `+` or `&/or` parts them."""
    return bool(_SEPARATOR.search(name))


@lru_cache(maxsize=1 << 15)
def split_whole_name(name: str, family: str | None = None) -> WholeName:
    """N5, N7, N11: given and family names of a field that may hold several people.

    `John & Jane Doe` gives `John & Jane`, `Doe`; `John Doe & Jane Smith` gives `John & Jane`, `Doe & Smith`; `Doe, John`
    is turned round; honorifics are no part of a name, suffixes belong to the family name.

    Args:
        name: the field, marks and nicknames removed.
        family: the family name, where another field has told it.
    """
    parts = _SEPARATOR.split(_turned_round(_GREETING.sub("", name).strip(" ,;:*")))
    people = [_person(part, family) for part in parts[::2]]
    separators = [" and " if " " in found and not found.strip() else found for found in parts[1::2]]
    given = _joined([person.given for person in people], separators)
    families = [person.family for person in people]
    distinct = list(dict.fromkeys(one.casefold() for one in families if one))
    if len(distinct) > 1:
        return WholeName(given, _joined(families, separators))
    return WholeName(given, next((one for one in families if one), None))


def _joined(names: list[str | None], separators: list[str]) -> str | None:
    joined = ""
    for at, name in enumerate(names):
        if name:
            joined += (separators[at - 1] if joined else "") + name
    return " ".join(joined.split()) or None


def _turned_round(name: str) -> str:
    """N11: `Last, First` is turned round; a comma before a suffix is another."""
    before, comma, after = name.partition(",")
    after = after.strip()
    if not comma or not after or not before.strip():
        return name.replace(",", " ").strip()
    rest, _, tail = after.partition(",")
    if all(_bare(word) in _SUFFIXES for word in rest.split()):
        return _turned_round(f"{before} {rest},{tail}") if tail else f"{before} {rest}"
    return f"{rest.strip()} {before.strip()} {tail.strip()}".strip()


def _person(words: str, family: str | None) -> WholeName:
    tokens = words.split()
    titled = False
    while tokens and _bare(tokens[0]) in _HONORIFICS and not (len(tokens) == 1 and titled):
        titled = True
        tokens = tokens[1:]
    suffix: list[str] = []
    while len(tokens) > 1 and _bare(tokens[-1]) in _SUFFIXES:
        suffix.insert(0, tokens.pop())
    if not tokens:
        return WholeName(None, None)
    known = _known_family(tokens, family)
    if known:
        at = len(tokens) - known
    elif len(tokens) == 1:
        # "Mr. Doe" tells a family name, "Jon" a given one.
        at = 0 if titled else 1
    else:
        at = len(tokens) - 1
        while at > 1 and _bare(tokens[at - 1]) in _PARTICLES:
            at -= 1
    given, last = " ".join(tokens[:at]), " ".join(tokens[at:])
    if last:
        return WholeName(given or None, " ".join([last, *suffix]))
    return WholeName(" ".join([given, *suffix]) or None, None)


def _known_family(tokens: list[str], family: str | None) -> int:
    """How many of the last words are the family name that another field told."""
    if not family:
        return 0
    wanted = [_bare(word) for word in family.split() if _bare(word) not in _SUFFIXES]
    if wanted and [_bare(word) for word in tokens[-len(wanted) :]] == wanted:
        return len(wanted)
    return 0


def _bare(word: str) -> str:
    return word.strip(".,;:'\"*").casefold().replace(".", "")
