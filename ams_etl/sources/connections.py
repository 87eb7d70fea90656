"""Build the connection to each remote system from an agency's settings, its secrets read from the environment."""

from typing import Protocol, TypedDict

from ams_etl.errors import ConfigError
from ams_etl.settings import Agencies, Agency, home
from ams_etl.sources.ams360 import Ams360Connection
from ams_etl.sources.benefitpoint.client import BenefitPointConnection
from ams_etl.sources.calling.across_processes import AcrossProcesses
from ams_etl.sources.calling.login_gate import LoginGate
from ams_etl.sources.hawksoft import HawkSoftConnection
from ams_etl.sources.mycase import MyCaseConnection
from ams_etl.sources.qq_catalyst import QQCatalystConnection


class _Pace(TypedDict):
    max_concurrency: int
    calls_per_second: float | None
    timeout_seconds: float


class _Paced(Protocol):
    @property
    def max_concurrency(self) -> int: ...
    @property
    def calls_per_second(self) -> float | None: ...
    @property
    def timeout_seconds(self) -> float: ...


def _pace(settings: _Paced) -> _Pace:
    """Return how fast a system may be asked, which every system's settings say in the same words."""
    return {
        "max_concurrency": settings.max_concurrency,
        "calls_per_second": settings.calls_per_second,
        "timeout_seconds": settings.timeout_seconds,
    }


def ams360_connection(agencies: Agencies, agency: Agency, shared: AcrossProcesses | None = None) -> Ams360Connection:
    """Return the connection to the agency's AMS360.

    Raises:
        ConfigError: the agency uses another system, or the password is not set.
    """
    settings = agency.ams360
    return Ams360Connection(
        wsdl=settings.wsdl,
        agency_no=settings.agency_no,
        login_id=settings.login_id,
        password=agencies.secret(agency, "ams360.password_env", settings.password_env),
        employee_code=settings.employee_code,
        **_pace(settings),
        cache_folder=home() / "cache",
        shared=shared,
    )


def benefitpoint_connection(
    agencies: Agencies, agency: Agency, shared: AcrossProcesses | None = None
) -> BenefitPointConnection:
    """Return the connection to the agency's BenefitPoint.

    Raises:
        ConfigError: the agency has no BenefitPoint, or the password is not set.
    """
    settings = agency.benefitpoint
    if settings is None:
        raise ConfigError(
            f"{agencies.path}: agencies.{agency.id}.benefitpoint: expected wsdl, login_wsdl, username and password_env"
        )
    return BenefitPointConnection(
        wsdl=settings.wsdl,
        login_wsdl=settings.login_wsdl,
        endpoint=settings.endpoint,
        login_endpoint=settings.login_endpoint,
        username=settings.username,
        password=agencies.secret(agency, "benefitpoint.password_env", settings.password_env),
        **_pace(settings),
        cache_folder=home() / "cache",
        shared=shared,
    )


def hawksoft_connection(agencies: Agencies, agency: Agency) -> HawkSoftConnection:
    """Return the connection to the agency's HawkSoft.

    Raises:
        ConfigError: the agency uses another system, or the secret is not set.
    """
    settings = agency.hawksoft
    return HawkSoftConnection(
        agency_id=settings.agency_id,
        client_id=settings.client_id,
        client_secret=agencies.secret(agency, "hawksoft.client_secret_env", settings.client_secret_env),
        base=settings.base,
        version=settings.version,
        **_pace(settings),
    )


def qq_catalyst_connection(
    agencies: Agencies, agency: Agency, login_gate: LoginGate | None = None
) -> QQCatalystConnection:
    """Return the connection to the agency's QQ Catalyst.

    Raises:
        ConfigError: the agency uses another system, or a secret is not set.
    """
    settings = agency.qq_catalyst
    return QQCatalystConnection(
        username=settings.username,
        password=agencies.secret(agency, "qq_catalyst.password_env", settings.password_env),
        client_id=settings.client_id,
        client_secret=agencies.secret(agency, "qq_catalyst.client_secret_env", settings.client_secret_env),
        base=settings.base,
        login_base=settings.login_base,
        grant_type=settings.grant_type,
        **_pace(settings),
        login_gate=login_gate,
    )


def mycase_connection(agencies: Agencies, agency: Agency) -> MyCaseConnection:
    """Return the connection to the firm's MyCase, without its tokens (see `ams_etl.store.logins.oauth_tokens`).

    Raises:
        ConfigError: the agency uses another system, or the secret is not set.
    """
    settings = agency.mycase
    return MyCaseConnection(
        client_id=settings.client_id,
        client_secret=agencies.secret(agency, "mycase.client_secret_env", settings.client_secret_env),
        redirect_uri=settings.redirect_uri,
        base=settings.base,
        login_base=settings.login_base,
        **_pace(settings),
    )
