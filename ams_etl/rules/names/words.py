"""The words by which a name field is read: titles, suffixes, particles, and words that no person's name has."""

import re

TITLES = frozenset(
    [
        "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "rev", "reverend", "fr", "hon", "honorable", "sir",
        "madam", "mme", "mister", "missus", "messrs", "mssrs", "sr", "sra", "srta",
    ]
)  # fmt: skip
TITLES_ONLY = frozenset(["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "mister", "messrs"])
"""Titles that are nobody's given name: these never begin a First Name."""
RANKS = frozenset(
    [
        "father", "capt", "captain", "col", "colonel", "maj", "major", "sgt", "sergeant", "lt", "lieutenant", "gen",
        "general", "judge", "pastor", "rabbi", "sister", "brother",
    ]
)  # fmt: skip
"""Titles that are names too (Major Jones, Judge Reinhold): a title only where a given and a family name follow."""
SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv"])
LETTERS_AFTER = frozenset(
    [
        "v", "md", "phd", "esq", "esquire", "cpa", "dds", "dvm", "jd", "rn", "do", "dc", "dmd", "pe", "cfp", "clu",
        "chfc", "cic", "cisr", "mba", "ret",
    ]
)  # fmt: skip
"""Suffixes that are names too (Kim Do): a suffix only where a given and a family name stand before."""
AFTER_A_COMMA = (SUFFIXES | LETTERS_AFTER) - {"do", "v", "pe", "ret"}
"""What a comma parts from a name without turning it round: `Bradley, Jr.`."""
PARTICLES = frozenset(
    [
        "de", "del", "della", "der", "den", "di", "da", "dos", "das", "du", "la", "le", "las", "los", "el", "al", "bin",
        "ibn", "van", "von", "vander", "ter", "ten", "st", "mac", "mc",
    ]
)  # fmt: skip
PLACEHOLDERS = frozenset(
    [
        "n/a", "unknown", "tbd", "tba", "no name", "noname", "not available", "not applicable", "not provided", "none",
        "xx", "xxx",
    ]
)  # fmt: skip
GREETING = re.compile(r"^(?:dear|hi|hello)\b[\s,]*", re.IGNORECASE)
_IMPERSONAL = re.compile(
    r"(?:sir|sirs|madam|ladies|gentlemen|gentleman|friends?|neighbors?|customers?|clients?|insureds?|policy ?holders?|"
    r"members?|home ?owners?|team|all|everyone|folks|whom it may concern|valued customer|to whom it may concern)"
    r"(?:\s*(?:/|,|&|or|and)\s*(?:sir|madam|gentlemen|friends?))*",
    re.IGNORECASE,
)
_HOUSEHOLD = re.compile(r"^the\s.+", re.IGNORECASE)
_LEGAL_FORMS = re.compile(
    r"\b(?:llc|l\.l\.c|inc|incorporated|corp|corporation|company|ltd|limited|llp|plc|pllc|trust|association|assn|"
    r"foundation|department|dept)\b\.?",
    re.IGNORECASE,
)
_FIRM_WORDS = re.compile(
    r"\b(?:llc|l\.l\.c|inc|incorporated|corp|corporation|company|co|ltd|limited|llp|lp|plc|pllc|pc|trust|estate|"
    r"association|assn|assoc|foundation|church|ministries|school|university|college|bank|club|center|centre|group|"
    r"holdings|properties|enterprises|enterprise|services|service|partners|partnership|associates|management|"
    r"construction|insurance|agency|realty|restaurant|hoa|condominium|apartments|farms|industries|solutions|systems|"
    r"plumbing|electric|roofing|auto|motors|trucking|transport|logistics|shop|store|market|cafe|dental|clinic|"
    r"hospital|county|city of|town of|department|brothers|bros|sons|family|household|residence)\b\.?",
    re.IGNORECASE,
)


def bare(word: str) -> str:
    """A word as it is compared: without case, stops and quotes."""
    return word.strip(".,;:'\"*!").casefold().replace(".", "")


def is_placeholder(name: str) -> bool:
    """Whether a field says that there is no name: `N/A`, `Unknown`, `TBD`."""
    return name == "NA" or name.casefold() in PLACEHOLDERS


def looks_like_firm(name: str) -> bool:
    """Whether a name has words or digits that no person's name has."""
    return bool(_FIRM_WORDS.search(name)) or any(letter.isdigit() for letter in name)


def has_legal_form(name: str) -> bool:
    """Whether a name says that it is a company's: `Acme LLC`."""
    return bool(_LEGAL_FORMS.search(name))


def names_nobody(salutation: str) -> bool:
    """Whether a salutation is for no one in particular: `Sir or Madam`, `The Doe Family`, a company."""
    plain = GREETING.sub("", salutation).strip(" ,;:.!*")
    return bool(_IMPERSONAL.fullmatch(plain) or _HOUSEHOLD.match(plain) or has_legal_form(plain))
