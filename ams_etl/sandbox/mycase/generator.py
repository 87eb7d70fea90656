"""Make a law firm's clients, companies, cases and staff out of a seed."""

from datetime import UTC, date, datetime, time, timedelta

from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw
from ams_etl.sandbox.rest.book import Book, Record
from ams_etl.sandbox.rest.messages import stamp

STAFF = (7, 12, 30, 101, 118)
_AREAS = ("Family Law", "Estate Planning", "Personal Injury", "Bankruptcy", None)


class MyCaseGenerator:
    """Generates one firm.

    Args:
        seed: decides everything.
        today: what dates are relative to.
    """

    def __init__(self, seed: int, today: date) -> None:
        self._draw, self._today = Draw(seed, today), today
        self._midnight = datetime.combine(today, time(), UTC)

    def book(self, size: int) -> Book:
        """A firm with `size` clients and companies, their cases, and five people of its own."""
        draw = self._draw
        book = Book(self._midnight)
        for member in STAFF:
            first, last = draw.first(), draw.last()
            at = self._at()
            book.plant("staff", str(member), {
                "id": member, "email": f"{member}@firm.example.com", "first_name": first, "middle_initial": None, "last_name": last,
                "type": draw.of(("Attorney", "Paralegal", "Staff")), "title": None, "active": draw.chance(0.8),
                "created_at": stamp(at), "updated_at": stamp(at),
            }, at)  # fmt: skip
        for number in range(1, size + 1):
            at = self._at()
            company = draw.chance(0.15)
            kind = "companies" if company else "clients"
            # Clients and companies have ids of their own, so one number may name one of each.
            book.plant(kind, str(500 + number), (self._company if company else self._client)(500 + number, at), at)
        case = 0
        for kind in ("clients", "companies"):
            for key in list(book.all_of(kind)):
                for _ in range(draw.weighted((0, 1, 2, 3), (15, 50, 22, 13))):
                    case += draw.between(1, 3)
                    at = self._at()
                    book.plant("cases", str(case), self._case(case, kind, int(key), book, at), at)
        return book

    def _at(self) -> datetime:
        return self._midnight - timedelta(minutes=self._draw.between(1, 3_000_000))

    def _client(self, key: int, at: datetime) -> Record:
        draw = self._draw
        first, last = draw.first(), draw.last()
        shown = (first, f"{first} ({draw.nickname(first)})", f"{first} {draw.of(words.MARKS)}")
        return {
            "id": key, "first_name": draw.weighted(shown, (90, 8, 2)),
            "middle_name": draw.of(("A", None, None)), "last_name": last,
            "email": draw.email(first, last), "cell_phone_number": self._phone(0.6), "work_phone_number": self._phone(0.2),
            "home_phone_number": self._phone(0.3), "fax_phone_number": None,
            "birthdate": draw.day(draw.between(7000, 30000))[:10] if draw.chance(0.6) else None, "notes": None,
            "social_security_number": draw.secret() if draw.chance(0.3) else None,
            "archived": draw.chance(0.05), "cases": [], "people_group": {"id": 1}, "address": self._address(),
            "created_at": stamp(at), "updated_at": stamp(at),
        }  # fmt: skip

    def _company(self, key: int, at: datetime) -> Record:
        draw = self._draw
        return {
            "id": key, "name": f"{draw.last()} {draw.of(words.FIRMS)} {draw.of(words.FIRM_ENDINGS)}".strip(),
            "email": draw.email("info", draw.last()), "main_phone_number": self._phone(0.6), "website": None,
            "fax_phone_number": None, "archived": False, "cases": [], "clients": [], "address": self._address(),
            "created_at": stamp(at), "updated_at": stamp(at),
        }  # fmt: skip

    def _phone(self, share: float) -> str | None:
        draw = self._draw
        return (
            f"({draw.of(words.AREA_CODES)}) {draw.between(200, 999)}-{draw.between(0, 9999):04}"
            if draw.chance(share)
            else None
        )

    def _address(self) -> Record | None:
        draw = self._draw
        city, state, postal = draw.of(words.CITIES)
        return {
            "address1": f"{draw.between(1, 999)} {draw.of(words.STREETS)}", "address2": None, "city": city, "state": state,
            "zip_code": postal, "country": "US",
        } if draw.chance(0.85) else None  # fmt: skip

    def _case(self, key: int, kind: str, client: int, book: Book, at: datetime) -> Record:
        draw = self._draw
        staff = [
            {"id": member, "lead_lawyer": False, "originating_lawyer": draw.chance(0.3)}
            for member in STAFF if draw.chance(0.5)
        ]  # fmt: skip
        if staff and draw.chance(0.9):
            draw.of(staff)["lead_lawyer"] = True
        for member in staff:
            if not member["lead_lawyer"] and draw.chance(0.3):
                del member["lead_lawyer"]
        named: dict[str, list[Record]] = {"clients": [], "companies": []}
        named[kind].append({"id": client})
        others = list(book.all_of("clients"))
        if (
            others
            and draw.chance(0.15)
            and (other := int(draw.of(others))) not in {member["id"] for member in named["clients"]}
        ):
            named["clients"].append({"id": other})
        is_open = draw.chance(0.55)
        # Whether the billing contact says what it is has not been seen: both happen here.
        party_type = {"type": "Client" if kind == "clients" else "Company"} if draw.chance(0.5) else {}
        return {
            "id": key, "name": f"Matter {key}", "case_number": f"{draw.between(15, 26)}-{key:04}" if draw.chance(0.7) else None,
            "description": None, "status": "open" if is_open else "closed", "practice_area": draw.of(_AREAS),
            "case_stage": draw.of(("Discovery", None)), "opened_date": str(at.date()),
            "closed_date": None if is_open else str(at.date()),
            "sol_date": None, "outstanding_balance": draw.between(0, 9000),
            **named, "billing_contact": {"id": client, **party_type} if draw.chance(0.85) else None,
            "staff": staff, "custom_field_values": [], "created_at": stamp(at), "updated_at": stamp(at),
        }  # fmt: skip
