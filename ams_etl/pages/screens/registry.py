"""Every screen of the integration page."""

from ams_etl.pages.screens import (
    accounts,
    contact,
    contacts,
    job,
    log,
    lookup,
    missing,
    overview,
    plan,
    set_up,
    settings,
    users,
    writeback,
)
from ams_etl.pages.visit import Screen

SCREENS: list[Screen] = [
    screen
    for room in (
        overview,
        set_up,
        users,
        contacts,
        contact,
        lookup,
        missing,
        settings,
        plan,
        accounts,
        writeback,
        log,
        job,
    )
    for screen in room.SCREENS
]
