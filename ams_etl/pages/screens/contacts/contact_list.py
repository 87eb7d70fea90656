"""Contacts: the list, searched by any part of a name, email or phone number, or by CustomerNumber."""

import re
from typing import Any

from ams_etl.pages.lists.list_answers import show_list
from ams_etl.pages.lists.listing import Column, Filter, Listing
from ams_etl.pages.people.roles import Role
from ams_etl.pages.visit import Answer, Screen, Visit
from ams_etl.sync.contacts.why import customers_numbered

_COLUMNS = [
    Column("name", "Name", "lower(name)"),
    Column("company_name", "Company", "lower(company_name)"),
    Column("email", "Email", "email"),
    Column("phone", "Phone", "phone"),
    Column("status", "Status", "status"),
    Column("record_type", "Type", "record_type"),
    Column("owner_user_id", "Owner", "owner_user_id"),
    Column("suppressed_reason", "Not written to", "suppressed_reason"),
    Column("updated_at", "Changed", "updated_at"),
    Column("contact_id", "Contact id"),
]
_MATCHES = """contact_id in (
    select contact_id from mart.contacts where agency = %(agency)s
        and ops.contact_search_text(first_name, last_name, nickname, company_name) like %(part)s
    union all select contact_id from mart.contact_emails where agency = %(agency)s and email like %(part)s
    union all select contact_id from mart.contact_phones where agency = %(agency)s and phone like %(digits)s
    union all select contact_id from mart.contact_sources where agency = %(agency)s and customer_id = any(%(customers)s))"""
SHORTEST_NUMBER = 3
"""Digits below which a search is not for a phone number."""


def listing() -> Listing:
    """Return the list of contacts."""
    return Listing(
        "contacts",
        _COLUMNS,
        """select * from (select agency, contact_id, concat_ws(' ', first_name, last_name) as name, company_name, email, phone,
                status, record_type, owner_user_id, suppressed_reason, updated_at
            from mart.contacts where agency = %(agency)s) c where true""",
        "name",
        "contact_id",
        [
            Filter("q", "Name, email, phone or CustomerNumber", _MATCHES),
            Filter("tag", "Tag", "exists (select from mart.contact_tags t where (t.agency, t.contact_id, t.tag) "
                                 "= (c.agency, c.contact_id, %(tag)s))"),
            Filter("owner", "Owner", "owner_user_id = %(owner)s"),
            Filter("status", "Status", "status = %(status)s", [(status, status) for status in ("client", "prospect", "inactive")]),
            Filter("record_type", "Type", "record_type = %(record_type)s",
                   [(kind, kind) for kind in ("personal", "commercial", "both")]),
            Filter("suppressed", "Not written to", "(suppressed_reason is not null) = (%(suppressed)s = 'yes')",
                   [("yes", "only those"), ("no", "without those")]),
        ],
    )  # fmt: skip


def show_contacts(visit: Visit) -> Answer:
    """Show the list, or all of it as CSV."""
    return show_list(visit, listing(), "contacts", search_scope(visit, visit.query.get("q", "")))


def search_scope(visit: Visit, asked: str) -> dict[str, Any]:
    """Return the parameters of a search: the part of a text, its digits, and the customers whose number it is."""
    asked = asked.strip().lower()[:200]
    part = "%" + re.sub(r"([\\%_])", r"\\\1", asked) + "%"
    digits = "".join(re.findall(r"[0-9]", asked))
    is_number = len(digits) >= SHORTEST_NUMBER and not re.search(r"[^0-9+() .-]", asked)
    customers: list[str] = []
    if re.fullmatch(r"[0-9]{1,9}", asked):
        customers = customers_numbered(visit.connection, visit.agency.id, int(asked), visit.agency.settings)
    return {
        "agency": visit.agency.id, "part": part, "digits": f"%{digits}%" if is_number else "", "customers": customers,
    }  # fmt: skip


SCREENS = [Screen("GET", "/contacts", Role.VIEWER, show_contacts)]
