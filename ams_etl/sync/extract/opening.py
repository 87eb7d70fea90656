"""From an agency's settings to its system, open for reading."""

from datetime import timedelta

from ams_etl.settings import Agencies, Agency
from ams_etl.sources.connections import hawksoft_connection, mycase_connection, qq_catalyst_connection
from ams_etl.store.logins.login_refusals import PostgresLoginGate
from ams_etl.store.logins.oauth_tokens import mycase_tokens
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
            qq = qq_catalyst_connection(agencies, agency, PostgresLoginGate(database_url, agency.id, "qq_catalyst"))
            return lambda: open_qq_catalyst_extractor(qq), timedelta(minutes=agency.qq_catalyst.overlap_minutes)
        case _:
            mycase, tokens = mycase_connection(agencies, agency), mycase_tokens(agencies, agency, database_url)
            return mycase_opening(mycase, tokens), timedelta(minutes=agency.mycase.overlap_minutes)
