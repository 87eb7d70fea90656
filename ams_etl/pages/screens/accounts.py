"""Accounts: which systems have each, the links between them with suggestions to judge, and benefit plans that wait."""

from ams_etl.errors import AmsEtlError
from ams_etl.pages.lists.list_answers import as_csv, show_list
from ams_etl.pages.lists.listing import Column, Filter, Listing
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.contacts.contact_list import search_scope
from ams_etl.pages.visit import Answer, Moved, Refused, Screen, Visit
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.links.stored_links import LINKS, decide, undo_decision
from ams_etl.sync.pair_decisions import Decision
from ams_etl.writeback.benefit_plans.waiting import missing_codes, settings_lines

_ACCOUNTS = Listing(
    "accounts",
    [
        Column("name", "Account", "lower(name)"),
        Column("customer_number", "Number", "customer_number", numeric=True),
        Column("classification", "Classification", "classification"),
        Column("account_type", "Type", "account_type"),
        Column("office", "Office", "office"),
        Column("department", "Department", "department"),
        Column("ams360_synced", "AMS360", "ams360_synced"),
        Column("benefitpoint_synced", "BenefitPoint", "benefitpoint_synced"),
        Column("account_id", "Account id"),
    ],
    """select name, customer_number, classification, account_type, office, department, ams360_synced, benefitpoint_synced,
        account_id from mart.accounts where agency = %(agency)s""",
    "name",
    "account_id",
    [
        Filter("q", "Name or CustomerNumber", "lower(name) like %(part)s or customer_number::text = %(q)s"),
        Filter("synced", "Synced", "case %(synced)s when 'both' then ams360_synced and benefitpoint_synced "
               "when 'ams360' then ams360_synced and not benefitpoint_synced else benefitpoint_synced and not ams360_synced end",
               [("both", "AMS360 synced and BenefitPoint synced"), ("ams360", "AMS360 synced only"),
                ("benefitpoint", "BenefitPoint synced only")]),
    ],
)  # fmt: skip
_LINKS = Listing(
    "links",
    [
        Column("state", "State", "array_position(array['suggested', 'confirmed', 'refused', 'dormant'], state)"),
        Column("score", "Score", "score", numeric=True),
        Column("evidence", "Because of", "evidence"),
        Column("customer_name", "AMS360 customer", "lower(customer_name)"),
        Column("customer_number", "Number", "customer_number", numeric=True),
        Column("customer_id", "CustomerId", only_in_csv=True),
        Column("account_name", "BenefitPoint account", "lower(account_name)"),
        Column("account_id", "Account", "account_id", numeric=True),
        Column("decided_by", "Decided by", "decided_by"),
    ],
    f"select * from ({LINKS}) l where true",
    "state",
    "score desc, account_id, customer_id",
    [
        Filter("q", "Name", "lower(concat_ws(' ', customer_name, account_name)) like %(part)s"),
        Filter("state", "State", "state = %(state)s",
               [(state, state) for state in ("suggested", "confirmed", "refused", "dormant")]),
    ],
)  # fmt: skip

_WAITING = Listing(
    "what benefit plans wait for",
    [
        Column("waits_for", "Waits for", "waits_for"),
        Column("name", "Name in BenefitPoint", "lower(name)"),
        Column("benefitpoint_id", "Its id"),
        Column("code", "Code given", "code"),
        Column("plans", "Plans", "plans", numeric=True),
        Column("since", "Since", "since"),
        Column("reason", "Reason", "reason"),
    ],
    """select * from (
        select replace(waits_for, '_', ' ') as waits_for, benefitpoint_id, name, code, reason, count(*) as plans,
            min(since) as since from ops.waiting_plans where agency = %(agency)s group by 1, 2, 3, 4, 5) w where true""",
    "-plans",
    "waits_for, benefitpoint_id, code, reason",
    [Filter("q", "Name", "lower(name) like %(part)s")],
    is_short=True,
)


def show_accounts(visit: Visit) -> Answer:
    """Show the accounts with their synced marks."""
    return show_list(visit, _ACCOUNTS, "accounts", search_scope(visit, visit.query.get("q", "")))


def show_links(visit: Visit) -> Answer:
    """Show the links, suggested ones first and of them the likeliest, to confirm or refuse."""
    return show_list(visit, _LINKS, "links", search_scope(visit, visit.query.get("q", "")))


def show_plans(visit: Visit) -> Answer:
    """Show what benefit plans wait for before they become policies, and the lines that the settings lack."""
    scope = search_scope(visit, visit.query.get("q", ""))
    listed = as_csv(visit, _WAITING, "waiting_plans", scope)
    if listed is not None:
        return listed
    lines = settings_lines(missing_codes(visit.connection, visit.agency.id))
    return show_list(visit, _WAITING, "waiting_plans", scope, lines=lines)


def decide_link(visit: Visit) -> Answer:
    """Confirm or refuse a link, or undo a decision, unless somebody decided meanwhile; then publish what follows."""
    customer_id, wanted = visit.form.get("customer_id", ""), visit.form.get("decision", "")
    account = visit.form.get("account_id", "")
    if not (account.isascii() and account.isdigit() and len(account) < 10):
        return Refused("There is no such account.")
    account_id = int(account)
    row = visit.connection.execute(
        """select coalesce(decided, ''), decided_by from ops.account_links
        where agency = %s and ams360_customer_id = %s and benefitpoint_account_id = %s for update""",
        (visit.agency.id, customer_id, account_id),
    ).fetchone()
    if row is None:
        return Refused("This link is not there any more; load the page again.", 409)
    decided, decided_by = row
    if decided != visit.form.get("had", ""):
        return Refused(
            f"{decided_by or 'Somebody'} decided about this link meanwhile: {decided or 'undone'}. Load the page again.",
            409,
        )
    if wanted not in {"confirmed", "refused", "undo"}:
        return Refused("Confirm, refuse or undo.")
    if wanted == "undo":
        undo_decision(visit.connection, visit.agency.id, customer_id, account_id)
    else:
        decision: Decision = "confirmed" if wanted == "confirmed" else "refused"
        decide(visit.connection, visit.agency.id, customer_id, account_id, decision, decided_by=visit.person.name)
    visit.record(f"link_{wanted}", f"{customer_id} {account_id}", before=decided or None, after=wanted)
    return Moved(f"{visit.home}/accounts/links", _publish(visit))


def _publish(visit: Visit) -> str:
    """Publish accounts and policies; where the brake stops that, the decision stays and the next sync tries again."""
    try:
        with visit.connection.transaction():
            counts = publish_accounts(visit.connection, visit.agency.id, limits=visit.agency.brake).accounts
            publish_policies(visit.connection, visit.agency.id, limits=visit.agency.brake)
    except AmsEtlError as error:
        return f"Saved, but not published yet: {error}"
    return f"Saved. Accounts: {counts.updated:,} changed, {counts.inserted:,} new, {counts.deleted:,} gone."


SCREENS = [
    Screen("GET", "/accounts", Role.VIEWER, show_accounts),
    Screen("GET", "/accounts/links", Role.VIEWER, show_links),
    Screen("GET", "/accounts/plans", Role.VIEWER, show_plans),
    Screen("POST", "/accounts/links", Role.OPERATOR, decide_link, long=True),
]
