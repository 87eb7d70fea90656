"""Policies of a customer."""

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw

NOTATIONS = tuple(f"0000beef-0000-4000-8000-00000000000{number}" for number in range(3))
_KINDS = {
    "current": 58, "expired": 16, "continuous": 5, "cancelled": 6, "non_renewed": 4, "future": 4, "submission": 5,
    "accounting": 2,
}  # fmt: skip
_STATUS = {"cancelled": "C", "non_renewed": "N"}
_SUB_TYPE = {"submission": "S", "accounting": "A"}


def add_policy(agency: Agency, draw: Draw, customer: Record, *, commercial: bool) -> None:
    """One term of one policy, in one of the states that a policy can be in."""
    kind = draw.weighted(tuple(_KINDS), tuple(_KINDS.values()))
    begun = {"expired": draw.between(366, 3000), "future": -draw.between(1, 60)}.get(kind, draw.between(0, 364))
    lines = draw.rng.sample(
        tuple(words.COMMERCIAL_LINES if commercial else words.PERSONAL_LINES), draw.weighted((1, 2), (80, 20))
    )
    policy: Record = {
        "CustomerId": customer["CustomerId"], "PolicyId": draw.guid(),
        "PolicyNumber": f"{draw.of(('PA', 'HO', 'GL', 'WC'))}{draw.of(('-', ' ', ''))}{draw.between(10**6, 10**7)}",
        "TypeOfBusiness": 2 if commercial else 1, "PolicyType": lines[0],
        "PolicyTypeOfBusiness": "CL" if commercial else "PL", "WritingCompanyCode": draw.of(tuple(words.COMPANIES)),
        "CompanyType": "W", "AccountExecCode": customer["AccountExecCode"],
        # The policy's own representative need not be the customer's.
        "AccountRepCode": draw.of(words.REPRESENTATIVE_CODES) if draw.chance(0.1) else customer["AccountRepCode"],
        "PolicyEffectiveDate": draw.day(begun),
        "PolicyExpirationDate": None if kind == "continuous" and draw.chance(0.5) else draw.day(begun - 365),
        "IsContinuous": kind == "continuous", "PolicyStatus": _STATUS.get(kind, "A"),
        "PolicySubType": _SUB_TYPE.get(kind, "P"), "BillMethod": draw.of(("D", "A")),
        "FullTermPremium": f"{draw.between(200, 20000)}.{draw.between(0, 99):02}",
        "IsMultiEntity": draw.chance(0.02), "PolicyNotationId": draw.of(NOTATIONS) if draw.chance(0.05) else None,
        "Description": "See schedule <attached> & notes" if draw.chance(0.05) else None,
        "LineOfBusinessList": {
            "PolicyLineOfBusiness": [
                {"LineOfBusinessId": draw.guid(), "PolicyLineOfBusiness": line, "SortOrderNumber": place}
                for place, line in enumerate(lines)
            ]
        },
    }  # fmt: skip
    for unit in words.UNITS:
        policy[f"GL{unit}Code"] = customer[f"GL{unit}Code"]
    if customer["AccountRepCode"] and draw.chance(0.2):
        policy["PersonnelList"] = {
            "PolicyPersonnel": [
                {"EmployeeCode": customer["AccountRepCode"], "EmployeeType": "R", "IsPrimary": True,
                 "PolicyId": policy["PolicyId"], "PolicyPersonnelId": draw.guid()}
            ]
        }  # fmt: skip
    agency.put("policies", policy)
