"""The shortcuts that make reading fast say what the libraries behind them say."""

import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from ams_etl.rules.contacts.key_facts import too_old_on
from ams_etl.rules.contacts.merging import merge
from ams_etl.rules.model import Candidate, Contact, NameOverride, Phone
from ams_etl.rules.names import fields, marks, names, persons, words
from ams_etl.rules.names.names import NameFields
from ams_etl.rules.names.words import PLACEHOLDERS
from ams_etl.rules.reach import emails, phones
from ams_etl.rules.reach.emails import email_flags, emails_in
from ams_etl.rules.reach.phones import normalise
from ams_etl.rules.records import ams360
from ams_etl.rules.records.ams360 import GivenPhone, code, text
from ams_etl.rules.settings import RuleSettings
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
    st.sampled_from(sorted({word for mark in marks._MARKS for word in mark.split()} | fields.MEANINGFUL)),
    st.sampled_from(sorted({word for name in PLACEHOLDERS for word in name.split()})),
    st.sampled_from(
        (
            "President",
            "Owner",
            "Realtor",
            "Chair",
            "Clerk",
            "VP",
            "Partner",
            "Rep",
            "Foreman",
            "President,",
            "Trustee",
            "dba",
            "c/o",
            "d/b/a",
            "et al",
            "Rev Tr",
            "U/A",
            "don't",
        )
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
    st.sampled_from(sorted(persons.NO_SIMPLE_WORDS | words.PARTICLES)).flatmap(
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


@given(
    st.one_of(
        st.dates().map(lambda day: f"{day}T00:00:00"),
        st.dates().map(lambda day: "{}-W{:02}-{}T00:00:00".format(*day.isocalendar())),
        st.from_regex(r"[0-9W/-]{10}T00:00:00", fullmatch=True),
        st.text("0123456789-W/T:Z ٣", max_size=19),
    )
)
@example("2013-W18-6T00:00:00")
@example("0001-01-01T00:00:00")
@example("05/04/2013T00:00:00")
@budget(max_examples=500)
def test_a_date_as_ams360_writes_it_is_the_same_in_any_form(value: str) -> None:
    """K1: what is read without a pattern is what the patterns read."""
    short = ams360._day_as_ams360_writes_it(value)
    assert short is None or short == ams360._day_in_any_form(value)


@given(st.one_of(st.text(max_size=12), st.text("ab1 \t\u00a0\u200b", max_size=8)))
@budget(max_examples=500)
def test_a_text_is_its_words_with_a_blank_between(value: str) -> None:
    """N11: whatever the shortcuts for words and printable texts."""
    assert text(value) == (" ".join(value.split()) or None)


@given(st.text("0123456789-.() +x#ext٣", max_size=16), st.sampled_from([None, "217", "(217)", "a"]), st.booleans())
@budget(max_examples=500)
def test_a_phone_of_digits_and_signs_holds_no_extension(number: str, area: str | None, extended: bool) -> None:
    """C6: where only digits are left without the signs, the pattern of extensions finds nothing and they are all the digits."""
    rest = number.translate(phones._SIGNS)
    if rest.isdecimal() and rest.isascii():
        assert not phones._EXTENSION.search(number)
        assert rest == phones._digits(number)
        assert not number.lstrip().startswith("+")


_fields = st.lists(
    st.one_of(
        st.builds(
            "{}{}{}".format,
            st.sampled_from(("", "-", "mailto:", " ", "a@x.com;")),
            st.from_regex(r"[a-z0-9_+-]{1,6}@[a-z0-9-]{1,6}\.(?:com|test|c)", fullmatch=True),
            st.sampled_from(("", "-", ".", ">", " ", "\n")),
        ),
        st.sampled_from(["none@none.com", "n/a", "NA@NA.com", "no@email.com", "A@b.com"]),
    ),
    max_size=2,
).map(" ".join)


@given(_fields)
@budget(max_examples=500)
def test_one_address_alone_is_what_is_among_several(field: str) -> None:
    """C7, M5: a field that is one address is read as any other field."""
    assert emails_in(field) == emails._emails_among(field)


@given(
    st.one_of(
        st.builds(NameFields, first=_words, last=_words),
        st.builds(NameFields, whole=st.lists(_words, min_size=1, max_size=2).map(" ".join)),
        st.builds(NameFields, first=_split_words, last=_split_words),
        st.builds(NameFields, whole=st.lists(_split_words, min_size=2, max_size=2).map(" ".join)),
        st.builds(NameFields, whole=st.lists(st.one_of(_words, _split_words), min_size=2, max_size=2).map(", ".join)),
        st.builds(
            NameFields,
            whole=st.tuples(
                st.sampled_from(sorted({word for name in words.GENERIC | PLACEHOLDERS for word in name.split()})),
                st.sampled_from(sorted(words.GENERIC | words.LEGAL_FORMS | {"Roe", "division", "estate", "desks"})),
            ).map(" ".join),
        ),
    ),
    st.sampled_from(({}, {"jo": "vip", "doe": "deceased"})),
    st.booleans(),
)
@example(NameFields("Tom", "Estate"), {}, False)
@example(NameFields("Tom", "Null"), {}, False)
@example(NameFields(whole="Roe, Owner"), {}, False)
@example(NameFields(whole="Roe, Trustee"), {}, False)
@example(NameFields(whole="Roe, CIC"), {}, False)
@example(NameFields(whole="Tom Lımıted"), {}, False)
@budget(max_examples=3000)
def test_a_simple_record_is_named_as_reading_closely_names_it(
    written: NameFields, further: dict[str, str], capitals: bool
) -> None:
    """N2, N3: two words that no rule does anything about, in First and Last Name or in ContactName."""
    if capitals:
        first, last, whole = (
            value.upper() if value else None for value in (written.first, written.last, written.whole)
        )
        written = NameFields(first=first, last=last, whole=whole)
    simple = names._simple_name(written)
    if simple:
        assert simple == names._derive_closely(written, further) == names._derive_personal_closely(written, further)


@given(st.lists(st.one_of(_words, st.sampled_from(sorted(words.GENERIC))), max_size=3).map(" ".join))
@budget(max_examples=1000)
def test_what_surely_names_somebody_is_neither_placeholder_nor_generic(name: str) -> None:
    """N16: by its first word and how it ends."""
    if words._surely_names_somebody(name):
        assert not words.is_placeholder(name)
        assert not words._has_only_generic_words(name.casefold())


@given(
    st.lists(
        st.one_of(_words, st.sampled_from(("&", "+", "&/or", "AND", "estate", "est. of", "(", "215-5555", "x 5"))),
        max_size=4,
    ),
    st.booleans(),
)
@budget(max_examples=1500)
def test_a_pattern_finds_nothing_where_it_is_not_asked(parts: list[str], spaced: bool) -> None:
    """N4, N10, N16: the cheap tests before patterns of estates, loose separators, fiduciaries and phones, and attention lines."""
    name = (" " if spaced else "").join(parts)
    assert persons.without_titles(name) == name or persons._TITLED.search(name)
    assert persons.without_loose_ends(name) == persons._AT_AN_END.sub("", name)
    assert "est" in name.lower() or not name.isascii() or not marks._ESTATE.search(name)
    assert "," in name or not fields._FIDUCIARY.fullmatch(name)
    assert fields._DIGIT.search(name) or not fields._PHONE.search(name)
    attention = fields._ATTENTION.match(name)
    assert fields._ATTENTION.sub("", name) == (name[attention.end() :] if attention else name)


_BLANKS = [letter for letter in map(chr, range(sys.maxunicode + 1)) if not letter.split()]
"""Every character that Python takes for white space, found as `split` takes it."""


def test_each_kind_of_white_space_is_a_blank_and_no_code() -> None:
    """N11: whether a shortcut asks if it is printable, a blank or a letter."""
    assert len(_BLANKS) > 20
    for blank in _BLANKS:
        assert text(f"a{blank}b") == "a b"
        assert text(f"{blank}a{blank}{blank}") == "a"
        assert text(blank) is None
        assert code(blank) is code(f"{blank} ") is None
        assert code(f"{blank}a") == f"{blank}a"


@given(
    st.one_of(
        st.text(max_size=5),
        st.lists(st.sampled_from([*_BLANKS, "a", "<", "\u200b", "\ufeff"]), max_size=4).map("".join),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.binary(max_size=2)
        | st.lists(st.text(), max_size=2),
    )
)
@example("")
@example(0)
@budget(max_examples=500)
def test_a_code_is_any_text_that_has_more_than_white_space(value: Any) -> None:
    """T2: exactly as it is written; anything but a text is no code."""
    assert code(value) == (value if isinstance(value, str) and value.split() else None)


@given(
    st.one_of(
        st.dates(), st.integers(1, 2499).map(lambda year: date(4 * year, 2, 28)), st.dates(min_value=date(9870, 1, 1))
    ),
    st.booleans(),
    st.integers(-3, 33),
)
@example(date(1904, 2, 28), True, 29)
@example(date(1780, 2, 28), True, 28)
@example(date(1980, 2, 28), True, 27)
@example(date(1980, 2, 28), True, 28)
@example(date(9879, 12, 31), False, -1)
@example(date(9999, 12, 31), False, 0)
@budget(max_examples=1000)
def test_a_birth_date_is_too_old_exactly_when_it_is_more_than_120_years_ago(
    born: date, next_day: bool, shift: int
) -> None:
    """K3: by the calendar, whatever is kept of earlier questions; only of the last day there is nothing is said."""
    born += timedelta(days=next_day and born < date.max)
    month = date(min(born.year + 120, date.max.year), born.month, 1)
    today = min(month.toordinal() + shift, date.max.toordinal() - 1)
    day = date.fromordinal(max(today, 1))
    is_older = (day.year - born.year, day.month, day.day) > (120, born.month, born.day)
    assert (day >= too_old_on(born)) == is_older
    assert too_old_on(born) == too_old_on.__wrapped__(born)


@given(
    st.lists(
        st.one_of(st.none(), st.sampled_from(("", "a@x.com", "DNC a@x.com", "deceased", "DNC, deceased"))), max_size=4
    )
)
def test_the_flags_of_several_email_fields_are_those_of_each_in_turn(written: list[str | None]) -> None:
    """N10: a record without an email raises none."""
    each = {
        "DNC a@x.com": ["do_not_contact"],
        "deceased": ["deceased"],
        "DNC, deceased": ["deceased", "do_not_contact"],
    }
    records = [
        ams360.CustomerContact.from_payload({"CustomerContactId": "1", "EmailAddress": email}) for email in written
    ]
    assert list(email_flags(records)) == [flag for email in written for flag in each.get(email or "", [])]


_lines_sent = st.lists(
    st.fixed_dictionaries(
        {"PolicyLineOfBusiness": st.sampled_from(("HOME", "AUTO", "", " ", None, 5))},
        optional={"SortOrderNumber": st.sampled_from((None, 0, 1, 2, "1", "x"))},
    ),
    max_size=3,
)


@given(_lines_sent, st.sampled_from(("as they are", "wrapped", "the only one")))
def test_lines_of_business_are_in_their_order_however_they_are_wrapped(sent: list[dict[str, Any]], form: str) -> None:
    """T2: one line is read as several are, in any of the forms in which a list is sent."""
    assume(form != "the only one" or len(sent) == 1)
    value: Any = {
        "as they are": sent,
        "wrapped": {"PolicyLineOfBusiness": sent},
        "the only one": {"PolicyLineOfBusiness": sent[0] if sent else None},
    }[form]
    places = {0: 0, 1: 1, 2: 2, "1": 1}
    in_order = sorted(sent, key=lambda line: places.get(line.get("SortOrderNumber"), 99))
    expected = dict.fromkeys(name for line in in_order if (name := line["PolicyLineOfBusiness"]) in {"HOME", "AUTO"})
    assert ams360._lines(value) == tuple(expected)


@given(
    st.lists(st.sampled_from(("CellPhone", "HomePhone", "BusinessPhone")), unique=True),
    st.sampled_from((0, "0", "217", " ", "", None)),
)
def test_a_phone_is_read_from_whatever_is_a_text_or_a_number(members: list[str], number: Any) -> None:
    """C6: 0 is a number as any other."""
    read = ams360._phones(dict.fromkeys(members, number), ams360._CUSTOMER_PHONES)
    expected = [member for member in ("CellPhone", "HomePhone", "BusinessPhone") if member in members and text(number)]
    assert [phone.kind for phone in read] == [member.removesuffix("Phone").lower() for member in expected]
    assert {phone.number for phone in read} <= {text(number)}


@given(
    st.lists(
        st.builds(
            GivenPhone,
            st.sampled_from(("cell", "home", "business", "international")),
            st.sampled_from((None, "217", "(217)")),
            st.sampled_from(("555-0101", "2175550101", "217-555-0102 x5", "+44 20 7946 0958", "x", "")),
            st.sampled_from((None, "5")),
        ),
        max_size=4,
    ),
    st.sampled_from(("personal", "commercial")),
)
def test_phones_are_in_the_order_of_their_kinds_each_once(given_phones: list[GivenPhone], record_type: Any) -> None:
    """C6: one phone is what it is among several."""
    kinds = ("business", "cell", "home") if record_type == "commercial" else ("cell", "home", "business")
    expected: dict[tuple[str, str | None], Phone] = {}
    for kind in (*kinds, "international"):
        for phone in given_phones:
            for alone in phones.phones_of((phone,), record_type, "US") if phone.kind == kind else ():
                expected.setdefault((alone.number, alone.extension), alone)
    assert phones.phones_of(given_phones, record_type, "US") == tuple(expected.values())


@given(made.candidates(), made.settings, st.booleans(), st.booleans())
def test_a_candidate_alone_is_merged_as_beside_itself(
    found: list[Candidate], settings: RuleSettings, is_refused: bool, is_renamed: bool
) -> None:
    """M4, M6, N12: what is left out for a single candidate would change nothing: twice the same record takes the long way."""
    for candidate in found:
        refused = frozenset(candidate.emails if is_refused else ())
        key = (candidate.system, candidate.entity, candidate.entity_id)
        overrides = {key: NameOverride("Ann", None)} if is_renamed else {}
        alone, beside = (merge([candidate] * times, settings, {}, overrides, refused) for times in (1, 2))
        if isinstance(alone, Contact) and isinstance(beside, Contact):
            assert alone == replace(beside, sources=alone.sources)
            assert not (refused and alone.emails) or alone.suppressed_reason
            assert not is_renamed or alone.first_name == "Ann"
        else:
            assert not isinstance(alone, Contact)
            assert not isinstance(beside, Contact)
            assert set(alone) == set(beside)
