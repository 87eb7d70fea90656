"""An agency's `benefitpoint` block."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from ams_etl.rules.accounts.plan_codes import CodeMapping, PlanMappings
from ams_etl.settings.strict import CallsPerSecond, Concurrency, Seconds, Strict


class NewAccountSettings(Strict):
    """What BenefitPoint wants of a new account and the platform does not know (B7)."""

    office_id: int
    administrator_user_id: int
    primary_contact_user_id: int
    account_type: str = "Client"
    business_type: str = "None_Selected"


def _read_codes(given: Any) -> CodeMapping:
    if given is not None and not isinstance(given, Mapping | CodeMapping):
        raise ValueError("expected a mapping from names or ids of BenefitPoint to codes of AMS360")
    return given if isinstance(given, CodeMapping) else CodeMapping.of(given or {})


Codes = Annotated[CodeMapping, BeforeValidator(_read_codes)]


class BenefitPointSettings(Strict):
    """How to reach one agency's BenefitPoint."""

    wsdl: str
    login_wsdl: str
    endpoint: str | None = None
    """Where BrokerConnect answers, if not at the WSDL's address."""
    login_endpoint: str | None = None
    """Where LoginV2 answers, if not at its WSDL's address."""
    username: str
    password_env: str
    max_concurrency: Concurrency = 4
    calls_per_second: CallsPerSecond | None = None
    timeout_seconds: Seconds = 60.0
    new_accounts: NewAccountSettings | None = None
    """Without it the accounts that events create there wait."""
    contacts: bool = True
    """Whether accounts that BenefitPoint alone knows become contacts (B10)."""
    carriers: Codes = CodeMapping()
    """AMS360's companies by carrier (B5)."""
    lines_of_business: Codes = CodeMapping()
    """AMS360's lines of business by product type (B5)."""

    @property
    def plan_mappings(self) -> PlanMappings:
        """Both, as the rules read them."""
        return PlanMappings(self.carriers, self.lines_of_business)
