"""Missing: why a customer is not here: skipped and quarantined records with the reason and the setting that decides."""

from ams_etl.pages.lists.list_answers import as_csv, show_list
from ams_etl.pages.lists.listing import Column, Filter, Listing
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.contacts.contact_list import search_scope
from ams_etl.pages.visit import Answer, Screen, Visit
from ams_etl.rules.contacts.reasons import REASONS, reason_for

_COLUMNS = [
    Column("name", "Customer", "lower(name)"),
    Column("customer_number", "Number", "customer_number", numeric=True),
    Column("entity", "Record", "entity"),
    Column("entity_id", "Id"),
    Column("reason", "Reason", "reason"),
    Column("rule", "Rule", "rule"),
    Column("detail", "Detail"),
]
_QUARANTINED = "quarantined"


def listing() -> Listing:
    """Return the list of records that are not contacts."""
    return Listing(
        "records",
        _COLUMNS,
        """select * from (
            select m.*, coalesce(nullif(concat_ws(' ', c.first_name, c.last_name), ''), c.firm_name, '') as name,
                c.customer_number
            from (select agency, system, entity, entity_id, customer_id, reason, rule, detail, reason as kind
                    from mart.skipped_contacts where agency = %(agency)s
                union all select agency, system, entity, entity_id, customer_id, reason, '', detail, 'quarantined'
                    from ops.quarantine where agency = %(agency)s) m
            left join ams360.customers c on c.agency = %(agency)s and c.customer_id = m.customer_id) t where true""",
        "reason",
        "system, entity, entity_id",
        [
            Filter("q", "Name, CustomerNumber or id", "lower(name) like %(part)s or customer_id = any(%(customers)s) "
                                                      "or entity_id = %(q)s or customer_id = %(q)s"),
            Filter("reason", "Reason", "kind = %(reason)s",
                   [*((name, name.replace("_", " ")) for name in REASONS), (_QUARANTINED, "could not be read")]),
        ],
    )  # fmt: skip


def show_missing(visit: Visit) -> Answer:
    """Show the records with their reasons; above them how many there are of each."""
    chosen, scope = listing(), search_scope(visit, visit.query.get("q", ""))
    listed = as_csv(visit, chosen, "missing", scope)
    if listed is not None:
        return listed
    counts = visit.connection.execute(
        """select reason, count(*) from mart.skipped_contacts where agency = %(agency)s group by 1
        union all select 'quarantined', count(*) from ops.quarantine where agency = %(agency)s having count(*) > 0
        order by 2 desc, 1""",
        {"agency": visit.agency.id},
    ).fetchall()
    settings = visit.agency.settings
    reasons = [
        (name, count, reason, getattr(settings, reason.setting) if reason.setting else None)
        for name, count in counts
        for reason in [reason_for(name)]
    ]
    return show_list(visit, chosen, "missing", scope, reasons=reasons, reason_for=reason_for)


SCREENS = [Screen("GET", "/missing", Role.VIEWER, show_missing)]
