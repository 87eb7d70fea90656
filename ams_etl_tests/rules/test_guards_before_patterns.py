"""The cheap tests that the rules ask before a pattern never hide what the pattern would find.

Texts are made from the patterns themselves, and from every word that any list or pattern of the names has: random texts
hardly ever hold one of those words in the right place.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from ams_etl.rules.names import companies, fields, marks, names, persons, words
from ams_etl.rules.names.names import NameFields
from ams_etl.rules.reach import emails
from ams_etl.rules.records.ams360 import text
from ams_etl_tests.rules import generated as made

_ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ '&.-"
_ASKED_BEFORE: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "the words that end a name": (fields._END_WORD, fields._END_OF_NAME),
    "trusts": (fields._TRUST_WORD, fields._TRUST),
    "phones": (fields._DIGIT, fields._PHONE),
    "quoted nicknames": (fields._QUOTE, fields._QUOTED),
    "empty quotes": (fields._QUOTE, fields._EMPTY_QUOTES),
    "loose quotes": (fields._QUOTE, fields._LOOSE_QUOTE),
    "parentheses": (fields._ANY_BRACKET, fields.PARENTHESIS),
    "separators": (persons._ANY_SEPARATOR, persons._SEPARATOR),
    "marks": (marks._MARK, marks._BARE),
    "people without a name": (fields._COMPANION_WORD, fields._COMPANIONS),
    "marks of people without a name": (fields._COMPANION_WORD, fields._COMPANION_MARKED),
    "numbers by themselves": (fields._DIGIT, fields._NUMBER),
    "by what somebody goes": (fields._CALLED_WORD, fields._CALLED),
    "marks in a firm's name": (marks._MARK, marks._BARE_IN_FIRM),
}
_MATTERS_IN_A_NAME = {
    "the words that end a name": fields._END_OF_NAME,
    "attention lines": fields._ATTENTION,
    "trusts": fields._TRUST,
    "variants of designations": fields._VARIANT,
    "marks": marks._BARE,
    "estates": marks._ESTATE,
    "the late": marks._LATE,
    "people without a name": fields._COMPANIONS,
    "loose ends": persons._AT_AN_END,
    "by what somebody goes": fields._CALLED,
    "sorted last": fields._SORTED_LAST,
}


class _NotPlain(str):
    """A text that denies to be of letters or of ASCII, so that every shortcut which asks for that is passed by."""

    __slots__ = ()

    def isascii(self) -> bool:
        return False

    def isalpha(self) -> bool:
        return False


@cache
def _known_words() -> tuple[str, ...]:
    """Return every word in a list or a pattern of the modules of names, `trustees?` with and without its last letter."""
    found: set[str] = set()
    for module in (fields, marks, names, persons, words, companies):
        for value in vars(module).values():
            if isinstance(value, re.Pattern):
                for pattern_word in re.findall(r"[a-z?]*[a-z]\??", value.pattern.lower()):
                    found.add(pattern_word.replace("?", ""))
                    found.add(re.sub(r"[a-z]\?", "", pattern_word))
            elif isinstance(value, frozenset | dict | tuple):
                found.update(word for entry in value if isinstance(entry, str) for word in _letters(entry))
    return tuple(sorted(word for word in found if word))


def _letters(entry: str) -> Iterator[str]:
    yield from re.findall(r"[^\W\d_]+", entry.lower())


def _spelled(*shapes: str) -> Iterator[str]:
    for word in _known_words():
        for written in (word, word.title(), word.upper()):
            for shape in shapes:
                yield shape.replace("{}", written)


@pytest.mark.parametrize("about", _ASKED_BEFORE)
def test_the_short_pattern_finds_something_wherever_the_long_one_does(about: str) -> None:
    """N4, N10, N14, N16: a field in which the first pattern finds nothing is left alone by the second."""
    short, long = _ASKED_BEFORE[about]

    @given(st.sampled_from(("", "Tom Vale", "Roe ")), st.from_regex(long))
    @budget(max_examples=60)
    def finds(before: str, found: str) -> None:
        value = before + found
        assert short.search(value) or not long.search(value)

    finds()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Tom Vale cottee", "Tom Vale"), ("Tom Vale CoTTEES", "Tom Vale"), ("Tom Vale coexecutor", "Tom Vale"),
        ("Tom Vale, coexecutrix", "Tom Vale"), ("Tom Vale Copoa", "Tom Vale"), ("Tom Vale cotrustees", "Tom Vale"),
        ("TOM VALE CIC RUBLE", "TOM VALE CIC"), ("Tom Vale CISR Elite", "Tom Vale CISR"), ("Tom Vale cic ELite", "Tom Vale cic"),
        ("Hart/Owner", "Hart"), ("HART/TRUSTEE", "HART"), ("Hart/Vale", "Hart/Vale"), ("Hart/poa", "Hart"),
        ("’Tom", "Tom"), ("van ’t Hoff", "van ’t Hoff"), ("O’Brien", "O’Brien"), ("’Tom’", "Tom’"),
        ("Elite", "Elite"), ("Ruble", "Ruble"), ("Tom Ruble", "Tom Ruble"),
    ],
)  # fmt: skip
def test_what_a_cheap_test_once_hid(value: str, name: str) -> None:
    """N13, N14, N16: each of these was taken as it is written because a test before a pattern was too narrow."""
    assert fields.read_field(value, ()).name == name


@pytest.mark.parametrize("sign", ["*", "**", " - ", " – ", " — ", " -- "])
def test_a_mark_is_set_off_by_any_of_the_signs(sign: str) -> None:
    """N10: the signs without which no mark is looked for are all that set one off."""
    assert marks.without_set_off(f"Vale{sign}INACTIVE") == ("Vale", ["note"])
    assert marks.without_set_off("Vale INACTIVE") == ("Vale INACTIVE", [])


@pytest.mark.parametrize("word", ["Unsubscribe", "unsubscribed", "UNSUBSCRIBED", "dnc", "Deceased"])
def test_a_mark_alone_in_a_field_is_no_name(word: str) -> None:
    """N10: nobody is greeted as `Unsubscribed`, and the refusal is kept."""
    field = fields.read_field(word, ())
    assert field.name is None
    assert len(field.flags) == 1


@pytest.mark.parametrize("about", _MATTERS_IN_A_NAME)
def test_a_plain_name_holds_nothing_that_a_pattern_takes_out(about: str) -> None:
    """N10, N16: whatever a pattern finds, the field that holds it is no plain one, or reading closely changes nothing."""
    pattern = _MATTERS_IN_A_NAME[about]

    @given(st.sampled_from(("{}", "Tom Vale{}", "Tom Vale {}", "{} Tom Vale")), st.from_regex(pattern, alphabet=_ASCII))
    @budget(max_examples=60)
    def changes_nothing(shape: str, found: str) -> None:
        value = text(shape.format(found))
        if value and fields.is_plain(value):
            assert fields._read_closely(value, ()) == fields.NameField(value)

    changes_nothing()


def test_a_single_word_is_what_reading_closely_says() -> None:
    """N10, N16: a word that is taken as a name without a pattern would be read to the same, whatever list it is on."""
    for value in _spelled("{}"):
        for further in ((), ((value, "vip"),)):
            assert fields.read_field(value, further) == fields._read_closely(value, further)


def test_a_name_with_any_known_word_is_what_reading_closely_says() -> None:
    """N10, N16: first, last or in the middle of a name of plain words."""
    for value in _spelled("Tom {}", "{} Tom", "Tom {} Vale", "Tom Vale {}", "{} Tom Vale", "Tom & {}", "Tom {} of"):
        if fields.is_plain(value):
            assert fields._read_closely(value, ()) == fields.NameField(value)


def test_a_simple_record_with_any_known_word_is_named_as_reading_closely_names_it() -> None:
    """N2, N3, N11: as First or Last Name, and first or last in a ContactName, turned round or not."""
    for word in _spelled("{}"):
        for written in (
            NameFields("Tom", word),
            NameFields(word, "Vale"),
            NameFields(whole=f"Tom {word}"),
            NameFields(whole=f"{word} Vale"),
            NameFields(whole=f"{word}, Tom"),
            NameFields(whole=f"Vale, {word}"),
        ):
            simple = names._simple_name(written)
            assert simple is None or simple == names._derive_closely(written, {})
            assert simple is None or simple == names._derive_personal_closely(written, {})


def test_titles_are_taken_off_a_first_name_whatever_word_it_begins_with() -> None:
    """N2: neither a word of letters nor a field in which the pattern finds no title has one to take off."""
    for value in _spelled("{}", "{}.", "{} Tom", "{}. Tom", "Tom & {} Sue", "Tom and {}. {} Sue", "Tom {}", "{} & Tom"):
        parts, separators = persons.separated(value)
        untitled = [" ".join(persons._untitled(part.split(), words.TITLES_ONLY)) or None for part in parts]
        assert persons.without_titles(value) == persons.joined(untitled, separators)


_family_names = st.one_of(
    st.sampled_from(_known_words()).flatmap(lambda word: st.sampled_from((word, word.title(), word.upper()))),
    st.sampled_from(
        ("Vale Estate", "Vale, ESTATE", "of Tom Vale", "OF Vale", "Eﬆate", "eſtate", "Estate.", "Real Estate")
    ),
    st.from_regex(marks._ESTATE),
    st.text("estatESTATE of.,", max_size=10),
)


@given(st.sampled_from(("Tom", "Tom Vale", "Estate", "est.", "The Estate", "Stone Hill", "Acme LLC")), _family_names)
@example("Tom Vale", "Estate")
@example("Tom Vale", "eſtate")
@example("Tom Vale", "Eﬆate")
@example("Estate", "of Vale")
@budget(max_examples=250)
def test_a_family_name_of_letters_holds_no_estate_but_the_word_itself(first: str, last: str) -> None:
    """N10: a Last Name that is one word is left alone only where the long way would leave it alone."""
    assume(last)
    written = NameFields(first, last)
    assert names._with_estate_first(written, first, last) == names._with_estate_first(written, first, _NotPlain(last))


@pytest.mark.parametrize(
    ("first", "last", "read"),
    [
        ("Tom", "Vale", ("Tom", "Vale")), ("Tom", "Estate", ("Tom", "Estate")), ("Tom", "Real Estate", ("Tom", "Real Estate")),
        ("Tom", "Vale Estate", ("Tom (Estate)", "Vale")), ("Tom", "Vale, ESTATE", ("Tom (Estate)", "Vale")),
        ("Tom Vale", "Estate", ("Estate of", "Tom Vale")), ("TOM VALE", "ESTATE", ("Estate of", "TOM VALE")),
        ("Estate", "of Tom Vale", ("Estate of", "Tom Vale")), ("Tom Vale", "Estates", ("Tom Vale", "Estates")),
    ],
)  # fmt: skip
def test_the_word_estate_is_moved_to_where_it_is_read(first: str, last: str, read: tuple[str, str]) -> None:
    """N10: at the end of a Last Name or as the whole of it, not as a part of a word."""
    moved = names._with_estate_first(NameFields(first, last), first, last)
    assert (moved.first, moved.last) == read


@given(st.sampled_from(("", "Tom Vale", "Tom Vale ")), st.from_regex(marks._ESTATE))
@example("", "SUCCESSION of Tom Vale")
@example("", "Heirs and assigns of Tom Vale")
@example("Tom Vale", ", EST. OF")
@example("Tom Vale", " {The Estate}")
@budget(max_examples=200)
def test_an_estate_is_found_whatever_its_letters(before: str, found: str) -> None:
    """N10: a text of ASCII without `est` names no estate."""
    value = before + found
    assert marks.estate_of(value) == marks.estate_of(_NotPlain(value))
    pattern_says = marks._ESTATE.search(value)
    if pattern_says and not pattern_says["last"]:
        assert marks.estate_of(value) is not None or words.is_surely_firm(value)


@given(
    st.sampled_from(("Hart", "Tom Hart", "HART")),
    st.sampled_from(("/", " / ", ", ", ",", " - ", "–", " | ")),
    st.sampled_from(
        ("Owner", "TRUSTEE", "president", "VP", "poa", "Vale", "the Owner", "Owner & CFO", "Trustee of Vale")
    ),
    st.sampled_from(("", ",", " & Sue", "; Sue")),
)
@example("Hart", "/", "Owner", "")
def test_a_role_after_a_name_is_taken_off_whatever_sign_is_between(name: str, sign: str, role: str, after: str) -> None:
    """N16: taking the roles out beforehand changes nothing, so no test before the pattern hides one."""
    value = f"{name}{sign}{role}{after}"
    assert fields._name_alone(value) == fields._name_alone(fields._ROLE_AFTER.sub("", value))


@given(
    st.from_regex(fields._FIDUCIARY, fullmatch=True),
    st.from_regex(words._TRADE_NAME, fullmatch=True),
    st.sampled_from(("", "x", " ")),
)
@budget(max_examples=100)
def test_a_fiduciary_and_a_trade_name_are_what_their_patterns_say(person: str, trade: str, before: str) -> None:
    """N10, N16: a comma, and a D, are in all that these patterns find."""
    person = " ".join(person.split())
    is_firm = words.looks_like_firm(person.partition(",")[0])
    assert fields.is_fiduciary(person) == (bool(fields._FIDUCIARY.fullmatch(person)) and not is_firm)
    assert words.is_trade_name(before + trade) == bool(words._TRADE_NAME.match(before + trade))


@given(st.from_regex(marks._EMPTY_BRACKETS), st.from_regex(persons._AT_AN_END))
@example("()", "AND Tom")
@example("<>", "Tom AnD")
@budget(max_examples=150)
def test_nothing_is_left_of_empty_brackets_and_loose_ends(brackets: str, ends: str) -> None:
    """N4, N10: each is taken out wherever its pattern finds it."""
    assert persons.without_loose_ends(ends) == persons._AT_AN_END.sub("", ends)
    assume(not marks._MARK.search(brackets))
    emptied = " ".join(marks._EMPTY_BRACKETS.sub(" ", brackets).split())
    assert marks.without_bare_marks(brackets, firm=True)[0] == emptied


@given(
    st.sampled_from(("", "a@x.com; ", "a@x.com")),
    st.one_of(st.from_regex(emails._NOT_AVAILABLE), st.from_regex(emails._INVISIBLE)),
)
@example("", "n\\a@n\\a.com")
@example("", "N\\A")
@budget(max_examples=200)
def test_an_email_field_is_read_as_if_it_had_been_cleaned_before(before: str, found: str) -> None:
    """C7, M5: `n/a` is one placeholder with either slash, and what nobody sees is in no address."""
    value = before + found
    cleaned = emails._NOT_AVAILABLE.sub("na@na", emails._INVISIBLE.sub("", value))
    assert emails.emails_in(value) == emails.emails_in(cleaned)
    assert emails.dropped_in(value) == emails.dropped_in(cleaned)


@given(st.text("ab.c＠﹫/;\\ n", max_size=14))
@example("a＠x.com")
def test_a_name_without_an_at_sign_holds_no_email(name: str) -> None:
    """C7: which is all that is asked of a name before it is read for addresses."""
    assert emails.emails_in(name)[0] == ()


_locals = st.one_of(
    st.from_regex(emails._REFUSAL, alphabet="abcdefghijklmnopqrstuvwxyz-'"),
    st.from_regex(emails._DEATH, alphabet="abcdefghijklmnopqrstuvwxyz-'"),
    st.sampled_from(("jane", "hopton", "jane.opt-out", "dnc", "do-not-use", "Deceased.Tom", "no-email", "candace")),
)
_domains = st.sampled_from(("x.com", "dnc.com", "opt-out.org", "unsub.co.uk", "mail.dnc.com", "deceased.test"))


@given(_locals, _domains, st.booleans())
@budget(max_examples=500)
def test_an_address_alone_raises_what_the_patterns_find_in_it(local: str, domain: str, capitals: bool) -> None:
    """N10: the shortcut for an address alone hides no refusal and no death."""
    address = f"{local.upper() if capitals else local}@{domain}"
    assert emails._flags_in(address) == emails._flags_in.__wrapped__(_NotPlain(address))


@given(
    st.lists(st.builds("{}@{}".format, st.sampled_from(("jane", "j.hopton", "A_B", "bob-opt")), _domains), max_size=3),
    st.sampled_from((", ", "; ", " ", "/", " - ", ".", "-")),
    st.sampled_from(
        [("", ()), ("do not use", ("do_not_contact",)), ("DNC", ("do_not_contact",)), ("(opted out)", ("do_not_contact",)),
         ("passed away", ("deceased",)), ("deceased, unsubscribe", ("deceased", "do_not_contact")), ("work", ())]
    ),
    st.booleans(),
)  # fmt: skip
def test_words_in_an_email_field_raise_flags_and_domains_do_not(
    addresses: list[str], sign: str, said: tuple[str, tuple[str, ...]], first: bool
) -> None:
    """N10: whatever firm's domain is beside the words, before or after them."""
    phrase, flags = said
    assume(not (first and sign in {".", "-"}))
    parts = [phrase, *addresses] if first else [*addresses, phrase]
    assert emails._flags_in(sign.join(part for part in parts if part)) == flags


