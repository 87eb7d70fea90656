"""People inside a record of another: HawkSoft's people of a client, BenefitPoint's dependents of an account.

One of them can be forgotten while the record, and the others in it, stay: the person's entry becomes a stub with `FORGOTTEN`.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ams_etl.rules.immutable import immutable
from ams_etl.rules.records.ams360 import FORGOTTEN, Payload, text
from ams_etl.rules.systems.any_system import full_name, member, records_in


@immutable(frozen=True, slots=True)
class Nesting:
    """Where a record keeps its people.

    Attributes:
        entity: what each of them is called in `mart.contact_sources`.
        path: the members that lead to their list.
        key: the member that identifies one of them.
        named: the member of a person that holds the names; empty: the person itself.
        ways: the list beside it of emails and phones, or empty.
        owner: the member of one of these that names its person.
    """

    entity: str
    path: tuple[str, ...]
    key: str
    named: str = ""
    ways: str = ""
    owner: str = ""


HAWKSOFT_PEOPLE = Nesting("person", ("people",), "id", ways="contacts", owner="personId")
BENEFITPOINT_DEPENDENTS = Nesting(
    "account_dependent", ("individualAccountInfo", "dependents"), "dependentID", named="personInfo"
)


def people_in(nesting: Nesting, record_id: str, payload: Payload) -> dict[str, Payload]:
    """Return a record's people by their ids; who has none, or one that another has, is known by the place in the list."""
    found: dict[str, Payload] = {}
    for place, person in enumerate(_list_of(nesting, payload)):
        key = key_in(person, nesting.key)
        found[key if key and key not in found else f"{record_id}.{place}"] = person
    return found


def is_forgotten(person: Payload) -> bool:
    """Return whether an entry is the stub of somebody who was forgotten."""
    return FORGOTTEN in person


def key_in(record: Payload, name: str) -> str:
    """Return an id in lower case, since GUIDs are compared without case; empty where there is none."""
    found = member(record, name)
    return (text(str(found)) or "").lower() if isinstance(found, str | int) else ""


def entries_of(nesting: Nesting, record_id: str, payload: Payload, key: str) -> list[Payload]:
    """Return what a record holds of one of its people: the person's entry, and the emails and phones that name it."""
    person = people_in(nesting, record_id, payload).get(key)
    if person is None:
        return []
    ways = records_in(payload, nesting.ways) if nesting.ways else []
    return [person, *(way for way in ways if key_in(way, nesting.owner) == key)]


def name_of(nesting: Nesting, person: Payload) -> str | None:
    """Return a person's first and last name as one text."""
    named = member(person, nesting.named) if nesting.named else person
    return full_name(named) if isinstance(named, Mapping) else None


def without_people(
    nesting: Nesting, record_id: str, payload: Payload, keys: Collection[str], texts: Collection[str] = ()
) -> dict[str, Any]:
    """Return a record without some of its people: their entries become stubs, their emails and phones go.

    Args:
        nesting: where the record keeps them.
        record_id: its id.
        payload: the record.
        keys: the people's ids, as `people_in` has them.
        texts: what goes from the rest of the record, too, where it is a whole value, compared without case. A person's full
            name and the emails and phones that nobody else of the record has are always among them.
    """
    people = people_in(nesting, record_id, payload)
    gone = {text.casefold() for text in texts}
    for key in keys:
        name = name_of(nesting, people[key])
        gone |= {name.casefold()} if name else set()
        gone |= {
            str(way["data"]).strip().casefold()
            for way in entries_of(nesting, record_id, payload, key)[1:]
            if way.get("data")
        }
    kept = [key for key in people if key not in keys]
    for key in kept:
        gone -= {found.casefold() for entry in entries_of(nesting, record_id, payload, key) for found in _texts(entry)}
    stubs = iter(
        {nesting.key: person.get(nesting.key), FORGOTTEN: True} if key in keys else person
        for key, person in people.items()
    )

    def is_theirs(way: Payload) -> bool:
        return key_in(way, nesting.owner) in keys or any(found.strip().casefold() in gone for found in _texts(way))

    def copied(value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, Mapping):
            return {name: copied(inner, (*path, _first_lower(name))) for name, inner in value.items()}
        if isinstance(value, list | tuple) and path == nesting.path:
            return [next(stubs) if isinstance(entry, Mapping) else entry for entry in value]
        if isinstance(value, list | tuple) and path == (_first_lower(nesting.ways),):
            return [way for way in value if not (isinstance(way, Mapping) and is_theirs(way))]
        if isinstance(value, list | tuple):
            return [copied(inner, path) for inner in value]
        return None if isinstance(value, str) and value.strip().casefold() in gone else value

    made: dict[str, Any] = copied(payload, ())
    return made


def _list_of(nesting: Nesting, payload: Payload) -> list[Payload]:
    here: Any = payload
    for name in nesting.path[:-1]:
        here = member(here, name)
        if not isinstance(here, Mapping):
            return []
    return records_in(here, nesting.path[-1])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _first_lower(name: str) -> str:
    """Return a member's name as `Nesting` has it: HawkSoft writes some of them in PascalCase."""
    return name[:1].lower() + name[1:]
