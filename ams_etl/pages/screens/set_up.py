"""Set up: what to enter in AMS360, with this agency's own values to copy, and whether it works."""

import os

from ams_etl.pages.jobs.queue import ask_for
from ams_etl.pages.people.roles import Role
from ams_etl.pages.visit import Answer, Moved, Screen, Shown, Visit
from ams_etl.store.logins.login_checks import login_checks
from ams_etl.sync.notifications.setup import OPERATIONS, RIGHTS, least_rights, notification_types, setup_form


def show_set_up(visit: Visit) -> Answer:
    """Show the steps; the authentication code only to who may act, and only when it is asked for."""
    agency = visit.agency
    reveal = visit.role >= Role.OPERATOR and visit.query.get("reveal") == "1"
    form, problem = None, None
    if agency.notifications is None:
        problem = "Notifications are not switched on: agencies.yaml has no “notifications” for this agency."
    elif visit.agencies.inbound.public_url is None:
        problem = "The Destination Address is not known: agencies.yaml has no “inbound.public_url”."
    else:
        code = os.environ.get(agency.notifications.authentication_code_env) if reveal else None
        form = setup_form(visit.agencies, agency, code)
        if reveal and code is None:
            problem = f"The environment variable {agency.notifications.authentication_code_env} is not set."
    read_only = visit.query.get("rights") == "read"
    rights = least_rights([feature for feature in OPERATIONS if not (read_only and feature.startswith("write"))])
    table = [
        (entity, [bool(rights.get((entity, right))) for right in RIGHTS],
         "; ".join(dict.fromkeys(why for right in RIGHTS for why in rights.get((entity, right), ()))))
        for entity in sorted({entity for entity, _ in rights})
    ]  # fmt: skip
    return Shown(
        "set_up.html",
        {
            "form": [entry for entry in form or () if entry.field != "Notification Type"], "problem": problem, "reveal": reveal,
            "types": notification_types(agency) if agency.system == "ams360" else {}, "rights": table,
            "logins": login_checks(visit.connection, agency.id),
            "contact_gets_mail": bool(agency.technical_contact) and agency.id not in visit.agencies.without_effect,
            "right_names": RIGHTS, "read_only": read_only, "arrived": _arrived(visit),
        },
    )  # fmt: skip


def _arrived(visit: Visit) -> tuple[object, ...]:
    """Return when the first and the last notification came, how many, and how many requests had a wrong code today."""
    came = visit.connection.execute(
        """select (select received_at from ops.notifications where agency = %(agency)s order by notification_id limit 1),
            (select received_at from ops.notifications where agency = %(agency)s order by notification_id desc limit 1),
            coalesce((select sum(count) from ops.notification_refusals
                where agency = %(agency)s and day >= current_date - 1), 0)""",
        {"agency": visit.agency.id},
    ).fetchone()
    return came or (None, None, 0)


def ask_for_test(visit: Visit) -> Answer:
    """Run the doctor: the login, its rights, the clocks."""
    job_id = ask_for(visit.connection, visit.agency.id, "test_connection", (), visit.person.name)
    visit.record("test_connection", str(job_id))
    return Moved(f"{visit.home}/jobs/{job_id}")


SCREENS = [
    Screen("GET", "/set-up", Role.VIEWER, show_set_up, shows_people=False),
    Screen("POST", "/set-up/test", Role.OPERATOR, ask_for_test),
]
