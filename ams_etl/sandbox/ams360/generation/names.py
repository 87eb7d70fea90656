"""Names of customers, in the many ways in which people type them."""

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw


def name_person(draw: Draw, customer: Record, first: str, second: str, last: str) -> None:
    """First, last, firm name and salutations of a personal customer.

    Every one has a LastName, FirmName or DoingBusinessAs: a customer without is found by no prefix, and how many of
    those there are is the caller's decision.
    """
    shapes = _shapes(draw, first, second, last)
    customer.update({"FirstName": first, "LastName": last, **draw.weighted([*shapes.values()], [*shapes])})
    if draw.chance(0.04) and customer["LastName"]:
        customer["LastName"] += f"{draw.of((' ', ', '))}{draw.of(words.SUFFIXES)}"
    _salute(draw, customer, first, second, last)


def _shapes(draw: Draw, first: str, second: str, last: str) -> dict[float, Record]:
    """What differs from plain first and last name, by how many in a thousand are so; no two counts are equal."""
    other = draw.last()
    return {
        466: {},
        80: {"FirstName": f"{first}{draw.of(words.JOINTS)}{second}"},
        60: {"FirstName": f"{first} ({words.NICKNAMES.get(first) or draw.of(words.BYNAMES)})"},
        30: {"FirstName": f"{first} {draw.of(words.MARKS)}"},
        11: {"LastName": f"{last} {draw.of(words.MARKS)}"},
        20: {"FirstName": None, "LastName": f"{first} {last} & {second} {other}"},
        25: {"FirstName": None, "LastName": None, "IsPersonal": True, "FirmName": f"{first} & {second} {last}"},
        16: {
            "FirstName": None,
            "LastName": None,
            "IsPersonal": True,
            "FirmName": f"{first} {last} and {second} {other}",
        },
        31: {"FirstName": None},
        # A household with neither a name nor an email is a real thing, and no contact can come of it.
        13: {"FirstName": None, "LastName": None, "DoingBusinessAs": f"{last} Household"},
        41: {"FirstName": first.upper(), "LastName": last.upper()},
        12: {"FirstName": first.lower(), "LastName": last.lower()},
        22: {"FirstName": f" {first}  ", "LastName": f"{last} "},
        113: {"FirstName": f"{first} {draw.of('ABCDEFGH')}."},
        50: {"MiddleName": draw.of((second, draw.of("ABCDEFGH")))},
        10: {"FirstName": f"{draw.of(words.HONORIFICS)} {first}"},
    }


def _salute(draw: Draw, customer: Record, first: str, second: str, last: str) -> None:
    nickname = draw.nickname(first)
    if draw.chance(0.3):
        customer["InformalSalutation"] = draw.of(
            (
                nickname,
                nickname,
                first,
                f"{first} and {second} {last}",
                f"{nickname} & {draw.nickname(second)}",
                "Friends",
            )
        )
    if draw.chance(0.3):
        customer["FormalSalutation"] = draw.of(
            (f"Mr. {last}", f"Mr. and Mrs. {first} {last}", f"Dr. {first} {last}", f"Mr. & Mrs. {last}",
             f"Ms. {first} {last}", f"{first} {last}")
        )  # fmt: skip


def name_firm(draw: Draw, customer: Record, owner: str, last: str) -> None:
    """Firm name, trade name and sometimes an owner of a commercial customer."""
    if draw.chance(0.06):
        customer["FirmName"] = draw.of(words.ODD_FIRMS)
    else:
        ending = draw.of(words.FIRM_ENDINGS)
        customer["FirmName"] = f"{draw.of((last, last, f'{owner} {last}'))} {draw.of(words.FIRMS)} {ending}".strip()
    if draw.chance(0.03):
        customer["FirmName"] = customer["FirmName"].upper()
    if draw.chance(0.15):
        customer["DoingBusinessAs"] = f"{draw.of(words.LAST)}'s"
    if draw.chance(0.1):
        customer["FirstName"], customer["LastName"], customer["IsCommercial"] = owner, last, True