def test_a_record_of_no_names_is_nobody_and_any_field_alone_is_read() -> None:
    """N1, N2, N3: a firm's name alone is not asked; of the other fields none is forgotten."""
    members = ("first", "last", "informal", "formal", "whole", "middle")
    for filled in range(1 << len(members)):
        for empty in (None, ""):
            given_names: dict[str, Any] = {
                name: f"Ann {name}" if filled >> place & 1 else empty for place, name in enumerate(members)
            }
            written = NameFields(firm="Acme LLC", **given_names)
            closely = names._name_of(*names._with_the_living(names._read(written, ())))
            assert names._own_name(written, ()) == closely


_of_a_couple = st.builds(
    "{} {}{}{} {}".format,
    st.sampled_from(("Tom", "Mary Ann")),
    st.sampled_from(("", "(DNC)", "(Deceased)", "(minor)", "(Tommy)", "(Owner)")),
    st.sampled_from((" & ", " and ")),
    st.sampled_from(("Sue", "Mary Lou")),
    st.sampled_from(("", "(DNC)", "(Deceased)", "(former)", "(Owner)")),
)
_any_name = st.one_of(st.none(), _of_a_couple, made.names).map(text)
_records = st.builds(
    NameFields,
    first=_any_name,
    last=_any_name,
    informal=_any_name,
    formal=_any_name,
    whole=_any_name,
    firm=_any_name,
    middle=_any_name,
)


@given(_records)
@example(NameFields("Tom (DNC) & Sue (Deceased)", "Vale"))
@example(NameFields(informal="Tom & Sue (Deceased)", last="Vale"))
@budget(max_examples=300)
def test_who_is_marked_and_whose_firm_it_is_may_be_asked_of_every_record(written: NameFields) -> None:
    """N9, M6: a record without a person's mark, or without a firm, is named as those with one are."""
    named = names._derive_closely(written, {}), names._derive_personal_closely(written, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            names, "PERSONAL", frozenset([*marks.PERSONAL, *marks.SUPPRESSING, "note", "role", "relative_deceased"])
        )
        patch.setattr(names, "EMPTY", fields.NameField())
        assert named == (names._derive_closely(written, {}), names._derive_personal_closely(written, {}))
