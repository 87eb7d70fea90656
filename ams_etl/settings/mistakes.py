"""A mistake in the agencies file, said in the file's own terms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError


def explain(path: Path, document: Mapping[str, Any], error: ValidationError) -> str:
    """The file, the path inside it as its writer typed it, what was expected, and how many more mistakes there are."""
    # A misspelt key inside a union also fails the union's other branches; it is the one to tell.
    unknown = {"extra_forbidden", "unexpected_keyword_argument"}
    first = min(error.errors(include_url=False), key=lambda found: found["type"] not in unknown)
    parts: list[str] = []
    at: Any = document
    for place, step in enumerate(first["loc"], start=1):
        if isinstance(at, list) and isinstance(step, int) and step < len(at):
            at = at[step]
            parts.append(str(at["id"]) if isinstance(at, Mapping) and "id" in at else str(step))
        elif isinstance(at, Mapping) and step in at:
            at = at[step]
            parts.append(str(step))
        elif place == len(first["loc"]) and first["type"] in {"missing", *unknown}:
            parts.append(str(step))
        # Anything else is pydantic's own name for a branch of a union, which no reader has typed.
    expected = {
        "missing": "this key is required",
        "extra_forbidden": "unknown key",
        "unexpected_keyword_argument": "unknown key",
    }.get(first["type"], first["msg"].removeprefix("Value error, "))
    more = error.error_count() - 1
    others = f" (and {more} more)" if more else ""
    return f"{path}: {'.'.join(parts) or 'the file'}: {expected}{others}"
