"""An agency's `benefitpoint` block."""

from ams_etl.settings.strict import CallsPerSecond, Concurrency, Seconds, Strict


class NewAccountSettings(Strict):
    """What BenefitPoint wants of a new account and the platform does not know (B7)."""

    office_id: int
    administrator_user_id: int
    primary_contact_user_id: int
    account_type: str = "Client"
    business_type: str = "None_Selected"


class BenefitPointSettings(Strict):
    """How to reach one agency's BenefitPoint."""

    wsdl: str
    login_wsdl: str
    username: str
    password_env: str
    max_concurrency: Concurrency = 4
    calls_per_second: CallsPerSecond | None = None
    timeout_seconds: Seconds = 60.0
    new_accounts: NewAccountSettings | None = None
    """Without it no event can create an account there."""
