"""Takes out of a record's name fields the people who are marked as deceased, former or minor (M6)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ams_etl.rules.immutable import immutable
from ams_etl.rules.names.fields import NameField
from ams_etl.rules.names.marks import DECEASED, PERSONAL
from ams_etl.rules.names.persons import WholeName, families_of, has_several, joined, separated, without_people
from ams_etl.rules.names.words import bare

Marked = Mapping[str, tuple[str, str]]
"""Marked people: by their given name as it is compared, that name as written and the flag; "" for a nickname."""
ReadField = tuple[NameField, WholeName | None]
"""A field as it was read, and split where it holds whole names."""


@immutable(frozen=True, slots=True)
class Living:
    """The fields without the marked people.

    `flags` are those of the people who stay, `left_out` names the people taken out, with the mark. `first_left`: the person
    named first is among them: a customer's date of birth is that person's.
    """

    fields: Mapping[str, ReadField]
    flags: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    first_left: bool = False


def living_people(fields: Mapping[str, ReadField], last: str, flags: tuple[str, ...]) -> Living:
    """Take the marked people out of a record's name fields, unless the mark is everybody's (M6).

    `Tom & Sarah (Deceased)` leaves Tom, who is not marked; so does `Sarah (Deceased)` in a salutation of that couple. A
    mark that is not beside a single person of several is everybody's.

    Args:
        fields: the record's fields by their names, in the order in which they name the record.
        last: the name of the field that holds family names alone.
        flags: the flags of all fields.
    """
    main = next((_givens(*fields[name]) for name in fields if name != last and fields[name][0].name), ())
    marks, everybodys = _marks_of_people(fields, last, main)
    gone: Marked = {} if DECEASED in everybodys else marks
    names = list(zip(main, _keys(main), strict=True))
    staying = [given for given, key in names if given and key not in gone]
    if not gone or not staying:
        return Living(fields, flags)
    kept = tuple(flag for flag in flags if flag not in PERSONAL or flag in everybodys)
    places = frozenset(at for at, (given, key) in enumerate(names) if given and key in gone)
    return Living(
        {
            name: (_without_families(field, len(main), places), split) if name == last else _without(field, split, gone)
            for name, (field, split) in fields.items()
        },
        kept,
        tuple(mark for mark in gone.values() if mark[0]),
        0 in places,
    )


def _marks_of_people(fields: Mapping[str, ReadField], last: str, main: Sequence[str | None]) -> tuple[Marked, set[str]]:
    """Return the people with a personal flag, and the personal flags that are everybody's."""
    known = {key for given, key in zip(main, _keys(main), strict=True) if given}
    marks: dict[str, tuple[str, str]] = {}
    everybodys: set[str] = set()
    for name, (field, split) in fields.items():
        personal = [flag for flag in field.flags if flag in PERSONAL]
        if not personal:
            continue
        givens = _givens(field, split)
        keys = _keys(givens)
        if name != last and field.marked and len(field.marked) == len(givens):
            nicknames = field.nicknames if len(field.nicknames) == len(givens) else (None,) * len(givens)
            for given, key, nickname, own in zip(givens, keys, nicknames, field.marked, strict=True):
                if own and given:
                    marks.setdefault(key, (given, own[0]))
                    if nickname:
                        marks.setdefault(_keys((nickname,))[0], ("", own[0]))
                else:
                    everybodys.update(own)
        elif name != last and len(known) > 1 and len(givens) == 1 and givens[0] and keys[0] in known:
            marks.setdefault(keys[0], (givens[0], personal[0]))
        else:
            everybodys.update(personal)
    return marks, everybodys


def _givens(field: NameField, split: WholeName | None) -> tuple[str | None, ...]:
    if split and split.givens:
        return split.givens
    return tuple(separated(field.name)[0]) if field.name else ()


def _keys(givens: Sequence[str | None]) -> list[str]:
    """Return how each given name is compared between fields: by its first word.

    Where two people share that, by all words (`Mary Ann & Mary Lou`); where they share all, by their order (`Tom & Tom`).
    """
    whole = [" ".join(word for part in (given or "").split() if (word := bare(part))) for given in givens]
    firsts = Counter(name.partition(" ")[0] for name in whole)
    seen: Counter[str] = Counter()
    keys = []
    for name in whole:
        first = name.partition(" ")[0]
        key = first if firsts[first] == 1 else name
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key} {seen[key]}")
    return keys


def _without(field: NameField, split: WholeName | None, gone: Marked) -> ReadField:
    givens = _givens(field, split)
    places = frozenset(
        at for at, (given, key) in enumerate(zip(givens, _keys(givens), strict=True)) if given and key in gone
    )
    if not places:
        return field, split
    if split and split.givens:
        split = without_people(split, places)
    name, nickname, separators = field.name or "", field.nickname, separated(field.name or "")[1]
    if not split:
        name = joined(_except(separated(name)[0], places), separators) or ""
    if nickname and has_several(nickname) and len(givens) == len(separated(nickname)[0]):
        names, between = separated(nickname)
        nickname = joined(_except(names, places), between)
    elif nickname and len(places) == len(givens):
        nickname = None
    nicknames = tuple(_except(field.nicknames, places)) if len(field.nicknames) == len(givens) else field.nicknames
    return replace(field, name=name or None, nickname=nickname, nicknames=nicknames), split


def _without_families(field: NameField, people: int, places: frozenset[int]) -> NameField:
    """Return a Last Name of as many families as there are people without those of the people who left."""
    names, separators = separated(field.name) if field.name else ([], [])
    if len(names) < 2 or len(names) != people:
        return field
    return replace(field, name=families_of(_except(names, places), separators))


def _except(names: Sequence[str | None], places: frozenset[int]) -> list[str | None]:
    return [None if at in places else name for at, name in enumerate(names)]
