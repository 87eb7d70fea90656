"""Every screen of the integration page."""

from ams_etl.pages.screens import contact, contacts, job, set_up, users
from ams_etl.pages.visit import Screen

SCREENS: list[Screen] = [screen for room in (set_up, users, contacts, contact, job) for screen in room.SCREENS]
