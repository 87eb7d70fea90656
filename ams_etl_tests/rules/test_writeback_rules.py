"""The writeback rules: their cases, and what holds for every text and every property."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_etl.rules.writeback.customers import same_customer
from ams_etl.rules.writeback.ladder import raised
from ams_etl.rules.writeback.model import Happening
from ams_etl.rules.writeback.properties import customer_members
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.rules.writeback.texts import texts_for
from ams_etl_tests.rules.catalogue import REQUIRED
from ams_etl_tests.rules.writeback_golden import Case, differences, load, planned

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=600)
_NAMES = ("email", "city", "occupation", "last_name", "home_phone", "birthday", "unsubscribed", "do_not_market")


@pytest.mark.parametrize("case", load(), ids=lambda case: case.title)
def test_a_writeback_case_holds(case: Case) -> None:
    """What the case expects is what the rules say."""
    assert differences(case) == []


def test_writeback_cases_speak_of_rules_that_there_are_and_have_names_of_their_own() -> None:
    """A mistyped id would count for nothing; a doubled name would hide a case in reports."""
    assert {rule for case in load() for rule in case.rules} <= set(REQUIRED)
    assert len({case.title for case in load()}) == len(load())


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(text=_TEXT, limit=st.integers(120, 400), actor=st.text(st.characters(categories=["L"]), min_size=1, max_size=60))
def test_a_text_in_parts_is_whole(text: str, limit: int, actor: str) -> None:
    """W13: every part keeps to the limit as .NET counts, has its heading and its link, and together they are the text."""
    happening = Happening.from_payload(
        "note",
        {"occurred_at": "2026-06-01T12:00:00Z", "actor": {"name": actor}, "link": "https://p.example/1", "text": text},
        _utc(),
    )
    settings = WritebackSettings(text_limits={"CustomerNote.NoteText": limit}, max_parts=1000)
    parts = texts_for("CustomerNote.NoteText", happening, settings)
    assert all(_units(part) <= limit for part in parts)
    assert all(part.endswith("Link: https://p.example/1") for part in parts)
    assert all(part.startswith(f"Note by {actor}"[: limit // 4]) for part in parts)
    body = "".join(part.split("\n", 1)[1].rpartition("Link:")[0].removesuffix("\n") for part in parts)
    assert body == text.strip()


@given(text=st.text(min_size=500, max_size=3000), limit=st.integers(120, 300), parts=st.integers(1, 3))
def test_a_text_that_is_cut_says_so(text: str, limit: int, parts: int) -> None:
    """W13: never silently: what does not fit even in parts ends in the mark, and the mark fits, too."""
    body = "".join(letter for letter in text if letter.isprintable()) + "x" * 1000
    payload = {"occurred_at": "2026-06-01T12:00:00Z", "actor": {"name": "Ann"}, "summary": body}
    settings = WritebackSettings(text_limits={"CustomerActivity.Description": limit}, max_parts=parts)
    found = texts_for("CustomerActivity.Description", Happening.from_payload("call", payload, _utc()), settings)
    assert len(found) == parts
    assert all(_units(entry) <= limit for entry in found)
    assert found[-1].endswith("characters in all]")


@given(
    properties=st.dictionaries(st.sampled_from(_NAMES), st.text(max_size=20)), allowed=st.sets(st.sampled_from(_NAMES))
)
def test_nothing_is_blanked_and_nothing_written_that_is_not_allowed(
    properties: dict[str, str], allowed: set[str]
) -> None:
    """W4: what is blank, unknown or not allowed names no member; Do Not Market sets no member at all (W10)."""
    members = customer_members(properties, allowed, "US")
    assert all(value.strip() for value in members.values())
    told = {name for name, value in properties.items() if value.strip()} & allowed
    assert customer_members({name: properties[name] for name in told}, allowed, "US") == members
    assert bool(members) <= bool(told - {"unsubscribed", "do_not_market"})


@given(steps=st.lists(st.sampled_from("SPC"), min_size=1))
def test_nobody_goes_down_the_ladder(steps: list[str]) -> None:
    """W7: whatever is asked for in whatever order, a customer ends at the highest of it."""
    current: str | None = None
    for wanted in steps:
        current = raised(current, wanted) or current
    assert current == max(steps, key="SPC".index)


@given(
    record=st.fixed_dictionaries(
        {"LastName": st.sampled_from(["Doe", "Roe", " doe"])},
        optional={
            "FirstName": st.sampled_from(["Al", "AL", "Bo", ""]), "Email": st.sampled_from(["a@x", "A@x", "", "b@x"]),
            "ZipCode": st.sampled_from(["62701", "62701-1", "1", ""]), "CellAreaCode": st.just("217"),
            "CellPhone": st.sampled_from(["5550123", "555-0123", "5550124"]),
        },
    ),
    other=st.fixed_dictionaries({"LastName": st.sampled_from(["Doe", "Roe"])}, optional={
        "FirstName": st.sampled_from(["Al", "Bo"]), "Email": st.sampled_from(["a@x", "b@x"]), "ZipCode": st.just("62701"),
    }),
)  # fmt: skip
def test_being_the_same_does_not_hang_on_who_is_asked(record: dict[str, str], other: dict[str, str]) -> None:
    """W12: symmetric; and nobody is the same as somebody who has nothing in common but a name."""
    one, two = same_customer(record, {**other, "CustomerId": "k"}), same_customer(other, {**record, "CustomerId": "k"})
    assert (one is None) == (two is None)
    alike = {
        name
        for name in ("Email", "ZipCode")
        if record.get(name, "").casefold()[:5] == other.get(name, "-").casefold()[:5]
    }
    assert one is None or alike


def test_the_same_event_is_planned_the_same_every_time() -> None:
    """W9: a plan made again after a crash is the one that was made before."""
    for case in load():
        if "event" in case.given:
            assert planned(case.given) == planned(case.given)


def _utc() -> Any:
    from datetime import UTC

    return UTC
