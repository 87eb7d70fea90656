"""The name of a firm: a contact's company, and its first name where nobody at the firm has a name."""

import re
from collections.abc import Mapping
from functools import lru_cache

from ams_etl.rules.names.fields import PARENTHESIS, Marks
from ams_etl.rules.names.marks import mark_in, without_bare_marks


def company_name(firm: str | None, marks: Mapping[str, str]) -> str | None:
    """C8: the Firm Name is the company name, as given; only marks are taken out, other parentheses belong to it."""
    return _read(firm, tuple(marks.items()) if marks else ())[0] if firm else None


def firm_flags(firm: str | None, marks: Mapping[str, str]) -> tuple[str, ...]:
    """The flags of the marks in a firm's name."""
    return _read(firm, tuple(marks.items()) if marks else ())[1] if firm else ()


@lru_cache(maxsize=1 << 14)
def _read(firm: str, marks: Marks) -> tuple[str | None, tuple[str, ...]]:
    further = dict(marks)
    flags: list[str] = []

    def keep(found: re.Match[str]) -> str:
        flag = mark_in(found[1] or found[2] or "", further)
        if flag in {None, "role", "note"}:
            return found[0]
        flags.append(str(flag))
        return " "

    name, bare_flags = without_bare_marks(" ".join(PARENTHESIS.sub(keep, firm).split()), firm=True)
    return (name if any(map(str.isalnum, name)) else None), (*flags, *bare_flags)
