"""The shortcuts that make reading fast say what the libraries behind them say."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from ams_etl.rules.names import fields, marks, persons, words
from ams_etl.rules.names.words import PLACEHOLDERS
from ams_etl.rules.reach import emails
from ams_etl.rules.reach.emails import emails_in
from ams_etl.rules.reach.phones import normalise
from ams_etl.rules.records.ams360 import text
from ams_etl_tests.rules import generated as made

_digits = st.text("0123456789", min_size=1, max_size=12)
_ten = st.builds(
    "{}{}".format,
    st.sampled_from(("217", "416", "800", "900", "000", "555", "211", "310", "684", "123")),
    st.text("0123456789", min_size=7, max_size=7),
)


@given(
    st.one_of(
        _digits, _ten, st.from_regex(r"[2-9][0-9]{9}", fullmatch=True), st.from_regex(r"1[2-9][0-9]{9}", fullmatch=True)
    )
)
@example("0112902315")
@example("011290231")
@example("911")
@example("8002345678")
@example("2175550101")
@example("12175550101")
@example("0115550101")
@budget(max_examples=500)
def test_a_phone_is_valid_exactly_when_the_library_says_so(number: str) -> None:
    """C6: the plan's own pattern is asked before the library."""
    try:
        parsed = phonenumbers.parse(number, "US")
        valid = phonenumbers.is_valid_number(parsed)
    except phonenumbers.NumberParseException:
        valid = False
    expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else number
    assert normalise(None, number, None, "US") == (expected, None)


@given(_ten, st.sampled_from(["US", "GB", "CA", "DE"]))
def test_a_valid_phone_stays_itself(number: str, country: str) -> None:
    """C6: E.164 read again is the same."""
    once, _ = normalise(None, number, None, country)
    assert once is not None
    assert normalise(None, once, None, country) == (once, None)


_words = st.one_of(
    st.sampled_from(
        [*made.GIVEN, *made.FAMILY, "and", "&", "Jr.", "B.", "Dr.", "the", "of", "late", "wife", "both", "Rev", "Al"]
    ),
    st.sampled_from(sorted({word for mark in marks._MARKS for word in mark.split()} | fields._MEANINGFUL)),
    st.sampled_from(sorted({word for name in PLACEHOLDERS for word in name.split()})),
    st.sampled_from(
        ("President", "Owner", "President,", "Trustee", "dba", "c/o", "d/b/a", "et al", "Rev Tr", "U/A", "don't")
    ),
    st.text("abcE.'-&’ ", min_size=1, max_size=6),
)


@given(st.lists(_words, min_size=1, max_size=4).map(" ".join), st.booleans())
@budget(max_examples=1500)
def test_a_plain_name_is_what_reading_closely_says(name: str, capitals: bool) -> None:
    """N10, N16: whatever words it has, a field that is taken as it is would be read to the same."""
    value = text((name.upper() if capitals else name).strip())
    if value and fields.is_plain(value):
        assert fields._read_closely(value, ()) == fields.NameField(value)


_split_words = st.one_of(
    st.sampled_from([*made.GIVEN, *made.FAMILY, "B.", "V", "X", "Do", "Kim", "Hi", "Sra."]),
    st.sampled_from(sorted(persons._NO_SIMPLE_WORDS | words.PARTICLES)).flatmap(
        lambda word: st.sampled_from((word, word.title(), word.upper(), f"{word.title()}."))
    ),
)


@given(
    st.lists(_split_words, min_size=1, max_size=3),
    st.one_of(st.none(), _split_words, st.just("")),
    st.sampled_from(("whole", "given")),
    st.booleans(),
)
@example(["Mr.", "Sr"], None, "given", False)
@budget(max_examples=1500)
def test_a_simple_name_is_split_as_closely_reading_splits_it(
    parts: list[str], family: str | None, style: persons.Style, same: bool
) -> None:
    """N5, N7: one or two words of letters, with a title or without, whatever family name another field holds."""
    name, known = " ".join(parts), parts[-1] if same else family
    simple = persons._split_simple(name, known, style)
    assert simple is None or simple == persons._split_closely(name, known, style)


@given(st.lists(st.one_of(_words, st.sampled_from(("and", "AND", "and/or", "&/or", "+"))), max_size=4), st.booleans())
@budget(max_examples=1000)
def test_a_name_has_several_people_exactly_when_it_can_be_separated(parts: list[str], spaced: bool) -> None:
    """N4: the short pattern that is asked first finds what the separator finds."""
    name = (" " if spaced else "").join(parts)
    assert persons.has_several(name) == bool(persons._SEPARATOR.search(name))


@given(st.lists(_words, max_size=4).map(" ".join))
@budget(max_examples=1000)
def test_a_bare_mark_is_looked_for_wherever_one_is(name: str) -> None:
    """N10: the short pattern that is asked first finds every mark of the long ones."""
    for pattern in (marks._BARE, marks._BARE_IN_FIRM):
        assert marks._MARK.search(name) or not pattern.search(name)


@given(st.lists(_words, min_size=1, max_size=3).map(", ".join))
@budget(max_examples=1000)
def test_what_follows_a_comma_is_looked_at_wherever_it_may_matter(name: str) -> None:
    """N13: words that are neither suffixes nor letters leave both patterns without a match."""
    if words.AFTER_A_COMMA.isdisjoint(map(words.bare, name.replace(",", " ").split())):
        assert not persons._COMMA_SUFFIX.search(name)
        assert not persons._COMMA_LETTERS.search(name)


_labels = st.text("abz09-_+.", min_size=1, max_size=12)


@given(
    st.builds(
        "{}@{}.{}".format,
        _labels,
        st.one_of(_labels, st.sampled_from(("x", "gmail", "my-firm.co", "a--b", "xn--abc"))),
        st.sampled_from(("com", "org", "co.uk", "test", "local", "invalid", "c", "localhost", "onion", "123")),
    )
)
@example("a@x.com")
@budget(max_examples=500)
def test_an_email_is_valid_exactly_when_the_library_says_so(address: str) -> None:
    """C7: what looks plain is taken without asking the library, which would say yes."""
    try:
        expected: str | None = validate_email(address, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        expected = None
    assert emails._valid(address) == expected


@given(st.text(max_size=30))
def test_any_text_is_read_for_emails(text: str) -> None:
    """C7: what is found is valid by the library, whatever the text."""
    for address in emails_in(text)[0]:
        validate_email(address, check_deliverability=False)
