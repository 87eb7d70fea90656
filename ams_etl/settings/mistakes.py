"""Mistakes in the agencies file, all at once and in the file's own terms: the place, what was expected, what was perhaps meant."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

_UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
_TEXT_EXPECTED = "string_type"


def explain(path: Path, document: Mapping[str, Any], error: ValidationError, model: Any) -> str:
    """Return the file with its only mistake, or with all of them, a line each."""
    found = list(dict.fromkeys(mistakes(document, error, model)))
    if len(found) == 1:
        return f"{path}: {found[0]}"
    return f"{path}: {len(found)} mistakes:\n" + "\n".join(f"  {mistake}" for mistake in found)


def mistakes(document: Any, error: ValidationError, model: Any) -> Iterator[str]:
    """Yield each mistake as `place: what was expected`.

    Args:
        document: what was validated, as YAML gave it.
        error: what pydantic says of it; its words for the branches of a union are left out, since nobody wrote them.
        model: the model or dataclass that it was validated into, for the keys and forms that are allowed.
    """
    places: dict[tuple[str | int, ...], list[Any]] = {}
    for found in error.errors(include_url=False):
        written = _written(document, found["loc"], is_key=found["type"] in {"missing", *_UNKNOWN_KEY})
        places.setdefault(written, []).append(found)
    misspelt = {
        (*place[:-1], close)
        for place, details in places.items()
        if {detail["type"] for detail in details} & _UNKNOWN_KEY
        and (close := _closest(str(place[-1]), sorted(keys_at(model, place[:-1]))))
    }
    for place, details in places.items():
        if place in misspelt and {detail["type"] for detail in details} == {"missing"}:
            continue  # it is there, under the misspelt key
        within = [other for other in places if other != place and other[: len(place)] == place]
        if within and all(detail["type"] != "value_error" for detail in details):
            # One branch of a union failed as a whole, and another one inside: the inner mistake says it.
            continue
        yield f"{_shown(document, place)}: {_said(document, place, details, model)}"


def _written(document: Any, loc: Sequence[str | int], *, is_key: bool) -> tuple[str | int, ...]:
    """Return the steps of a location that the document has; the last one also where it is a missing or unknown key."""
    at: Any = document
    steps: list[str | int] = []
    for number, step in enumerate(loc, start=1):
        if _has(at, step):
            at = at[step]
            steps.append(step)
        elif number == len(loc) and is_key:
            steps.append(step)
    return tuple(steps)


def _has(at: Any, step: str | int) -> bool:
    if isinstance(at, list):
        return isinstance(step, int) and step < len(at)
    return isinstance(at, Mapping) and step in at


def _shown(document: Any, place: Iterable[str | int]) -> str:
    at: Any = document
    parts: list[str] = []
    for step in place:
        at = at[step] if _has(at, step) else None
        parts.append(str(at["id"]) if isinstance(step, int) and isinstance(at, Mapping) and "id" in at else str(step))
    return ".".join(parts) or "the file"


def _said(document: Any, place: tuple[str | int, ...], details: Sequence[Any], model: Any) -> str:
    kinds = {detail["type"] for detail in details}
    if kinds & _UNKNOWN_KEY:
        keys = sorted(keys_at(model, place[:-1]))
        listed = f"; expected one of {', '.join(keys)}" if keys else ""
        return f"unknown key{_meant(str(place[-1]), keys) or listed}"
    if kinds == {"missing"}:
        return "this key is required"
    if place and str(place[-1]).endswith("_env"):
        # What is written here by mistake may be the secret itself.
        return "expected the name of an environment variable"
    value = _value(document, place)
    if len(details) > 1:
        forms = forms_at(model, place)
        return f"expected {_or(forms)}, found {_yaml(value)}{_meant(value, forms)}{_unquoted(value, forms)}"
    detail = details[0]
    if detail["type"] == "literal_error":
        allowed = [form.strip("'") for form in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return f"expected {_or(allowed)}, found {_yaml(value)}{_meant(value, allowed)}{_unquoted(value, allowed)}"
    if detail["type"] == _TEXT_EXPECTED:
        return (
            f'expected text, found {_yaml(value)}; put it in quotes: "{_yaml(value)}"'
            if _is_scalar(value)
            else (f"expected text, found {_yaml(value)}")
        )
    return str(detail["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")


def keys_at(model: Any, place: Sequence[str | int]) -> set[str]:
    """Return the keys that a mapping at a place of the file may have."""
    return {key for annotation in _annotations(model, place) for block in _blocks(annotation) for key in _fields(block)}


def forms_at(model: Any, place: Sequence[str | int]) -> list[str]:
    """Return the forms that a value may have where it may have several: words, and mappings with their keys."""
    forms: dict[str, None] = {}
    for annotation in _annotations(model, place):
        for branch in _branches(annotation):
            if get_origin(branch) is Literal:
                forms.update(dict.fromkeys(str(word) for word in get_args(branch)))
            elif _is_block(branch):
                forms[f"{{{', '.join(f'{key}: …' for key in _fields(branch))}}}"] = None
            elif branch is not type(None):
                forms[
                    {"int": "a number", "float": "a number", "str": "text"}.get(
                        getattr(branch, "__name__", ""), "a list"
                    )
                ] = None
    return list(forms)


def _annotations(model: Any, place: Sequence[str | int]) -> list[Any]:
    at = [model]
    for step in place:
        following = []
        for annotation in at:
            if isinstance(step, int):
                following += [item for branch in _branches(annotation) for item in get_args(branch)[:1]]
            else:
                following += [hints[step] for block in _blocks(annotation) if step in (hints := _fields(block))]
        at = following
    return at


def _branches(annotation: Any) -> list[Any]:
    """Return the parts of a union, or the annotation alone; `Annotated` is unwrapped."""
    if hasattr(annotation, "__metadata__"):
        return _branches(annotation.__origin__)
    arguments = get_args(annotation)
    if (
        arguments
        and get_origin(annotation) not in {Literal, tuple, list, dict, Mapping}
        and "Union" in str(get_origin(annotation))
    ):
        return [part for argument in arguments for part in _branches(argument)]
    return [annotation]


def _blocks(annotation: Any) -> list[Any]:
    return [branch for branch in _branches(annotation) if _is_block(branch)]


def _is_block(annotation: Any) -> bool:
    return isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation))


def _fields(block: Any) -> dict[str, Any]:
    if issubclass(block, BaseModel):
        return {given.alias or name: given.annotation for name, given in block.model_fields.items()}
    hints = get_type_hints(block)
    return {member.name: hints[member.name] for member in fields(block)}


def _value(document: Any, place: Iterable[str | int]) -> Any:
    at = document
    for step in place:
        at = at[step]
    return at


def _closest(word: str, known: Sequence[str]) -> str | None:
    close = difflib.get_close_matches(word, [other for other in known if not other.startswith("{")], n=1, cutoff=0.6)
    return close[0] if close else None


def _meant(value: Any, known: Sequence[str]) -> str:
    close = _closest(str(value), known)
    return f"; did you mean `{close}`?" if close else ""


def _unquoted(value: Any, known: Sequence[str]) -> str:
    """Explain a word that YAML 1.1 takes for a truth value, and a number where a word is expected."""
    if isinstance(value, bool):
        return "; YAML takes yes, no, on and off for true and false: put the word in quotes"
    if isinstance(value, int | float) and str(value) in known:
        return f'; put it in quotes: "{value}"'
    return ""


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | list) and value is not None


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _yaml(value: Any) -> str:
    """Return a value as it may be shown: of a mapping or list only its kind, since it may hold what nobody should read."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return str(value).lower() if isinstance(value, bool) else str(value)
