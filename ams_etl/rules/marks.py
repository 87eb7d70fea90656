"""Marks inside names (N10): what stands in parentheses and is no nickname."""

import re
from collections.abc import Mapping
from functools import lru_cache

_DECEASED = "deceased"
_DO_NOT_CONTACT = "do_not_contact"
SUPPRESSING = (_DECEASED, _DO_NOT_CONTACT)
"""Flags that make a contact unsendable, the graver first."""

_MARKS: Mapping[str, str] = {
    **dict.fromkeys(("deceased", "decd", "dec", "died", "rip", "estate of", "estate"), _DECEASED),
    **dict.fromkeys(
        (
            "dnc", "do not contact", "do not call", "do not email", "do not e-mail", "do not mail", "do not text",
            "do not solicit", "no contact", "dont contact", "dont call", "dnm", "dns",
        ),
        _DO_NOT_CONTACT,
    ),
    **dict.fromkeys(("minor", "child"), "minor"),
    **dict.fromkeys(("former", "ex", "divorced", "separated", "moved", "sold", "closed", "cancelled", "canceled"), "former"),
    **dict.fromkeys(("inactive", "duplicate", "dup", "do not use", "test", "old", "new", "prospect"), "note"),
    **dict.fromkeys(
        (
            "owner", "spouse", "wife", "husband", "partner", "son", "daughter", "mother", "father", "trustee",
            "executor", "poa", "widow", "widowed", "widower", "insured", "primary", "secondary", "dba", "hoh",
        ),
        "role",
    ),
}  # fmt: skip
# Said without parentheses these can be nothing but a mark; "Minor" or "Former" could be a name.
_BARE = re.compile(
    r"[\s*\-–—/,:]*(?:\*+\s*)?\b(deceased|dec'd|dec’d|decd|dnc|do not (?:contact|call|e-?mail|mail|text|solicit|use))\b\.?[\s*]*",
    re.IGNORECASE,
)
_NOT_WORD = re.compile(r"[^\w\s-]+")


def mark_in(content: str, further: Mapping[str, str]) -> str | None:
    """N10: the flag that a parenthesis raises, or None when it is a nickname.

    Args:
        content: what stands between the parentheses.
        further: the agency's own marks (`name_marks`), mark -> flag.
    """
    plain = _plain(content)
    if further:
        for mark, raised in further.items():
            if _plain(mark) == plain:
                return raised
    known = _MARKS.get(plain)
    if known:
        return known
    bare = _BARE.search(content)
    return _flag_of(bare[1]) if bare else None


def without_bare_marks(name: str) -> tuple[str, tuple[str, ...]]:
    """N10: the name without marks that stand outside parentheses, and their flags."""
    flags = tuple(_flag_of(found) for found in _BARE.findall(name))
    return (" ".join(_BARE.sub(" ", name).split()), flags) if flags else (name, ())


@lru_cache(maxsize=4096)
def _plain(content: str) -> str:
    return " ".join(_NOT_WORD.sub("", content.replace("’", "'").lower()).split())


def _flag_of(words: str) -> str:
    return _MARKS.get(_plain(words), _DO_NOT_CONTACT)


def suppressed_by(flags: tuple[str, ...]) -> str | None:
    """N10, W10: the reason that forbids sending, or None."""
    return next((flag for flag in SUPPRESSING if flag in flags), None)
