"""What the agency's records refer to: employees, companies, lines of business, units, value lists."""

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw


def add_reference(agency: Agency, draw: Draw) -> None:
    """Give the agency what every agency has."""
    for place, code in enumerate(words.EMPLOYEE_CODES):
        agency.put("employees", _employee(draw, place, code))
    agency.companies = [
        {"CompanyCode": code, "Name": name, "ShortName": code, "CompanyType": "W", "IsInactive": place == 8,
         "NAICCompanyCode": str(10000 + place)}
        for place, (code, name) in enumerate({**words.COMPANIES, **words.BENEFITS_COMPANIES}.items())
    ]  # fmt: skip
    agency.lines_of_business = [
        {"LineOfBusinessCode": code, "Description": name, "IsInactive": False, "TypeOfBusinessCode": kind}
        for kind, lines in ((1, words.PERSONAL_LINES), (2, words.COMMERCIAL_LINES), (3, words.BENEFITS_LINES))
        for code, name in lines.items()
    ]
    for kind, names in words.UNITS.items():
        agency.units[kind] = [
            {f"GL{kind}Code": f"{kind[0]}{place}", "Name": name, "ShortName": name[:6], "IsInactive": False}
            for place, name in enumerate(names)
        ]
    agency.value_lists = {
        name: [{"Code": code, "Description": text} for code, text in values.items()]
        for name, values in words.VALUE_LISTS.items()
    }


def _employee(draw: Draw, place: int, code: str) -> Record:
    first, last = draw.first(), draw.last()
    employee: Record = {
        "EmployeeCode": code, "FirstName": first, "LastName": last,
        "ShortName": None if place % 7 == 3 else f"{first[0]}{last[:2]}".upper(),
        # People leave, and their customers keep their codes.
        "EmployeeStatus": "I" if place % 6 == 5 else "A",
        "Executive": code in words.EXECUTIVE_CODES, "Representative": code in words.REPRESENTATIVE_CODES,
        "SalesCenterRepresentative": False, "Other": place % 12 == 0, "LogDownloadSuspense": False, "TimeZone": 1,
        "Email": f"employee{place}@example.com" if place % 5 else None, "EmployeeTitle": draw.of(words.TITLES),
        "BusinessUnitList": {"BusinessUnit": [{"GLDivisionCode": f"D{place % 2}", "GLBranchCode": f"B{place % 3}"}]},
    }  # fmt: skip
    draw.phones(employee, "Extension", {"Business": 0.8, "Cell": 0.4, "Home": 0.1})
    return employee
