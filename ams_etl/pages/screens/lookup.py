"""Lookup: one customer live from AMS360 beside what is stored, and Refresh, which reads and publishes just this one."""

import re

from ams_etl.errors import AmsEtlError
from ams_etl.pages.jobs.queue import ask_for
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.contacts.contact_list import search_scope
from ams_etl.pages.visit import Answer, Moved, Refused, Screen, Shown, Visit
from ams_etl.settings import home
from ams_etl.store.database import database_url
from ams_etl.sync.contacts.why import customers_numbered
from ams_etl.sync.extract.live_customer import LiveCustomer, live_customer

MOST_CHOICES = 20
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z:_-]{0,63}")


def show_lookup(visit: Visit) -> Answer:
    """Show a customer live; a name or email that fits several customers shows these to choose from."""
    asked = visit.query.get("q", "").strip()[:200]
    customer_id = visit.query.get("customer", "")
    customer_id = customer_id if _ID.fullmatch(customer_id) else ""
    number = int(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else None
    choices = _choices(visit, asked, number) if asked and not customer_id else []
    if len(choices) == 1:
        customer_id = choices[0][0]
    live: LiveCustomer | None = None
    problem = None
    is_one = bool(customer_id) or (not choices and number is not None)
    if is_one and visit.agency.system != "ams360":
        problem = "A customer is read live with AMS360 only; Sync now reads everything."
    elif is_one:
        try:
            live = live_customer(
                visit.connection, visit.agencies, visit.agency, database_url(home()), customer_id=customer_id or None,
                number=number,
            )  # fmt: skip
        except AmsEtlError as error:
            problem = str(error)
    elif asked and not choices:
        problem = (
            "Nothing that is stored has this name or email. Try its CustomerNumber: that is asked of AMS360 itself."
        )
    return Shown(
        "lookup.html",
        {"asked": asked, "choices": choices if not is_one else [], "live": live, "problem": problem,
         "customer_id": live.customer_id if live else customer_id,
         "contacts": _contacts(visit, live.customer_id if live else customer_id)},
    )  # fmt: skip


def refresh(visit: Visit) -> Answer:
    """Read and publish just this customer, in the background and at once."""
    customer_id = visit.form.get("customer_id", "")
    if not _ID.fullmatch(customer_id):
        return Refused("There is no such customer.")
    if visit.agency.system != "ams360":
        return Refused("A single customer is refreshed with AMS360 only; Sync now reads everything.")
    job_id = ask_for(visit.connection, visit.agency.id, "refresh", [customer_id], visit.person.name)
    visit.record("refresh", customer_id)
    return Moved(f"{visit.home}/jobs/{job_id}")


def _choices(visit: Visit, asked: str, number: int | None) -> list[tuple[str, str, str]]:
    """Return (customer id, name, email) of stored customers that fit: by number, else by any part of name or email."""
    if number is not None:
        found = customers_numbered(visit.connection, visit.agency.id, number, visit.agency.settings)
        return [(customer_id, "", "") for customer_id in found]
    scope = search_scope(visit, asked)
    return visit.connection.execute(
        """with found as (
            select contact_id from mart.contacts where agency = %(agency)s
                and ops.contact_search_text(first_name, last_name, nickname, company_name) like %(part)s
            union select contact_id from mart.contact_emails where agency = %(agency)s and email like %(part)s)
        select distinct s.customer_id, concat_ws(' ', c.first_name, c.last_name, c.company_name), coalesce(c.email, '')
        from found join mart.contacts c using (contact_id)
        join mart.contact_sources s on s.agency = c.agency and s.contact_id = c.contact_id
        where c.agency = %(agency)s order by 2, 1 limit %(most)s""",
        {**scope, "most": MOST_CHOICES},
    ).fetchall()


def _contacts(visit: Visit, customer_id: str) -> list[tuple[str, str]]:
    """Return the contacts that a customer's records became."""
    return visit.connection.execute(
        """select distinct c.contact_id::text, concat_ws(' ', c.first_name, c.last_name, c.company_name) from mart.contact_sources s
        join mart.contacts c using (agency, contact_id) where s.agency = %s and s.customer_id = %s order by 2""",
        (visit.agency.id, customer_id),
    ).fetchall()


SCREENS = [
    Screen("GET", "/lookup", Role.VIEWER, show_lookup, long=True),
    Screen("POST", "/lookup/refresh", Role.OPERATOR, refresh),
]
