"""agencies.yaml and the environment, typed.

Here belong: where state lives, which agencies there are, what each one chose. Not here: what a choice means
(`ams_etl.rules`). Every mistake is a `ConfigError` that names the file, the path inside it and what was expected.
"""

from ams_etl.settings.agency import Agency
from ams_etl.settings.alerts import AlertSettings
from ams_etl.settings.brake import BrakeSettings
from ams_etl.settings.checks import CheckSettings
from ams_etl.settings.file import Agencies, load_agencies
from ams_etl.settings.inbound import EventSettings, InboundSettings, NotificationSettings
from ams_etl.settings.pages import PagesSettings
from ams_etl.settings.places import agencies_path, home
from ams_etl.settings.retention import RetentionSettings
from ams_etl.settings.schedule import ScheduleSettings
from ams_etl.settings.systems.ams360 import Ams360Settings
from ams_etl.settings.systems.benefitpoint import BenefitPointSettings, NewAccountSettings
from ams_etl.settings.systems.hawksoft import HawkSoftSettings
from ams_etl.settings.systems.mycase import MyCaseSettings
from ams_etl.settings.systems.qq_catalyst import QQCatalystSettings

__all__ = [
    "Agencies", "Agency", "AlertSettings", "Ams360Settings", "BenefitPointSettings", "BrakeSettings", "CheckSettings",
    "EventSettings", "HawkSoftSettings", "InboundSettings", "MyCaseSettings", "NewAccountSettings", "NotificationSettings",
    "PagesSettings", "QQCatalystSettings", "RetentionSettings", "ScheduleSettings", "agencies_path", "home", "load_agencies",
]  # fmt: skip
