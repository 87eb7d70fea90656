"""Names made of parts, with the answer that is known because it was put together: `python -m ams_etl_tests.rules.mass`.

Every combination of a title, a given name, a nickname or note in brackets, a family name with its particle, a suffix and the
order of them, alone and as a couple, in a ContactName and in First and Last Name. Prints the error rate and the wrong ones.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from ams_etl.rules.names.names import NameFields, derive_name

TITLES = ("", "Mr. ", "Mrs. ", "Dr. ", "Rev. ")
GIVEN = ("Jon", "Mary Ann", "José", "Anne-Marie", "Billy B.")
BRACKETS = (
    ("", None, None), (" (Jo)", "Jo", None), (' "Jo"', "Jo", None), (" (goes by Jo)", "Jo", None),
    (" (Deceased)", None, "deceased"), (" (DNC)", None, "do_not_contact"), (" (MBA)", None, None),
    (" (no longer there)", None, "former"),
    (" [new owner]", None, "note"), (" (nee Poe)", None, None),
)  # fmt: skip
FAMILY = ("Doe", "O'Brien", "de la Cruz", "van der Berg", "Smith-Jones", "VAN DYKE", "St. James", "Núñez")
SUFFIXES = (
    ("", ""),
    (" Jr.", " Jr."),
    (", Jr.", " Jr."),
    (" III", " III"),
    (", CPA", " CPA"),
    (", President", ""),
    (" - Owner", ""),
    (" 3rd", " 3rd"),
    (", 2nd", " 2nd"),
    (" - INACTIVE", ""),
    (" *DUP*", ""),
)
SEPARATORS = (" & ", " and ", " + ", " or ", "/", "; ")
PARTNERS = ("Ann", "Bo Lee", "Kim")


class Made(NamedTuple):
    """Fields and their right answer."""

    fields: NameFields
    first: str
    last: str
    flag: str | None


def made() -> Iterator[Made]:
    """Yield every combination."""
    yield from _alone()
    yield from _turned_round()
    yield from _couples()


def _alone() -> Iterator[Made]:
    for title, given, (bracket, nickname, flag), family, (suffix, kept) in product(
        TITLES, GIVEN, BRACKETS, FAMILY, SUFFIXES
    ):
        first, last = nickname or given, f"{family}{kept}"
        yield Made(NameFields(whole=f"{title}{given}{bracket} {family}{suffix}"), first, last, flag)
        if not suffix.strip(" -,").startswith(("Owner", "President", "CPA")) and "," not in suffix:
            yield Made(NameFields(first=f"{title}{given}{bracket}", last=f"{family}{suffix}"), first, last, flag)


def _turned_round() -> Iterator[Made]:
    for title, given, (bracket, nickname, flag), family, suffix in product(
        TITLES, GIVEN, BRACKETS, FAMILY, ("", " Jr.", " III")
    ):
        first = nickname or given
        yield Made(NameFields(whole=f"{family}, {title}{given}{bracket}{suffix}"), first, f"{family}{suffix}", flag)
        yield Made(NameFields(whole=f"{family}{suffix}, {title}{given}{bracket}"), first, f"{family}{suffix}", flag)


def _couples() -> Iterator[Made]:
    for title, given, sign, partner, family in product(("", "Mr. ", "Dr. "), GIVEN, SEPARATORS, PARTNERS, FAMILY):
        together = f"{given}{sign}{partner}"
        other = "Mrs. " if title else ""
        yield Made(NameFields(whole=f"{title}{given}{sign}{other}{partner} {family}"), together, family, None)
        yield Made(NameFields(first=f"{title}{given}{sign}{other}{partner}", last=family), together, family, None)
        yield Made(NameFields(whole=f"{family}, {given}{sign}{partner}"), together, family, None)
        yield Made(NameFields(whole=f"{given} {family}{sign}{partner} Poe"), together, f"{family}{sign}Poe", None)
        yield Made(NameFields(first=f"{given}{sign}{partner} (Deceased)", last=family), given, family, None)
        yield Made(NameFields(first=f"{given} (Jo){sign}{partner}", last=family), f"Jo{sign}{partner}", family, None)
        yield Made(NameFields(first=f"{given}{sign}wife", last=family), given, family, None)
        yield Made(NameFields(whole=f"{given} {family}{sign}family"), given, family, None)


def mistake(one: Made) -> str | None:
    """Return what the rules say where it is not the right answer."""
    name = derive_name(one.fields, {})
    first, last = name.first.text if name.first else None, name.last.text if name.last else None
    right = (first, last) == (one.first, one.last) and (one.flag is None or one.flag in name.flags)
    return None if right else f"{first!r}, {last!r}, {name.flags}"


def main() -> None:
    """Check all of them."""
    everything = list(made())
    wrong = [(entry, found) for entry in everything if (found := mistake(entry))]
    for entry, found in wrong[:: max(1, len(wrong) // 40)]:
        given = {key: value for key, value in zip(NameFields.__slots__, _values(entry.fields), strict=True) if value}
        print(f"{given}: {found} instead of {entry.first!r}, {entry.last!r}, {entry.flag}")
    print(f"{len(everything):,} names, {len(wrong):,} wrong: {len(wrong) / len(everything):.2%}")


def _values(fields: NameFields) -> list[str | None]:
    return [getattr(fields, name) for name in NameFields.__slots__]


if __name__ == "__main__":
    main()
