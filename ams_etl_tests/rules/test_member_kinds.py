"""Values that do not fit are named, never read silently as nothing."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_etl.rules.records.ams360 import day, flag, read_day, text
from ams_etl.rules.settings import SourceSystem
from ams_etl.rules.systems.member_kinds import MEMBER_KINDS, misfits_in


@given(st.dates(min_value=date(1000, 1, 1)))
def test_a_day_reads_the_same_in_every_form(value: date) -> None:
    forms = (
        value.isoformat(), f"{value}T00:00:00", f"{value} 23:59:59.999", f"{value}T00:00:00-05:00", f"{value:%Y%m%d}",
        f"{value.month}/{value.day}/{value.year}", f"{value:%m/%d/%Y} 9:12:00 AM", f"{value:%m-%d-%Y}",
        f"/Date({(value - date(1970, 1, 1)).days * 86_400_000})/",
    )  # fmt: skip
    assert {day(form) for form in forms} == {value}


@pytest.mark.parametrize(
    "value", ["yesterday", "13/13/2020", "5/4/13", "2020-02-30", "2020-02-30T00:00", 5, [], "2020"]
)
def test_what_is_not_a_day_is_not_read_as_one(value: Any) -> None:
    assert read_day(value) is None
    assert misfits_in("qq_catalyst", {"DOB": value}).values == ("DOB is not a date",)


def test_no_date_is_not_a_misfit() -> None:
    for value in (None, "", "0001-01-01T00:00:00", "/Date(-62135596800000)/"):
        assert day(value) is None
        assert misfits_in("qq_catalyst", {"DOB": value}).values == ()


def test_flags_and_numbers_in_other_spellings() -> None:
    spellings: tuple[Any, ...] = ("Yes", "n", 1, "0", True, "True ", "maybe", 2, [])
    assert [flag(value) for value in spellings] == [
        True, False, True, False, True, True, None, None, None,
    ]  # fmt: skip
    assert (text(5), text(True), text(["x"])) == ("5", None, None)


def test_misfits_are_named_by_their_path_and_not_their_value() -> None:
    client = {
        "clientNumber": 7, "details": {"isPersonal": "perhaps", "companyName": {"secret": 1}},
        "people": [{"dateOfBirth": "soon"}, "x"], "policies": {"id": 1}, "contacts": [],
    }  # fmt: skip
    found = misfits_in("hawksoft", client)
    assert found.values == (
        "details.isPersonal is not a flag", "details.companyName is not a text", "people.dateOfBirth is not a date",
    )  # fmt: skip
    assert found.containers == ("people holds items that are not records", "policies is not a list")


@given(st.sampled_from(sorted(MEMBER_KINDS)), st.data())
def test_no_record_makes_it_fail(system: SourceSystem, data: st.DataObject) -> None:
    names = st.sampled_from(sorted(MEMBER_KINDS[system]))
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(names, inner),
    )
    misfits_in(system, data.draw(values))
