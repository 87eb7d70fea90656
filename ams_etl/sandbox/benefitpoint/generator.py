"""Make a BenefitPoint brokerage out of a seed and the AMS360 agency beside it."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from ams_etl.sandbox.ams360.agency import Agency
from ams_etl.sandbox.benefitpoint.book import Book, Record, as_text, integration_of

T = TypeVar("T")
_OFFICES = (("Springfield", "Midwest"), ("Columbus", "Midwest"), ("Austin", "South"))
_USERS = (("Ana", "Reyes"), ("Ben", "Ito"), ("Carla", "Novak"), ("Dev", "Patel"), ("Eve", "O'Neil"))
_CARRIERS = ("Anthem", "Blue Cross & Blue Shield", "Delta Dental", "Guardian", "MetLife", "Principal", "VSP")
_PRODUCTS = (
    ("Medical", "Medical PPO", "Medical"), ("Dental", "Dental PPO", "Dental"), ("Vision", "Vision", "Vision"),
    ("Life", "Basic Life", "Life"), ("LTD", "Long Term Disability", "Long_Term_Disability"),
    ("STD", "Short Term Disability", "Short_Term_Disability"), ("401k", "401(k)", "Retirement_Products"),
)  # fmt: skip
_FIRMS = (
    "Aurora Dental Group",
    "Harbor Fitness LLC",
    "Juniper Software Inc.",
    "Quarry Road Brewing Co.",
    "Tidewater Clinic",
)
_PEOPLE = (("Greta", "Lindqvist"), ("Oscar", "Benítez"), ("Priya", "Raman"), ("Walter", "Kim"))
_STATES = {"IL": "Illinois", "OH": "Ohio", "TX": "Texas", "OR": "Oregon", "GA": "Georgia", "NY": "New_York",
           "MI": "Michigan", "FL": "Florida"}  # fmt: skip


class BookGenerator:
    """Generates one brokerage.

    Args:
        seed: decides everything.
        today: what dates are relative to.
    """

    def __init__(self, seed: int, today: date) -> None:
        self._rng = random.Random(f"benefitpoint:{seed}")  # noqa: S311
        self._today = today
        self._made = 0

    def book(self, agency: Agency) -> Book:
        """Accounts of about a seventh of the agency's customers, linked in every way there is, and some of its own.

        One in seven has neither id nor number though its name is the customer's; a few point at a customer that is
        not there, and two accounts claim one customer.
        """
        book = Book()
        self._reference(book)
        linked: list[Record] = []
        for customer in agency.customers.values():
            if self._rng.random() < (0.5 if customer.get("IsBenefits") else 0.14):
                account = self._of_customer(customer)
                self._link(account, customer)
                self._store(book, account)
                linked.append(account)
        for number in range(max(3, len(agency.customers) // 40)):
            self._store(book, self._own(number))
        if linked:
            double = self._of_customer(next(iter(agency.customers.values())))
            integration_of(double).update(integration_of(linked[0]))
            self._store(book, double)
        self._store(book, self._marketing_group())
        return book

    def _reference(self, book: Book) -> None:
        at = self._moment(900)
        for number, (name, region) in enumerate(_OFFICES, start=1):
            book.add("offices", {"officeID": number, "officeName": name, "regionName": region}, at)
        for number, (first, last) in enumerate(_USERS, start=1):
            user = {
                "ID": number, "username": f"{first}.{last}".lower(), "firstName": first, "lastName": last,
                "office": book.get("offices", 1 + number % len(_OFFICES)),
                "workPhone": None if number % 2 else {"areaCode": "217", "number": f"555-01{number:02}", "type": "Work"},
                "roles": [{"role": "Broker_User", "active": True,
                           "roleInformation": {"employeeID": f"E{number}", "ssn": self._secret()}}],
            }  # fmt: skip
            book.add("users", user, at)
        for number, name in enumerate(_CARRIERS, start=1):
            book.add("carriers", {"carrierID": number, "carrierName": name, "carrierAlias": None}, at)
        for number, (short, long, line) in enumerate(_PRODUCTS, start=1):
            kind = {"productTypeID": number, "shortDescription": short, "longDescription": long, "lineOfCoverage": line}
            book.add("product_types", kind, at)

    def _of_customer(self, customer: Record) -> Record:
        firm = customer.get("FirmName")
        first, last = customer.get("FirstName"), customer.get("LastName")
        account = self._account()
        account["mainAddress"] = self._address(customer)
        if firm or not (first and last):
            account["accountClassification"] = "Group"
            account["groupAccountInfo"] = self._group(firm or last or customer.get("DoingBusinessAs") or "Unnamed")
        else:
            account["accountClassification"] = "Individual"
            account["individualAccountInfo"] = self._individual(first.strip(), last.strip(), customer.get("Email"))
        return account

    def _own(self, number: int) -> Record:
        account = self._account()
        if number % 3:
            first, last = self._of(_PEOPLE)
            account["accountClassification"] = "Individual"
            account["individualAccountInfo"] = self._individual(first, f"{last}-{number}", f"own{number}@example.org")
        else:
            account["accountClassification"] = "Group"
            account["groupAccountInfo"] = self._group(f"{self._of(_FIRMS)} {number}")
        return account

    def _marketing_group(self) -> Record:
        return {
            **self._account(), "accountClassification": "Marketing_Group", "accountType": "Marketing_Group",
            "marketingGroupAccountInfo": {"marketingGroupName": "Prairie Employers Pool", "marketingGroupType": "Pool",
                                          "commonGroupAccountInfo": {"taxpayerID": self._secret()}},
        }  # fmt: skip

    def _account(self) -> Record:
        self._made += 1
        inactive = self._rng.random() < 0.06
        return {
            "accountID": 5000 + self._made, "active": not inactive,
            "inactiveReason": "Job_Completed" if inactive else "None_Selected",
            "accountType": self._rng.choices(("Client", "Prospect", "Other"), (80, 15, 5))[0],
            "officeID": 1 + self._made % len(_OFFICES), "departmentID": self._of((11, 12, None)),
            "administratorUserID": 1, "primaryContactUserID": 1 + self._made % len(_USERS),
            "primarySalesLeadUserID": self._of((2, 3, None)), "primaryServiceLeadUserID": self._of((4, 5, None)),
            "notes": self._of((None, "Renews with <all> lines & dental")),
        }  # fmt: skip

    def _group(self, name: str) -> Record:
        return {
            "accountName": name.strip(), "numberOfFTEs": self._rng.randint(2, 400), "businessType": "LLC",
            "requires5500": self._of(("None_Selected", "False", "True")),
            "commonGroupAccountInfo": {"taxpayerID": self._secret(), "website": self._of((None, "https://example.com"))},
            "accountIntegrationInfo": {},
        }  # fmt: skip

    def _individual(self, first: str, last: str, email: str | None) -> Record:
        return {
            "personInfo": {"firstName": first, "lastName": last, "gender": "None_Selected", "ssn": self._secret(),
                           "dateOfBirth": f"{self._today - timedelta(days=self._rng.randint(8000, 25000))}"},
            "email": email, "phone": self._phone(), "accountIntegrationInfo": {},
        }  # fmt: skip

    def _link(self, account: Record, customer: Record) -> None:
        """Return how this account refers to its customer, if it does."""
        info = integration_of(account)
        key, number = customer["CustomerId"], customer["CustomerNumber"]
        kind = self._rng.choices(("both", "id", "upper", "number", "none", "lost"), (50, 8, 6, 16, 15, 5))[0]
        if kind in {"both", "id", "upper", "lost"}:
            info["amsCustomerId"] = key.upper() if kind == "upper" else "0" * 8 + key[8:] if kind == "lost" else key
        if kind in {"both", "number"}:
            info["amsCustomerNumber"] = number

    def _store(self, book: Book, account: Record) -> None:
        at = self._moment(self._rng.randint(40, 2000))
        account["createdOn"] = at
        key = book.add("accounts", account, self._moment(self._rng.randint(1, 39)))
        if account["accountClassification"] == "Group":
            for place in range(self._rng.choices((0, 1, 2, 3), (20, 45, 25, 10))[0]):
                book.add("contacts", self._contact(key, place), at)
        for _ in range(self._rng.choices((0, 1, 2, 3), (20, 35, 30, 15))[0]):
            book.add("products", self._product(account), at)

    def _contact(self, account_id: int, place: int) -> Record:
        first, last = self._of(_PEOPLE)
        return {
            "contact": {"firstName": first, "lastName": last, "email": f"{first}.{account_id}.{place}@example.net".lower(),
                        "address": None, "phones": [self._phone() for _ in range(self._rng.randint(0, 2))]},
            "accountID": account_id, "title": self._of((None, "HR Manager", "CFO")), "primary": place == 0,
            "responsibilities": ["Benefits_Human_Resources"] if place == 0 else [],
        }  # fmt: skip

    def _product(self, account: Record) -> Record:
        begun = self._rng.randint(-60, 700)
        continuous = self._rng.random() < 0.12
        kind = self._rng.randrange(len(_PRODUCTS))
        effective = self._moment(begun)
        return {
            "accountID": account["accountID"], "productTypeID": kind + 1, "isAdditionalProduct": False,
            "productStatus": "Cancelled" if self._rng.random() < 0.08 else "Current" if begun < 365 else "Expired",
            "name": _PRODUCTS[kind][1], "carrierID": self._rng.randint(1, len(_CARRIERS)),
            "policyNumber": f"BP-{self._rng.randint(10**5, 10**6)}" if self._rng.random() < 0.85 else None,
            "policyOriginationReason": "New", "effectiveAsOf": effective,
            "renewalOn": None if continuous else self._moment(begun - 365), "continousPolicy": continuous,
            "billingType": self._of(("None_Selected", "Direct_Bill")), "officeID": account["officeID"],
            "primarySalesLeadUserID": 2, "primaryServiceLeadUserID": 4,
            "totalEstimatedMonthlyPremium": self._rng.randint(100, 90_000) / 4,
            "planInfo": {"stateList": ["Illinois"]}, "policyIntegrationInfo": {},
        }  # fmt: skip

    def _phone(self) -> Record | None:
        if self._rng.random() < 0.2:
            return None
        return {"areaCode": self._of(("217", "614")), "number": f"555-{self._rng.randint(0, 9999):04}", "type": "Work"}

    @staticmethod
    def _address(customer: Record) -> Record:
        return {
            "street1": customer.get("AddressLine1"), "street2": None, "city": customer.get("City"),
            "state": _STATES.get(customer.get("State") or "", "None_Selected"), "zip": customer.get("ZipCode"),
            "country": "United_States",
        }  # fmt: skip

    def _secret(self) -> str:
        return f"{self._rng.randint(900, 999)}-{self._rng.randint(10, 99)}-{self._rng.randint(1000, 9999)}"

    def _of(self, choices: Sequence[T]) -> T:
        return choices[int(self._rng.random() * len(choices))]

    def _moment(self, days_ago: int) -> str:
        return as_text(datetime.combine(self._today - timedelta(days=days_ago), time(12), UTC))
