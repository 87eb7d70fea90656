"""An agency with AMS360 and BenefitPoint as the integration's document has it: people save, syncs come by."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import Agency as AgencySettings
from ams_etl.settings import Ams360Settings
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox, running_sandbox
from ams_etl_tests.sync.source_history import refresh
from ams_etl_tests.writeback.working_agency import QUICK

TODAY = date(2026, 11, 21)
SETTINGS = AgencySettings(
    id="demo",
    name="Demo",
    ams360=Ams360Settings(wsdl="unused", agency_no=AGENCY_NO, login_id="etl", password_env="UNUSED"),
    writeback=QUICK,
)
PERSON: dict[str, Any] = {
    "accountClassification": "Individual", "accountType": "Client", "officeID": 2, "departmentID": 11,
    "administratorUserID": 1, "primaryContactUserID": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agency:
    """Both systems and one warehouse."""

    sandbox: Sandbox
    connection: psycopg.Connection[Any]
    rules: RuleSettings = field(default_factory=lambda: RuleSettings(benefitpoint_contacts=True))

    def hear_of(self, customer_id: str) -> None:
        """AMS360's real-time sync of one customer."""
        extract(self.connection, "demo", self.sandbox.connection(), SyncScope((customer_id,)))
        self.publish()

    def daily_sync(self) -> None:
        """BenefitPoint's daily sync."""
        extract_benefitpoint(self.connection, "demo", self.sandbox.benefitpoint.connection())
        self.publish()

    def publish(self) -> None:
        """Contacts, accounts and policies, as every job does."""
        refresh(self.connection, self.rules, TODAY, agency="demo")
        publish_accounts(self.connection, "demo")
        publish_policies(self.connection, "demo")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, values).fetchall()

    def accounts_named(self, name: str) -> list[tuple[Any, ...]]:
        return self.rows(
            """select account_id, ams360_synced, benefitpoint_synced, ams360_customer_id, benefitpoint_account_id
            from mart.accounts where name = %s order by 2 desc""",
            name,
        )

    def new_customer(self) -> str:
        """A person saved in AMS360."""
        key = self.sandbox.edit(
            "customers", "insert", FirstName="Nora", LastName="Quist", Email="nora@example.org", IsPersonal=True,
            CustomerType="C", IsActive=True, City="Tampa",
        )  # fmt: skip
        assert key is not None
        return key

    def new_account(self, customer_id: str | None = None, **info: Any) -> int:
        """A person saved in BenefitPoint, as `Does the account already exist in AMS 360?` was answered."""
        individual = {
            "personInfo": {"firstName": "Nora", "lastName": "Quist"}, "email": "other@example.org",
            "accountIntegrationInfo": {"amsCustomerId": customer_id} if customer_id else {}, **info,
        }  # fmt: skip
        return self.sandbox.benefitpoint.edit("accounts", "insert", **PERSON, individualAccountInfo=individual)


@contextmanager
def running_agency(connection: psycopg.Connection[Any]) -> Iterator[Agency]:
    """A small one, both systems read once."""
    with running_sandbox(size=40, more=("--benefitpoint",)) as sandbox:
        extract(connection, "demo", sandbox.connection(), SyncScope())
        extract_reference(connection, "demo", sandbox.connection())
        made = Agency(sandbox, connection)
        made.daily_sync()
        yield made
