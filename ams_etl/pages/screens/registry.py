"""Every screen of the integration page."""

from ams_etl.pages.screens import (
    accounts,
    job,
    log,
    lookup,
    merges,
    missing,
    overview,
    plan,
    set_up,
    settings,
    users,
    writeback,
)
from ams_etl.pages.screens.contacts import contact, contact_list, sending
from ams_etl.pages.visit import Screen

SCREENS: list[Screen] = [
    screen
    for room in (
        overview,
        set_up,
        users,
        contact_list,
        contact,
        sending,
        lookup,
        missing,
        settings,
        plan,
        accounts,
        merges,
        writeback,
        log,
        job,
    )
    for screen in room.SCREENS
]
