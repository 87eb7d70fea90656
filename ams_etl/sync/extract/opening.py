"""From an agency's settings to its system, open for reading."""

from datetime import timedelta

from ams_etl.settings import Agencies, Agency
from ams_etl.sources.hawksoft import HawkSoftConnection
from ams_etl.sources.mycase import MyCaseConnection
from ams_etl.sources.qq_catalyst import QQCatalystConnection
from ams_etl.store.oauth_tokens import PostgresTokens
from ams_etl.sync.extract.extractor import Opening
from ams_etl.sync.extract.hawksoft import open_hawksoft_extractor
from ams_etl.sync.extract.mycase import mycase_opening
from ams_etl.sync.extract.qq_catalyst import open_qq_catalyst_extractor


def opening_of(agencies: Agencies, agency: Agency, database_url: str) -> tuple[Opening, timedelta]:
    """What opens an agency's extractor, and the overlap of its changes; not for AMS360, which has a way of its own.

    Args:
        agencies: the file, for secrets.
        agency: one of its agencies.
        database_url: where granted tokens are kept.

    Raises:
        ConfigError: a secret is not set, or the agency has AMS360.
    """
    match agency.system:
        case "hawksoft":
            hawksoft = hawksoft_connection(agencies, agency)
            return lambda: open_hawksoft_extractor(hawksoft), timedelta(minutes=agency.hawksoft.overlap_minutes)
        case "qq_catalyst":
            qq = qq_catalyst_connection(agencies, agency)
            return lambda: open_qq_catalyst_extractor(qq), timedelta(minutes=agency.qq_catalyst.overlap_minutes)
        case _:
            mycase, tokens = mycase_connection(agencies, agency), mycase_tokens(agencies, agency, database_url)
            return mycase_opening(mycase, tokens), timedelta(minutes=agency.mycase.overlap_minutes)


def hawksoft_connection(agencies: Agencies, agency: Agency) -> HawkSoftConnection:
    """How to reach an agency's HawkSoft.

    Raises:
        ConfigError: it has another system, or the secret is not set.
    """
    settings = agency.hawksoft
    return HawkSoftConnection(
        agency_id=settings.agency_id,
        client_id=settings.client_id,
        client_secret=agencies.secret(agency, "hawksoft.client_secret_env", settings.client_secret_env),
        base=settings.base,
        version=settings.version,
        max_concurrency=settings.max_concurrency,
        calls_per_second=settings.calls_per_second,
        timeout_seconds=settings.timeout_seconds,
    )


def qq_catalyst_connection(agencies: Agencies, agency: Agency) -> QQCatalystConnection:
    """How to reach an agency's QQ Catalyst.

    Raises:
        ConfigError: it has another system, or a secret is not set.
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
        max_concurrency=settings.max_concurrency,
        calls_per_second=settings.calls_per_second,
        timeout_seconds=settings.timeout_seconds,
    )


def mycase_connection(agencies: Agencies, agency: Agency) -> MyCaseConnection:
    """How to reach a firm's MyCase.

    Raises:
        ConfigError: it has another system, or the secret is not set.
    """
    settings = agency.mycase
    return MyCaseConnection(
        client_id=settings.client_id,
        client_secret=agencies.secret(agency, "mycase.client_secret_env", settings.client_secret_env),
        redirect_uri=settings.redirect_uri,
        base=settings.base,
        login_base=settings.login_base,
        max_concurrency=settings.max_concurrency,
        calls_per_second=settings.calls_per_second,
        timeout_seconds=settings.timeout_seconds,
    )


def mycase_tokens(agencies: Agencies, agency: Agency, database_url: str) -> PostgresTokens:
    """Where a firm's granted tokens are kept.

    Raises:
        ConfigError: it has another system, or the key is not set or none.
    """
    variable = agency.mycase.token_key_env
    key = agencies.secret(agency, "mycase.token_key_env", variable)
    return PostgresTokens(database_url, agency.id, "mycase", key, variable)
