"""Reads the name of a firm: a contact's company, and its first name where nobody at the firm has a name."""

import re
from collections.abc import Mapping
from functools import lru_cache

from ams_etl.rules.names.fields import PARENTHESIS, Marks
from ams_etl.rules.names.marks import (
    DECEASED,
    LINES_OF_BUSINESS,
    estate_of,
    mark_in,
    without_bare_marks,
    without_set_off,
)
from ams_etl.rules.names.words import is_placeholder


def company_name(firm: str | None, marks: Mapping[str, str]) -> str | None:
    """C8: Return the Firm Name as given, without marks; other parentheses belong to it. A person's estate is no company."""
    return _read(firm, tuple(marks.items()) if marks else ())[0] if firm else None


def firm_flags(firm: str | None, marks: Mapping[str, str]) -> tuple[str, ...]:
    """Return the flags of the marks in a firm's name."""
    return _read(firm, tuple(marks.items()) if marks else ())[1] if firm else ()


_NAMES_TOO = LINES_OF_BUSINESS | {
    "old", "new", "test", "prospect", "vip", "spanish", "deaf", "preferred", "staff", "military", "lead", "hospice", "nursing home",
    "assisted living",
}  # fmt: skip
"""Notes that may be part of a firm's own name."""


@lru_cache(maxsize=1 << 14)
def _read(firm: str, marks: Marks) -> tuple[str | None, tuple[str, ...]]:
    further = dict(marks)
    flags: list[str] = []
    if estate_of(firm) is not None:
        return None, (DECEASED,)

    def take(parenthesis: re.Match[str]) -> str:
        content = next((group for group in parenthesis.groups() if group), "")
        flag = mark_in(content, further)
        if content.strip() and (flag in {None, "role"} or (flag == "note" and content.casefold() in _NAMES_TOO)):
            return parenthesis[0]
        if flag:
            flags.append(flag)
        return " "

    rest, set_off = without_set_off(" ".join(PARENTHESIS.sub(take, firm).split()), firm=True)
    flags += set_off
    name, bare_flags = without_bare_marks(rest, firm=True)
    if is_placeholder(name):
        return None, (*flags, *bare_flags)
    if name != firm and estate_of(name):
        return None, (*flags, *bare_flags, DECEASED)
    return (name if any(map(str.isalnum, name)) else None), (*flags, *bare_flags)
