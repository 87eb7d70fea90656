"""Make HawkSoft clients out of a seed, as untidy as agencies keep them."""

from datetime import UTC, date, datetime, time, timedelta

from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw
from ams_etl.sandbox.rest.book import Book, Record
from ams_etl.sandbox.rest.messages import stamp

CODES = ("JD", "jd", "MKS", "M S", "T.O'B", "House", "AB1", "ÅB", "X&Y", "q")
"""How agencies call their people: nothing but a string says who a producer or CSR is."""
_RELATIONS = ("Spouse", "Insured", "Child", "Domestic Partner", "Other", "", None)
_STATUSES = ("Active", "New", "Renewal", "Cancelled", "Expired", "Replaced:Rewrite", "DeadFiled", "Quote")
_NAMES_OF_OFFICES = ("Main Office", "North Side", "Online")


class HawkSoftGenerator:
    """Generates one agency.

    Args:
        seed: decides everything.
        today: what dates are relative to.
    """

    def __init__(self, seed: int, today: date) -> None:
        self._draw, self._today = Draw(seed, today), today
        self._midnight = datetime.combine(today, time(), UTC)

    def book(self, size: int) -> Book:
        """An agency of `size` clients with two or three offices."""
        draw = self._draw
        book = Book(self._midnight)
        for number in range(1, draw.between(2, 3) + 1):
            city, state, postal = draw.of(words.CITIES)
            book.plant("offices", str(number), {
                "OfficeId": number, "OfficeDescription": _NAMES_OF_OFFICES[number - 1], "SubAgencyName": "",
                "PrimaryOffice": number == 1, "AddressLine1": "1 Main St", "AddressLine2": None, "City": city,
                "State": state, "Zipcode": postal,
            })  # fmt: skip
        number = 0
        for _ in range(size):
            number += 1 if draw.chance(0.95) else draw.between(2, 4)
            at = self._midnight - timedelta(minutes=draw.between(1, 3_000_000))
            book.plant("clients", str(number), self._client(number, at), at)
        return book

    def _client(self, number: int, at: datetime) -> Record:
        draw = self._draw
        commercial = draw.chance(0.3)
        last = draw.last()
        company = f"{last} {draw.of(words.FIRMS)} {draw.of(words.FIRM_ENDINGS)}".strip() if commercial else None
        people = [
            self._person(last, at, first=not place) for place in range(draw.weighted((0, 1, 2, 3), (4, 50, 36, 10)))
        ]
        draw.rng.shuffle(people)
        if not people and not company and draw.chance(0.7):
            company = f"{draw.first()} {last}"
        city, state, postal = draw.of(words.CITIES)
        return {
            "clientNumber": number,
            "details": {
                "id": draw.guid(), "modified": stamp(at), "officeId": draw.between(1, 2),
                "producer": self._code(0.95), "csr": self._code(0.9),
                "clientType": "Customer", "status": draw.weighted(("Active", "Inactive", "Prospect", "Deceased"), (84, 8, 6, 2)),
                "isPersonal": not commercial or draw.chance(0.05), "isCommercial": commercial,
                "companyName": company, "dbaName": f"{draw.last()}'s" if commercial and draw.chance(0.1) else None,
                "source": draw.of(("Referral", "Web", None)), "agencyNum": None, "businessType": None,
                "clientSince": draw.day(draw.between(1, 6000)) if draw.chance(0.8) else None,
                "contactInfoLastUpdated": None, "allowCrossSell": draw.chance(0.8),
                "mailingAddress": {
                    "address1": f"{draw.between(1, 9999)} {draw.of(words.STREETS)}", "address2": None, "city": city,
                    "state": state, "zip": postal, "countryCode": draw.of(("US", None)), "county": None,
                } if draw.chance(0.9) else None,
                "physicalAddress": None, "taxId": draw.secret() if commercial and draw.chance(0.6) else None,
            },
            "people": people,
            "contacts": self._contacts(people, last, at),
            "claims": [],
            "policies": [self._policy(at) for _ in range(draw.weighted((0, 1, 2, 3), (22, 40, 25, 13)))],
        }  # fmt: skip

    def _code(self, share: float) -> str | None:
        """Return a role's code; without one, HawkSoft returns null or an empty string."""
        return self._draw.of(CODES) if self._draw.chance(share) else self._draw.of((None, ""))

    def _person(self, last: str, at: datetime, *, first: bool) -> Record:
        draw = self._draw
        given = draw.first()
        shown = draw.weighted(
            (given, f"{given} ({draw.nickname(given)})", f"{given} {draw.of(words.MARKS)}", None), (90, 5, 2, 3)
        )
        relation = draw.weighted(("Insured", None, ""), (80, 10, 10)) if first else draw.of(_RELATIONS)
        return {
            "id": draw.guid(), "title": draw.of(("Mr.", "Ms.", None)), "firstName": shown,
            "middleName": draw.of(("A", None, None)), "lastName": draw.of((last, last, last, draw.last())),
            "relationship": relation, "gender": "Unspecified", "maritalStatus": draw.of(("Married", "Single", None)),
            "dateOfBirth": draw.weighted((draw.day(draw.between(3000, 30000)), "0001-01-01T00:00:00", None), (70, 3, 27)),
            "occupation": None, "modified": stamp(at),
            "ssn": draw.secret() if draw.chance(0.5) else None,
            "driversLicenseNumber": f"D{draw.between(10**6, 10**7)}" if draw.chance(0.5) else None,
        }  # fmt: skip

    def _contacts(self, people: list[Record], last: str, at: datetime) -> list[Record]:
        draw = self._draw
        made: list[Record] = []

        def add(kind: str, data: str, person: str | None) -> None:
            made.append({
                "id": draw.guid(), "type": kind, "data": data, "personId": person, "priority": draw.between(0, 3),
                "isBillingContact": draw.chance(0.2), "allowMassEmail": draw.chance(0.9), "description": "",
                "modified": stamp(at),
            })  # fmt: skip

        for person in [*people, None]:
            key = person["id"] if person else None
            given = (person or {}).get("firstName") or "office"
            address = draw.email(given, last) if draw.chance(0.75 if person else 0.25) else None
            if address:
                add(draw.of(("Email", "HomeEmail", "WorkEmail")), address, key)
                draw.share_email(address if draw.chance(0.05) else None)
            if draw.chance(0.6):
                number = f"({draw.of(words.AREA_CODES)}) {draw.between(200, 999)}-{draw.between(0, 9999):04}"
                add(draw.of(("CellPhone", "HomePhone", "WorkPhone", "Cell", "Fax")), number, key)
        draw.rng.shuffle(made)
        return made

    def _policy(self, at: datetime) -> Record:
        draw = self._draw
        ends = draw.between(-360, 900)
        lines = words.PERSONAL_LINES | words.COMMERCIAL_LINES
        return {
            "id": draw.guid(), "legacyId": draw.between(1, 99999) if draw.chance(0.5) else None,
            "policyNumber": f"P{draw.between(1000, 999999)}", "status": draw.weighted(_STATUSES, (50, 10, 15, 8, 7, 4, 2, 4)),
            "title": draw.of(("HOME", "AUTO", "")), "carrier": draw.of(tuple(words.COMPANIES.values())),
            "loBs": [{"code": line, "description": lines[line]} for line in {draw.of(tuple(lines)), draw.of(tuple(lines))}],
            "effectiveDate": draw.day(ends + 365), "expirationDate": draw.day(ends),
            "agent1": self._code(0.7), "agent2": None, "agent3": None, "agentCode": "00-1",
            "officeId": 1, "modified": stamp(at),
        }  # fmt: skip
