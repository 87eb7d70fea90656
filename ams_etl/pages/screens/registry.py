"""Every screen of the integration page."""

from ams_etl.pages.screens import contact, contacts, job, missing, set_up, settings, users
from ams_etl.pages.visit import Screen

SCREENS: list[Screen] = [
    screen for room in (set_up, users, contacts, contact, missing, settings, job) for screen in room.SCREENS
]
