"""What stays of a forgotten person's record, by example."""

from collections.abc import Mapping
from typing import Any

import pytest

from ams_etl.store.privacy.tombstones import stub_of

PERSON = {"FirstName": "Ann", "LastName": "Lisle", "Email": "ann@x.com", "ZipCode": "89501", "TaxId": "1"}


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        ({"CustomerId": "c", **PERSON, "IsActive": True}, {"CustomerId": "c", "IsActive": True}),
        ({"CustomerId": "c", "AccountExecCode": "E 1", **PERSON}, {"CustomerId": "c", "AccountExecCode": "E 1"}),
        # A firm that only its name makes one stays a firm, or its contacts would be none (C4).
        ({"CustomerId": "c", "FirmName": "Acme"}, {"CustomerId": "c", "IsCommercial": True}),
        ({"CustomerId": "c", "FirmName": "Acme", "IsCommercial": False}, {"CustomerId": "c", "IsCommercial": True}),
        ({"CustomerId": "c", "FirmName": "Acme", "IsPersonal": True}, {"CustomerId": "c", "IsPersonal": True}),
        ({"CustomerId": "c", "FirmName": "Acme", "LastName": "Lisle"}, {"CustomerId": "c"}),
        ({"CustomerContactId": "k", "ContactName": "Ann Lisle"}, {"CustomerContactId": "k"}),
    ],
)
def test_what_stays(payload: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Ids, codes, kinds and yes-or-no members, and the mark; nothing that says who it was."""
    assert stub_of(payload) == {**kept, "ams_etl_forgotten": True}
