"""Make QQ Catalyst contacts, their account information and policies out of a seed."""

from datetime import UTC, date, datetime, time, timedelta

from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw
from ams_etl.sandbox.rest.book import Book, Record

PEOPLE = {
    9001: "Janet O'Neil", 9002: "Luis Ortega", 9003: "Priya Patel", 9004: "Sam Ødegaard", 9005: "Luis Ortega", 9006: "X. Yu",
}  # fmt: skip
"""The agency's people: two of them share a name, so a name is no key."""
_STATUSES = ("Active", "A", "Renewed", "Cancelled", "Expired", "Non-Renewed")


class QQCatalystGenerator:
    """Generates one agency.

    Args:
        seed: decides everything.
        today: what dates are relative to.
    """

    def __init__(self, seed: int, today: date) -> None:
        self._draw, self._today = Draw(seed, today), today
        self._midnight = datetime.combine(today, time(), UTC)

    def book(self, size: int) -> Book:
        """An agency of `size` contacts, its own people beside them."""
        draw = self._draw
        book = Book(self._midnight)
        for key, name in PEOPLE.items():
            first, _, last = name.partition(" ")
            book.plant("contacts", str(key), self._row(key, first, last, "E", self._midnight - timedelta(days=4000)))
        number = 10_000
        for _ in range(size):
            number += draw.between(1, 3)
            at = self._midnight - timedelta(minutes=draw.between(1, 3_000_000))
            row = self._row(number, draw.first(), draw.last(), draw.weighted("CPV", (80, 15, 5)), at)
            book.plant("contacts", str(number), row, at)
            book.plant("account_infos", str(number), self._account_info(row), at)
            for _ in range(draw.weighted((0, 1, 2), (25, 50, 25)) if row["ContactSubType"] == "C" else 0):
                policy = self._policy(book.next_id("policies"), row, at)
                book.plant("policies", str(policy["PolicyId"]), policy, at)
        return book

    def _row(self, key: int, first: str, last: str, sub_type: str, at: datetime) -> Record:
        draw = self._draw
        person = sub_type == "E" or draw.chance(0.65)
        city, state, postal = draw.of(words.CITIES)
        company = None if person else f"{last} {draw.of(words.FIRMS)} {draw.of(words.FIRM_ENDINGS)}".strip()
        shown = draw.weighted(
            (first, f"{first} ({draw.nickname(first)})", f"{first} & {draw.first()}", None), (86, 6, 6, 2)
        )
        born = draw.weighted((draw.day(draw.between(7000, 30000)), "0001-01-01T00:00:00", None), (60, 5, 35))
        return {
            "EntityID": key, "CustomerNo": f"{key:06}", "ContactSubType": sub_type,
            "ContactSubTypeDisplay": {"C": "Customer", "P": "Prospect", "E": "Employee", "V": "Vendor"}[sub_type],
            "ContactType": "C", "ContactTypeDisplay": "Contact", "TypeDisplay": "Person" if person else "Business",
            "Status": "A", "StatusDisplay": "Active", "AgentName": None, "LocationID": draw.between(1, 3),
            "isAPerson": person, "HasBeenModified": False, "CreatedOn": f"{at.date()}T00:00:00",
            "DateLastModified": at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "DOB": born if person else None,
            "MaritalStatusID": draw.of(("M", "S", None)), "DisplayName": company or f"{first} {last}",
            "BusinessName": company, "FirstName": shown if person else draw.of((first, None)), "MiddleName": None,
            "LastName": last if person or draw.chance(0.4) else None, "PrimaryContact": None if person else f"{first} {last}",
            "Phone": f"{draw.of(words.AREA_CODES)}{draw.between(2000000, 9999999)}" if draw.chance(0.7) else None,
            "PhoneType": draw.of(("Cell", "Home", "Work", None)),
            "Email": draw.email(first, last) if draw.chance(0.85) else draw.of((None, "")),
            "Line1": f"{draw.between(1, 9999)} {draw.of(words.STREETS)}" if draw.chance(0.9) else None, "Line2": None,
            "City": city, "State": state, "County": None, "Zip": postal, "Country": draw.of(("USA", None)),
        }  # fmt: skip

    def _account_info(self, row: Record) -> Record:
        draw = self._draw
        agent = draw.of((*PEOPLE, 0, None)) if draw.chance(0.9) else 0
        csr = draw.of((*PEOPLE, 0, None)) if draw.chance(0.9) else None
        row["AgentName"] = PEOPLE.get(agent or 0)
        return {
            "CustomerID": row["EntityID"], "CustomerNo": row["CustomerNo"],
            "AgentID": agent, "Agent": PEOPLE.get(agent or 0, draw.of((None, ""))),
            "CsrID": csr, "CSR": PEOPLE.get(csr or 0, draw.of((None, ""))),
            "CustomerPriorityID": draw.between(1, 3), "CustomerPriority": "A", "CustomerSince": row["CreatedOn"],
            "CustomerSinceString": "", "Type": row["TypeDisplay"], "Name": row["DisplayName"], "OfficeID": row["LocationID"],
            "CPAccess": True, "CustomerSourceID": 1, "CustomerSource": "Referral", "SourceDetail": None,
            "CreatedByID": 9001, "CreatedByName": PEOPLE[9001],
            "UserID": f"portal{row['EntityID']}", "UserPassword": f"hunter2-{row['EntityID']}",
        }  # fmt: skip

    def _policy(self, key: int, row: Record, at: datetime) -> Record:
        draw = self._draw
        ends = draw.between(-360, 900)
        return {
            "PolicyId": key, "PolicyNumber": f"Q{draw.between(1000, 999999)}", "CustomerId": row["EntityID"],
            "CustomerName": row["DisplayName"], "AgentName": row["AgentName"],
            "Status": draw.weighted(_STATUSES, (50, 15, 10, 10, 10, 5)),
            "LOB": draw.of((*words.PERSONAL_LINES.values(), *words.COMMERCIAL_LINES.values())),
            "WritingCarrier": draw.of(tuple(words.COMPANIES.values())), "TotalPremium": draw.between(100, 9000),
            "EffectiveDate": draw.day(ends + 365), "ExpirationDate": draw.day(ends), "PriorPolicyID": None, "IsDeleted": False,
            "DateLastModified": at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        }  # fmt: skip
