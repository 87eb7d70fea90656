"""BenefitPoint and AMS360 internally connected: a new account of one is a new customer of the other."""

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.benefitpoint.book import integration_of, name_of


class Connection:
    """Create customers from accounts; the agency's own watchers report them.

    Args:
        agency: where they go.
    """

    def __init__(self, agency: Agency) -> None:
        self._agency = agency

    def __call__(self, account: Record) -> None:
        """Make a customer, and write its ids into the account; a linked account and a marketing group make none."""
        if not (account.get("groupAccountInfo") or account.get("individualAccountInfo")):
            return
        link = integration_of(account)
        if link.get("amsCustomerId") or link.get("amsCustomerNumber"):
            return
        number = 1 + max((int(customer["CustomerNumber"]) for customer in self._agency.customers.values()), default=0)
        customer = {
            "CustomerId": self._agency.new_id(), "CustomerNumber": number, "IsActive": True, "IsBenefits": True,
            "CustomerType": "P" if account.get("accountType") == "Prospect" else "C",
            "DateCustomerAdded": f"{self._agency.today}T00:00:00", **_names(account),
        }  # fmt: skip
        self._agency.put("customers", customer)
        link.update(amsCustomerId=customer["CustomerId"], amsCustomerNumber=number)


def _names(account: Record) -> Record:
    person = (account.get("individualAccountInfo") or {}).get("personInfo")
    if person:
        return {"FirstName": person["firstName"], "LastName": person["lastName"], "IsPersonal": True,
                "Email": account["individualAccountInfo"].get("email")}  # fmt: skip
    return {"FirmName": name_of(account), "IsCommercial": True}
