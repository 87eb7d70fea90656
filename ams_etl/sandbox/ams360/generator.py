"""Make an agency out of a seed: as messy as real ones are, the same for the same seed, size and day."""

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from ams_etl.sandbox.ams360 import vocabulary as words
from ams_etl.sandbox.ams360.agency import Agency, Record

_NOTATIONS = tuple(str(UUID(int=(0xBEEF << 112) | (4 << 76) | (2 << 62) | number)) for number in range(3))


class Generator:
    """Generates one agency.

    Args:
        seed: decides everything.
        today: what dates are relative to, so that the agency does not age.
    """

    def __init__(self, seed: int, today: date) -> None:
        self._rng = random.Random(seed)  # noqa: S311
        self._today = today
        self._shared_emails: list[str] = []
        self._representatives = [code for place, code in enumerate(words.EMPLOYEE_CODES) if place % 3]

    def agency(self, agency_no: str, size: int, unlisted: int) -> Agency:
        """An agency of `size` customers, `unlisted` of them without any name that a prefix could find."""
        agency = Agency(agency_no)
        self._reference(agency)
        number = 0
        for at in range(size):
            number += 1 if self._rng.random() < 0.95 else self._rng.randint(2, 4)
            self._customer(agency, number, unlisted=at < unlisted)
        agency.version += 1
        return agency

    def _reference(self, agency: Agency) -> None:
        rng = self._rng
        for place, code in enumerate(words.EMPLOYEE_CODES):
            first, last = rng.choice(words.FIRST), rng.choice(words.LAST)
            agency.employees[code] = {
                "EmployeeCode": code, "FirstName": first, "LastName": last,
                "ShortName": None if place % 7 == 3 else f"{first[0]}{last[:2]}".upper(),
                "EmployeeStatus": "I" if place % 6 == 5 else "A", "Executive": place % 2 == 0,
                "Representative": place % 3 != 0, "SalesCenterRepresentative": False, "Other": False,
            }  # fmt: skip
        agency.companies = [
            {"CompanyCode": code, "Name": name, "ShortName": code, "CompanyType": "W", "IsInactive": False,
             "NAICCompanyCode": str(10000 + place), "ParentCompanyCode": None}
            for place, (code, name) in enumerate(words.COMPANIES.items())
        ]  # fmt: skip
        agency.lines_of_business = [
            {"LineOfBusinessCode": code, "Description": name, "IncomeGroup": None, "IsInactive": False,
             "TypeOfBusinessCode": 1 if code in words.PERSONAL_LINES else 2}
            for code, name in words.LINES.items()
        ]  # fmt: skip
        for kind, names in (
            ("Division", ("Main Street Agency", "Benefits")), ("Branch", ("Downtown", "North Side", "Online")),
            ("Department", ("Personal Lines", "Commercial Lines")), ("Group", ("House", "Acquired 2019")),
        ):  # fmt: skip
            agency.units[kind] = [
                {f"GL{kind}Code": f"{kind[0]}{place}", "Name": name, "ShortName": name[:6], "IsInactive": False}
                for place, name in enumerate(names)
            ]
        agency.value_lists = {
            "CustomerType": _values("C:Customer", "P:Prospect", "S:Suspect"),
            "PolicyStatus": _values("A:Active", "C:Cancelled", "N:Non-renewed"),
            "TransactionType": _values("NBS:New business", "REN:Renewal", "XLC:Cancellation", "END:Endorsement"),
        }

    def _customer(self, agency: Agency, number: int, *, unlisted: bool) -> None:
        rng = self._rng
        commercial = rng.random() < 0.35 and not unlisted
        customer_id = self._guid()
        city, state, postal = rng.choice(words.CITIES)
        customer: Record = {
            "CustomerId": customer_id, "CustomerNumber": number, "IsActive": rng.random() < 0.88,
            "CustomerType": rng.choices("CPS", (80, 15, 5))[0], "IsBrokersCustomer": rng.random() < 0.02,
            "AddressLine1": f"{rng.randint(1, 9999)} {rng.choice(words.STREETS)}" if rng.random() < 0.9 else None,
            "AddressLine2": f"Apt {rng.randint(1, 99)}" if rng.random() < 0.15 else "",
            "City": city, "State": state, "ZipCode": postal, "Country": "USA" if rng.random() < 0.3 else None,
            "AccountExecCode": rng.choice(words.EMPLOYEE_CODES[::2]) if rng.random() < 0.95 else None,
            "AccountRepCode": rng.choice(self._representatives) if rng.random() < 0.95 else None,
            "GLDivisionCode": f"D{rng.randrange(2)}", "GLBranchCode": f"B{rng.randrange(3)}",
            "GLDepartmentCode": f"D{int(commercial)}", "GLGroupCode": f"G{rng.randrange(2)}",
            "DateCustomerAdded": self._day(rng.randint(1, 6000)), "IsHealth": rng.random() < 0.05,
            "IsBenefits": rng.random() < 0.05, "IsFinancial": False, "IsLife": rng.random() < 0.05,
            "IsNonPropertyAndCasualty": False, "IsSecured": False, "IsPersonal": False, "IsCommercial": False,
            "CustomerNotationId": rng.choice(_NOTATIONS) if rng.random() < 0.1 else None,
        }  # fmt: skip
        # At most agencies the flags are unset for most customers.
        if rng.random() < 0.4:
            customer["IsCommercial"], customer["IsPersonal"] = commercial, not commercial
        if rng.random() < 0.02:
            customer["IsCommercial"] = customer["IsPersonal"] = True
        self._phones(customer, (("Business", "Extension", 0.4), ("Cell", "Extension", 0.6), ("Home", "Extension", 0.4)))
        (self._firm if commercial else self._person)(agency, customer)
        if unlisted:
            customer["LastName"] = customer["FirmName"] = customer["DoingBusinessAs"] = None
            customer["FirstName"] = customer.get("FirstName") or "Cher"
        agency.customers[customer_id] = customer
        for _ in range(rng.choices((0, 1, 2, 3, 4), (22, 36, 24, 12, 6))[0]):
            self._policy(agency, customer, commercial)

    def _person(self, agency: Agency, customer: Record) -> None:
        rng = self._rng
        first, last = rng.choice(words.FIRST), self._last()
        second = rng.choice(words.FIRST)
        customer["LastName"] = last
        shape = rng.random()
        if shape < 0.08:
            customer["FirstName"] = f"{first}{rng.choice((' & ', ' and ', ' + ', ' &/or ', '&'))}{second}"
        elif shape < 0.16 and first in words.NICKNAMES:
            customer["FirstName"] = f"{first} ({words.NICKNAMES[first]})"
        elif shape < 0.19:
            customer["FirstName"] = f"{first} {rng.choice(words.MARKS)}"
        elif shape < 0.21:
            customer["FirstName"], customer["LastName"] = f"{first} {last} & {second} {self._last()}", None
            customer["FirmName"] = None
        elif shape < 0.24:
            customer["FirstName"], customer["LastName"] = None, None
            customer["FirmName"], customer["IsPersonal"] = f"{first} & {second} {last}", True
        elif shape < 0.26:
            customer["FirstName"] = None
        elif shape < 0.28:
            customer["FirstName"], customer["LastName"] = None, rng.choice((None, last))
        elif shape < 0.33:
            customer["FirstName"], customer["LastName"] = first.upper(), last.upper()
        else:
            customer["FirstName"] = f"{first} {rng.choice('ABCDEFGH')}." if rng.random() < 0.15 else first
        if rng.random() < 0.04 and customer["LastName"]:
            customer["LastName"] += f" {rng.choice(words.SUFFIXES)}"
        if rng.random() < 0.3:
            customer["InformalSalutation"] = rng.choice(
                (words.NICKNAMES.get(first, first), f"{first} and {second} {last}", first)
            )
        if rng.random() < 0.3:
            customer["FormalSalutation"] = rng.choice(
                (f"Mr. {last}", f"Mr. and Mrs. {first} {last}", f"Dr. {first} {last}")
            )
        customer["DateOfBirth"] = rng.choices(
            (None, self._day(rng.randint(7000, 30000)), "0001-01-01T00:00:00", self._day(-rng.randint(1, 400))),
            (30, 66, 2, 2),
        )[0]
        customer["Email"] = self._email(first, last)
        customer["FederalTaxIdNumber"] = self._secret() if rng.random() < 0.05 else None
        if customer["FirstName"] is None and customer["LastName"] is None and not customer.get("FirmName"):
            customer["DoingBusinessAs"] = None if rng.random() < 0.2 else f"{last} Household"
        if rng.random() < 0.25:
            self._dependent(agency, customer, last)
        if rng.random() < 0.08:
            self._contact(agency, customer, second, last)

    def _firm(self, agency: Agency, customer: Record) -> None:
        rng = self._rng
        last = self._last()
        firm = rng.choice(words.ODD_FIRMS) if rng.random() < 0.06 else (
            f"{last} {rng.choice(words.FIRMS)} {rng.choice(words.FIRM_ENDINGS)}".strip()
        )  # fmt: skip
        customer["FirmName"] = firm
        customer["DoingBusinessAs"] = f"{rng.choice(words.LAST)}'s" if rng.random() < 0.15 else None
        customer["FederalTaxIdNumber"] = self._secret() if rng.random() < 0.6 else None
        customer["Email"] = self._email("info", last) if rng.random() < 0.5 else None
        if rng.random() < 0.1:
            customer["FirstName"], customer["LastName"] = rng.choice(words.FIRST), last
            customer["IsCommercial"] = True
        for _ in range(rng.choices((0, 1, 2, 3, 4), (20, 35, 25, 15, 5))[0]):
            self._contact(agency, customer, rng.choice(words.FIRST), rng.choice((last, self._last())))

    def _contact(self, agency: Agency, customer: Record, first: str, last: str) -> None:
        rng = self._rng
        contact: Record = {
            "CustomerId": customer["CustomerId"], "CustomerContactId": self._guid(),
            "ContactName": rng.choices(
                (f"{first} {last}", f"{last}, {first}", f"{first}", None, f"{first} ({words.NICKNAMES.get(first, 'Ace')}) {last}"),
                (60, 20, 8, 5, 7),
            )[0],
            "Title": rng.choice(words.TITLES), "IsOfficer": rng.random() < 0.2, "IsDirector": False,
            "EmailAddress": self._email(first, last) if rng.random() < 0.65 else None,
            "SortOrder": rng.randint(1, 5) if rng.random() < 0.6 else None, "CustomerCenterDisplay": True,
            "City": customer["City"] if rng.random() < 0.3 else None,
        }  # fmt: skip
        self._phones(contact, (("Business", "Ext", 0.4), ("Mobile", "Ext", 0.4), ("Residence", "Ext", 0.1)))
        agency.put("customer_contacts", contact)

    def _dependent(self, agency: Agency, customer: Record, last: str) -> None:
        rng = self._rng
        first = rng.choice(words.FIRST)
        dependent: Record = {
            "CustomerId": customer["CustomerId"], "DependentId": self._guid(), "FirstName": first,
            "LastName": rng.choice((last, last, None)), "Relationship": rng.choice(words.RELATIONSHIPS),
            "DOB": self._day(rng.randint(1000, 30000)) if rng.random() < 0.7 else None, "SSN": self._secret(),
            "DriversLicense": f"D{rng.randint(10**6, 10**7)}" if rng.random() < 0.5 else None,
            "Email": self._email(first, last) if rng.random() < 0.4 else None,
        }  # fmt: skip
        self._phones(dependent, (("Mobile", "Ext", 0.3),))
        agency.put("customer_dependents", dependent)

    def _policy(self, agency: Agency, customer: Record, commercial: bool) -> None:
        rng = self._rng
        kind = rng.choices(("current", "expired", "continuous", "cancelled", "non_renewed", "future", "submission", "accounting"),
                           (58, 16, 5, 6, 4, 4, 5, 2))[0]  # fmt: skip
        begun = {"expired": rng.randint(400, 3000), "future": -rng.randint(1, 60)}.get(kind, rng.randint(0, 364))
        lines = rng.sample(
            words.COMMERCIAL_LINES if commercial else words.PERSONAL_LINES, rng.choices((1, 2), (80, 20))[0]
        )
        agency.put(
            "policies",
            {
                "CustomerId": customer["CustomerId"], "PolicyId": self._guid(),
                "PolicyNumber": f"{rng.choice(('PA', 'HO', 'GL', 'WC'))}{rng.choice(('-', ' ', ''))}{rng.randint(10**6, 10**7)}",
                "TypeOfBusiness": 2 if commercial else 1, "PolicyType": lines[0],
                "PolicyTypeOfBusiness": "CL" if commercial else "PL",
                "WritingCompanyCode": rng.choice(tuple(words.COMPANIES)), "CompanyType": "W",
                "AccountExecCode": customer["AccountExecCode"], "AccountRepCode": customer["AccountRepCode"],
                "PolicyEffectiveDate": self._day(begun),
                "PolicyExpirationDate": None if kind == "continuous" and rng.random() < 0.5 else self._day(begun - 365),
                "IsContinuous": kind == "continuous",
                "PolicyStatus": {"cancelled": "C", "non_renewed": "N"}.get(kind, "A"),
                "PolicySubType": {"submission": "S", "accounting": "A"}.get(kind, "P"),
                "GLDivisionCode": customer["GLDivisionCode"], "GLBranchCode": customer["GLBranchCode"],
                "GLDepartmentCode": customer["GLDepartmentCode"], "GLGroupCode": customer["GLGroupCode"],
                "BillMethod": "D", "FullTermPremium": f"{rng.randint(200, 20000)}.{rng.randint(0, 99):02}",
                "IsMultiEntity": rng.random() < 0.02,
                "LineOfBusinessList": {
                    "PolicyLineOfBusiness": [
                        {"LineOfBusinessId": self._guid(), "PolicyLineOfBusiness": line, "SortOrderNumber": place}
                        for place, line in enumerate(lines)
                    ]
                },
            },
        )  # fmt: skip

    def _email(self, first: str, last: str) -> str | None:
        rng = self._rng
        chance = rng.random()
        if chance < 0.12:
            return None
        if chance < 0.22 and self._shared_emails:
            return rng.choice(self._shared_emails[-40:])
        if chance < 0.24:
            return rng.choice(("none", "n/a", "bob@", "@example.com", "unknown@unknown"))
        name = "".join(
            letter for letter in f"{first}.{last}".lower() if letter.isascii() and (letter.isalnum() or letter == ".")
        )
        address = f"{name.strip('.')}{rng.randint(1, 999999)}@example{rng.choice(('.com', '.net', '.org'))}"
        if chance < 0.27:
            return f"{address}{rng.choice(('; ', ', ', ' '))}second.{address}"
        if chance < 0.37:
            self._shared_emails.append(address)
        return address.upper() if chance < 0.40 else address

    def _phones(self, record: Record, kinds: tuple[tuple[str, str, float], ...]) -> None:
        rng = self._rng
        for kind, extension, chance in kinds:
            if rng.random() >= chance:
                continue
            exchange, line = rng.randint(200, 999), rng.randint(0, 9999)
            shape = rng.random()
            record[f"{kind}AreaCode"] = rng.choice(words.AREA_CODES) if shape < 0.9 else None
            record[f"{kind}Phone"] = (
                f"{exchange}-{line:04}" if shape < 0.6 else f"{exchange}{line:04}" if shape < 0.85
                else f"{exchange}-{line:04} x{rng.randint(1, 99)}" if shape < 0.95 else "unlisted"
            )  # fmt: skip
            record[f"{kind}{extension}"] = str(rng.randint(1, 500)) if rng.random() < 0.05 else ""

    def _last(self) -> str:
        return self._rng.choice(words.PARTICLED) if self._rng.random() < 0.04 else self._rng.choice(words.LAST)

    def _day(self, ago: int) -> str:
        return f"{self._today - timedelta(days=ago)}T00:00:00"

    def _guid(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def _secret(self) -> str:
        return f"{self._rng.randint(100, 999)}-{self._rng.randint(10, 99)}-{self._rng.randint(1000, 9999)}"


def _values(*pairs: str) -> list[dict[str, Any]]:
    return [dict(zip(("Code", "Description"), pair.split(":"), strict=True)) for pair in pairs]
