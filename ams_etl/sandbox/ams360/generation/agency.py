"""Make an agency out of a seed."""

from datetime import date

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.generation.names import name_firm, name_person
from ams_etl.sandbox.ams360.generation.people import add_contact, add_dependents
from ams_etl.sandbox.ams360.generation.policies import NOTATIONS, add_policy
from ams_etl.sandbox.ams360.generation.reference import add_reference
from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw

_QUESTION_IDS = tuple(f"0000a5c0-0000-4000-8000-00000000000{number}" for number in range(len(words.QUESTIONS)))


class Generator:
    """Generates one agency.

    Args:
        seed: decides everything.
        today: what dates are relative to, so that the agency does not age.
    """

    def __init__(self, seed: int, today: date) -> None:
        self._draw = Draw(seed, today)
        self._today = today

    def agency(self, agency_no: str, size: int, unlisted: int) -> Agency:
        """An agency of `size` customers, `unlisted` of them without any name that a prefix could find."""
        agency = Agency(agency_no, self._today)
        add_reference(agency, self._draw)
        number = 0
        for place in range(size):
            number += 1 if self._draw.chance(0.95) else self._draw.between(2, 4)
            # From the middle: a gap among the numbers, not before the first or after the last.
            self._add_customer(agency, number, unlisted=(place + size // 2) % size < unlisted)
        return agency

    def _add_customer(self, agency: Agency, number: int, *, unlisted: bool) -> None:
        draw = self._draw
        commercial = draw.chance(0.35) and not unlisted
        customer = self._customer(number, commercial=commercial)
        first, second, last = draw.first(), draw.first(), draw.last()
        if commercial:
            name_firm(draw, customer, first, last)
            customer["FederalTaxIdNumber"] = draw.secret() if draw.chance(0.6) else None
            customer["Email"] = draw.email("info", last) if draw.chance(0.5) else None
            draw.share_email(customer["Email"] if draw.chance(0.1) else None)
        else:
            name_person(draw, customer, first, second, last)
            self._add_personal_facts(customer, first, last)
        if unlisted:
            customer["LastName"] = customer["FirmName"] = customer["DoingBusinessAs"] = None
            customer["FirstName"] = first
        agency.put("customers", customer)
        if commercial:
            for _ in range(draw.weighted((0, 1, 2, 3, 4), (12, 30, 28, 20, 10))):
                add_contact(agency, draw, customer, draw.first(), draw.of((last, draw.last())))
        else:
            if draw.chance(0.36):
                add_dependents(agency, draw, customer, last)
            if draw.chance(0.4):
                add_contact(agency, draw, customer, second, last)
        for _ in range(draw.weighted((0, 1, 2, 3, 4), (22, 34, 24, 13, 7))):
            add_policy(agency, draw, customer, commercial=commercial)
        self._add_surroundings(agency, customer)

    def _customer(self, number: int, *, commercial: bool) -> Record:
        draw = self._draw
        city, state, postal = draw.of(words.CITIES)
        customer: Record = {
            "CustomerId": draw.guid(), "CustomerNumber": number, "IsActive": draw.chance(0.88),
            "CustomerType": draw.weighted("CPS", (80, 15, 5)), "IsBrokersCustomer": draw.chance(0.02),
            "AddressLine1": f"{draw.between(1, 9999)} {draw.of(words.STREETS)}" if draw.chance(0.9) else None,
            "AddressLine2": f"Apt {draw.between(1, 99)}" if draw.chance(0.15) else None,
            "City": city, "State": state, "ZipCode": postal, "County": "Lake" if draw.chance(0.2) else None,
            "Country": "USA" if draw.chance(0.3) else None,
            "AccountExecCode": draw.of(words.EXECUTIVE_CODES) if draw.chance(0.95) else None,
            "AccountRepCode": draw.of(words.REPRESENTATIVE_CODES) if draw.chance(0.95) else None,
            "GLDivisionCode": f"D{draw.between(0, 1)}", "GLBranchCode": f"B{draw.between(0, 2)}",
            "GLDepartmentCode": f"D{int(commercial)}", "GLGroupCode": f"G{draw.between(0, 1)}",
            "DateCustomerAdded": draw.day(draw.between(1, 6000)), "IsHealth": draw.chance(0.05),
            "IsBenefits": draw.chance(0.05), "IsFinancial": draw.chance(0.01), "IsLife": draw.chance(0.05),
            "IsNonPropertyAndCasualty": draw.chance(0.01), "IsSecured": False, "IsPersonal": False, "IsCommercial": False,
            "CustomerNotationId": draw.of(NOTATIONS) if draw.chance(0.1) else None,
        }  # fmt: skip
        # At most agencies the flags are unset for most customers.
        if draw.chance(0.4):
            customer["IsCommercial"], customer["IsPersonal"] = commercial, not commercial
        if draw.chance(0.02):
            customer["IsCommercial"] = customer["IsPersonal"] = True
        if customer["IsBrokersCustomer"]:
            customer["BrokerCode"] = "BR1"
        draw.phones(customer, "Extension", {"Business": 0.4, "Cell": 0.6, "Home": 0.4, "Fax": 0.1})
        return customer

    def _add_personal_facts(self, customer: Record, first: str, last: str) -> None:
        draw = self._draw
        born = (None, draw.day(draw.between(7000, 30000)), "0001-01-01T00:00:00", draw.day(-draw.between(1, 400)))
        customer["DateOfBirth"] = draw.weighted(born, (30, 66, 2, 2))
        customer["Email"] = draw.email(first, last)
        customer["FederalTaxIdNumber"] = draw.secret() if draw.chance(0.05) else None
        customer["Occupation"] = draw.of(words.OCCUPATIONS) if draw.chance(0.3) else None
        customer["MaritalStatus"] = draw.of("MS") if draw.chance(0.4) else None
        nameless = not (customer["FirstName"] or customer["LastName"] or customer.get("FirmName"))
        if nameless and draw.chance(0.5):
            customer["Email"] = customer["InformalSalutation"] = customer["FormalSalutation"] = None
        if draw.chance(0.05):
            draw.share_email(customer["Email"])

    def _add_surroundings(self, agency: Agency, customer: Record) -> None:
        draw = self._draw
        for kind, member in (("E", "AccountExecCode"), ("R", "AccountRepCode")):
            if customer[member] and draw.chance(0.3):
                agency.put("service_personnel", {
                    "EmployeeCode": customer[member], "TypeOfEmployee": kind, "TypeOfBusiness": 1, "IsPrimary": True,
                    "CustomerId": customer["CustomerId"],
                })  # fmt: skip
        if draw.chance(0.1):
            place = draw.between(0, len(words.QUESTIONS) - 1)
            agency.put("profile_answers", {
                "QuestionText": words.QUESTIONS[place], "AnswerText": draw.of(words.ANSWERS), "TypeOfBusiness": 1,
                "AnswerFormat": "T", "AnswerLength": 40, "CustomerId": customer["CustomerId"],
                "QuestionId": _QUESTION_IDS[place],
            })  # fmt: skip
