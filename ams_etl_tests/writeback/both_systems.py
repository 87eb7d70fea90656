"""An agency with AMS360 and BenefitPoint, and its writeback, for tests.

`python -m ams_etl_tests.writeback.both_systems DATABASE WSDL URL` delivers in a process of its own, to be killed: it says
`ready` once it begins.
"""

import sys
from dataclasses import dataclass
from typing import Any

from ams_etl.settings import Agency, Ams360Settings, BenefitPointSettings, NewAccountSettings
from ams_etl.store.database import connect
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl.sync.scope import SyncScope
from ams_etl.writeback.drain.ams360 import drain
from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox
from ams_etl_tests.writeback.working_agency import QUICK, ZONE, Office

BENEFITPOINT = BenefitPointSettings(
    wsdl="unused",
    login_wsdl="unused",
    username="etl",
    password_env="UNUSED",
    new_accounts=NewAccountSettings(office_id=1, administrator_user_id=1, primary_contact_user_id=1),
)
AGENCY = Agency(
    id="demo",
    name="Demo",
    ams360=Ams360Settings(wsdl="unused", agency_no=AGENCY_NO, login_id="etl", password_env="UNUSED"),
    benefitpoint=BENEFITPOINT,
    writeback=QUICK,
)


@dataclass(frozen=True, slots=True)
class Both:
    """An agency with both systems."""

    office: Office
    sandbox: Sandbox

    def deliver(self) -> None:
        """As the job `writeback` does."""
        self.office.drain()
        drain_benefitpoint(
            self.office.connection, self.office.agency, self.sandbox.benefitpoint.connection(), linger_seconds=3.0
        )

    def named_too(self) -> "Both":
        """The same with settings that let last names be changed."""
        allowed = (*self.office.agency.writeback.properties, "last_name")
        return Both(self.office.with_settings(properties=allowed), self.sandbox)

    def sync(self) -> None:
        """Everything of both."""
        extract(self.office.connection, "demo", self.sandbox.connection(), SyncScope())
        extract_benefitpoint(self.office.connection, "demo", self.sandbox.benefitpoint.connection())
        publish_accounts(self.office.connection, "demo")

    def customers(self) -> list[dict[str, Any]]:
        return [customer for customer in self.office.state("customers") if customer.get("LastName") == "Brandt"]

    def accounts(self) -> list[dict[str, Any]]:
        return [account for account in self.sandbox.benefitpoint.rows("accounts") if last_name_of(account) == "Brandt"]


def last_name_of(account: dict[str, Any]) -> str | None:
    """Of an individual's account."""
    person = (account.get("individualAccountInfo") or {}).get("personInfo") or {}
    found: str | None = person.get("lastName")
    return found


def main() -> None:
    """Deliver to both; a claim lives for a second."""
    database, wsdl, url = sys.argv[1:4]
    sandbox = Sandbox(url, wsdl)
    with connect(database) as connection:
        print("ready", flush=True)
        drain(connection, AGENCY, sandbox.connection(), ZONE, linger_seconds=1.0, lease_seconds=1.0)
        drain_benefitpoint(connection, AGENCY, sandbox.benefitpoint.connection(), linger_seconds=1.0, lease_seconds=1.0)


if __name__ == "__main__":
    main()
