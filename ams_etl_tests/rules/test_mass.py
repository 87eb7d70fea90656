"""Names made of parts: a sample of `mass`, which is checked whole by hand."""

from itertools import islice

from ams_etl_tests.rules import mass


def test_a_sample_of_names_made_of_parts_is_read_right() -> None:
    """N1, N4, N5, N7, N10, N11, N13, N14: titles × couples × suffixes × commas × brackets × particles, every 19th of them."""
    sample = list(islice(mass.made(), 0, None, 19))
    assert len(sample) > 1_500
    assert [(entry, found) for entry in sample if (found := mass.mistake(entry))] == []
