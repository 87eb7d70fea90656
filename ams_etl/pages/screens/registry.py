"""Every screen of the integration page, and the order of its navigation."""

from ams_etl.pages.screens import job, set_up, users
from ams_etl.pages.visit import Screen

SCREENS: list[Screen] = [*set_up.SCREENS, *users.SCREENS, *job.SCREENS]
