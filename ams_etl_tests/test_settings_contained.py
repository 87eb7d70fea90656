"""One agency's mistake stops this agency alone: whatever is written at whatever place of its entry."""

import copy
import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ams_etl.settings import load_agencies

DOCUMENTED = Path(__file__).parents[1] / "docs" / "settings.md"
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 10**30, 0.5, math.inf, -math.inf, math.nan, "", " ", "x", "no such word", "\u0001", "x" * 300, "1",
    date(2026, 1, 2), [], [None], [1], ["x"], [[]], [{}], {}, {"x": 1}, {1: 2}, {None: None}, {"x": {"y": []}},
    ["a@b.example"], "a@b.example",
)  # fmt: skip
"""What people, templates and other programs write where something else is expected."""
DEEP = 4


def documented() -> list[dict[str, Any]]:
    """Return the entries of docs/settings.md, one of each system: between them they have every key."""
    blocks = DOCUMENTED.read_text().split("```yaml\n")[1:]
    entries = [entry for block in blocks for entry in yaml.safe_load(block.split("```")[0]).get("agencies", [])]
    assert {system for entry in entries for system in entry} >= {"ams360", "hawksoft", "qq_catalyst", "mycase"}
    return entries


ENTRIES = documented()
NEIGHBOURS = [
    {"id": "before", "name": "B", "hawksoft": {"agency_id": 901, "client_id": "u", "client_secret_env": "A_B"}},
    {"id": "after", "name": "A", "ams360": {"wsdl": "w", "agency_no": "5559999-1", "login_id": "l", "password_env": "A_B"},
     "technical_contact": ["it@after.example"]},
]  # fmt: skip


def places(at: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield every place of an entry, and in each mapping one that nobody knows."""
    if isinstance(at, dict):
        for key, value in at.items():
            yield (*path, key)
            yield from places(value, (*path, key))
        yield (*path, "unknown_key")


def put(entry: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(entry)
    at = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    return changed


def without(entry: dict[str, Any], place: tuple[Any, ...]) -> dict[str, Any]:
    changed = put(entry, place, None)
    at = changed
    for step in place[:-1]:
        at = at[step]
    del at[place[-1]]
    return changed


def check(path: Path, entry: Any, shared: dict[str, Any]) -> bool:
    """Load a file with this entry between two others; return whether it is usable.

    Everything that is worked out of all agencies together must do without it as well.
    """
    document = {**shared, "agencies": [NEIGHBOURS[0], entry, NEIGHBOURS[1]]}
    path.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True))
    agencies = load_agencies(path)
    ids = [agency.id for agency in agencies.all]
    usable = len(ids) == 3
    assert (ids[0], ids[-1]) == ("before", "after"), agencies.unusable
    assert len(ids) + len(agencies.unusable) == 3, agencies.unusable
    assert usable or all(mistake.strip() and "\n" not in mistake for mistake in agencies.unusable.values())
    assert set(agencies.without_effect) <= set(ids)
    contacts = {channel.agencies for channel in agencies.alert_channels}
    assert contacts == {(agency.id,) for agency in agencies.all if agency.technical_contact and shared}
    return usable


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
@pytest.mark.parametrize(
    "shared",
    [{}, {"alerts": {"smtp": {"host": "smtp.example.com"}, "sender": "etl@example.com"}}],
    ids=["no top-level block", "a mail server for contacts"],
)
def test_whatever_is_wrong_in_an_entry_stops_nobody_else(
    tmp_path: Path, entry: dict[str, Any], shared: dict[str, Any]
) -> None:
    """Every place with other values, left out, and beside one that nobody knows; with and without what entries rely on.

    A place of the entry's own gets all values, a deeper one a few: all its neighbours together get all of them.
    """
    path = tmp_path / "agencies.yaml"
    assert check(path, entry, shared), "the documented entry is right"
    outcomes = set()
    for number, place in enumerate(places(entry)):
        if shared and len(place) > 1:
            continue
        values = JUNK if len(place) == 1 else [JUNK[(number * DEEP + step) % len(JUNK)] for step in range(DEEP)]
        for value in (f"{place[-1]}!", *values):
            outcomes.add(check(path, put(entry, place, value), shared))
        if place[-1] != "unknown_key":
            outcomes.add(check(path, without(entry, place), shared))
    assert outcomes == {True, False}


@pytest.mark.parametrize("entry", JUNK, ids=repr)
def test_an_entry_that_is_something_else_stops_nobody_else(tmp_path: Path, entry: Any) -> None:
    assert not check(tmp_path / "agencies.yaml", entry, {})


@pytest.mark.parametrize("other", NEIGHBOURS, ids=["the first", "the second"])
@pytest.mark.parametrize("taken", ["id", "account"])
@pytest.mark.parametrize("mistake", [{}, {"name": 7}], ids=["right", "mistaken"])
def test_an_entry_that_takes_another_s_id_or_account_stops_no_earlier_one(
    tmp_path: Path, other: dict[str, Any], taken: str, mistake: dict[str, Any]
) -> None:
    """Of two right ones the first counts; a mistaken one takes nothing from anybody."""
    entry = {**ENTRIES[2], "id": other["id"]} if taken == "id" else {**other, "id": "third"}
    path = tmp_path / "agencies.yaml"
    path.write_text(yaml.safe_dump({"agencies": [*NEIGHBOURS, {**entry, **mistake}]}))
    agencies = load_agencies(path)
    assert [agency.id for agency in agencies.all] == ["before", "after"]
    assert len(agencies.unusable) == 1
