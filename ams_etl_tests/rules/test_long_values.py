"""A long value costs a rule no more than its length: the time of no pattern doubles with every character."""

import pytest

from ams_etl.rules.names.companies import company_name
from ams_etl.rules.names.names import NameFields, derive_name
from ams_etl.rules.reach.emails import emails_in

_UNITS = (
    "5", "5-", "1/", "Rev ", "Living ", "Trust ", "trustee, ", ", ", "- ", "c/o ", "Attn: ", "dtd 5 ", "(", "{a", '"a', "'a ",
    "deceased ", "and ", "& ", "Dr. ", "Jr. ", "estate of ", "no email ", "a@", "a.", "/ ", "passed away 5/1/22 ",
)  # fmt: skip


@pytest.mark.parametrize("unit", _UNITS)
@pytest.mark.parametrize("around", ["{}", "Tom {}!", "Tom Rev Tr {} and", "Tom ({} Vale"])
def test_a_long_value_is_read(unit: str, around: str) -> None:
    """N16: the test ends; `Tom Rev Tr` before a number of 30 digits took minutes, and of 60 would take years."""
    value = around.format(unit * 60)
    derive_name(NameFields(first=value, last="Vale", whole=value, firm=value, informal=value, formal=value), {})
    company_name(value, {})
    emails_in(value)
