"""What becomes of an event: every combination of what can be known, against what must hold of each."""

from itertools import product

import pytest

from ams_etl.rules.writeback.decide import CREATES_CUSTOMER, Decision, Situation, decide
from ams_etl.rules.writeback.existing import changes_of_existing

_KINDS = (
    "note", "email", "call", "text", "handwritten_card", "meeting", "voice_note", "ticket_created", "ticket_completed",
    "deal_created", "deal_won", "contact_created", "contact_updated", "properties_found",
)  # fmt: skip
_TARGETS: tuple[tuple[str, ...] | None, ...] = (None, ("ams360",), ("benefitpoint",), ("ams360", "benefitpoint"))


@pytest.mark.parametrize("kind", _KINDS)
def test_whatever_is_known_an_event_goes_where_it_is_meant_to_or_says_what_it_waits_for(kind: str) -> None:
    """Nothing is done while it waits; each system gets what is meant for it and what it has the contact for."""
    either = (False, True)
    for targets, known in product(_TARGETS, product(either, either, either, either)):
        situation = Situation(*known)
        found = decide(kind, targets, situation)
        meant = targets or ("ams360", "benefitpoint")
        if found.waits_for:
            assert found == Decision(waits_for=found.waits_for)
            assert found.waits_for != "timezone" or (situation.in_ams360 and not situation.has_zone)
        assert not found.to_ams360 or (situation.in_ams360 and "ams360" in meant)
        assert found.account != "update" or (situation.in_benefitpoint and "benefitpoint" in meant)
        assert found.account != "link" or (situation.in_benefitpoint and found.to_ams360 and kind in CREATES_CUSTOMER)
        assert (found.account == "create") <= (kind == "contact_created" and "benefitpoint" in (targets or ()))
        if situation.in_ams360 and situation.has_zone and "ams360" in meant:
            assert found.to_ams360
        if kind == "contact_updated" and situation.in_benefitpoint and "benefitpoint" in meant:
            assert found.account == "update"
        assert (found.refusal, found.renames) == (None, None)


@pytest.mark.parametrize("kind", ["contact_updated", "properties_found", "contact_created", "ticket_completed"])
def test_what_carries_no_time_does_not_wait_for_a_time_zone(kind: str) -> None:
    """An agency that has not set one loses nothing that needs none."""
    assert decide(kind, None, Situation(True, False, True, False)).to_ams360


@pytest.mark.parametrize("kind", ["note", "call", "ticket_created", "deal_won"])
def test_what_carries_a_time_waits_for_the_zone_that_it_is_meant_in(kind: str) -> None:
    """A guessed zone once wrote a Californian ticket three hours late."""
    assert decide(kind, None, Situation(True, False, True, False)) == Decision(waits_for="timezone")


def test_a_name_is_one_contacts() -> None:
    """N12: nobody known yet: it waits; several: refused with the candidates, and none of them is renamed."""
    there = Situation(True, True, True, True)
    assert decide("name_changed", None, there) == Decision(waits_for="contact")
    assert decide("name_changed", None, Situation(True, True, True, True, ("a",))) == Decision(renames="a")
    refused = decide("name_changed", None, Situation(True, True, True, True, ("b", "a")))
    assert refused == Decision(refusal=refused.refusal)
    assert "a, b" in (refused.refusal or "")


_WANTED = {
    "CustomerType": "S", "IsCommercial": True, "IsPersonal": False, "IsActive": True, "FirmName": "Acme", "City": "Boise",
    "ZipCode": "83702", "AddressLine1": "9 Elm", "CellAreaCode": "208", "CellPhone": "5550123", "Occupation": "Baker",
}  # fmt: skip
_GIVEN = ("City", "ZipCode", "AddressLine1", "CellAreaCode", "CellPhone", "Occupation")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({"CustomerType": "C"}, {name: _WANTED[name] for name in _GIVEN}),
        ({"CustomerType": "C", "Occupation": " ", "City": "boise"}, {"Occupation": "Baker", "ZipCode": "83702",
         "AddressLine1": "9 Elm", "CellAreaCode": "208", "CellPhone": "5550123"}),
        ({"CustomerType": "C", "AddressLine1": "1 Way", "CellPhone": "555-9999", "CellAreaCode": ""},
         {"Occupation": "Baker"}),
        ({"CustomerType": "S", "Occupation": "Clerk", "City": "Tampa", "CellPhone": "1"}, {"FirmName": "Acme"}),
        ({"CustomerType": "S", "FirmName": "Other", "Occupation": "Clerk", "City": "Tampa", "CellPhone": "1"}, {}),
        ({"Occupation": "Clerk", "City": "Tampa", "CellPhone": "1"}, {"CustomerType": "S"}),
    ],
)  # fmt: skip
def test_a_customer_that_exists_gets_what_is_empty_there(before: dict[str, str], expected: dict[str, str]) -> None:
    """W6: what is there is never replaced; an address and a phone are one thing each; the type goes up only (W7)."""
    assert changes_of_existing(_WANTED, _GIVEN, before) == expected
