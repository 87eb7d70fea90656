"""Merged customers: who is gone because people merged them in AMS360, and who perhaps is, to confirm, refuse or undo (M9)."""

from ams_etl.pages.lists.list_answers import show_list
from ams_etl.pages.lists.listing import Column, Filter, Listing
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.contacts.contact_list import search_scope
from ams_etl.pages.visit import Answer, Moved, Refused, Screen, Visit
from ams_etl.sync.customer_merges.merge_decisions import MERGES, decide_merge, decisions_about, undo_merge_decision
from ams_etl.sync.pair_decisions import Decision

EVIDENCE = {
    "policy_id": "its policy is the other customer's now",
    "contact_id": "its contact is the other customer's now",
    "dependent_id": "its dependent is the other customer's now",
    "policy_number": "its policy number is the other customer's now",
    "confirmed": "a user confirmed it",
}
"""What shows a merge, in words; what is equal of a suggestion is its own word."""
_MERGES = Listing(
    "merged customers",
    [
        Column("state", "State", "array_position(array['suggested', 'merged', 'refused'], state)"),
        Column("evidence", "Because of", "evidence"),
        Column("name", "Customer that is gone", "lower(name)"),
        Column("customer_number", "Number", "customer_number", numeric=True),
        Column("email", "Email", "lower(email)"),
        Column("gone_since", "Gone since", "gone_since"),
        Column("customer_id", "CustomerId", only_in_csv=True),
        Column("other_name", "Customer that is there", "lower(other_name)"),
        Column("other_number", "Its number", "other_number", numeric=True),
        Column("other_email", "Its email", "lower(other_email)"),
        Column("other_id", "Its CustomerId", only_in_csv=True),
        Column("decided_by", "Decided by", "decided_by"),
    ],
    f"select * from ({MERGES}) m where true",
    "state",
    "customer_number, other_number, customer_id, other_id",
    [
        Filter("q", "Name or CustomerNumber", "lower(concat_ws(' ', name, other_name)) like %(part)s "
                                              "or %(q)s in (customer_number::text, other_number::text)"),
        Filter("state", "State", "state = %(state)s", [(state, state) for state in ("suggested", "merged", "refused")]),
    ],
    is_short=True,
)  # fmt: skip


def show_merges(visit: Visit) -> Answer:
    """Show the suggestions first, then what was merged and what users refused."""
    return show_list(visit, _MERGES, "merges", search_scope(visit, visit.query.get("q", "")), evidence=EVIDENCE)


def decide(visit: Visit) -> Answer:
    """Confirm or refuse that a customer was merged into another one, or undo that, unless somebody decided meanwhile."""
    gone, other, wanted = (visit.form.get(name, "") for name in ("customer_id", "other_id", "decision"))
    if wanted not in {"confirmed", "refused", "undo"}:
        return Refused("Confirm, refuse or undo.")
    before = decisions_about(visit.connection, visit.agency.id, gone)
    if before != visit.form.get("had", ""):
        return Refused("Somebody decided about this customer meanwhile. Load the page again.", 409)
    if wanted == "undo":
        if not undo_merge_decision(visit.connection, visit.agency.id, gone, other):
            return Refused("Nobody decided about these two; load the page again.", 409)
    else:
        decision: Decision = "confirmed" if wanted == "confirmed" else "refused"
        decide_merge(visit.connection, visit.agency.id, gone, other, decision, decided_by=visit.person.name)
    visit.record(f"merge_{wanted}", f"{gone} {other}", before=before or None, after=wanted)
    return Moved(f"{visit.home}/accounts/merges", "Saved. The next sync acts on it.")


SCREENS = [
    Screen("GET", "/accounts/merges", Role.VIEWER, show_merges),
    Screen("POST", "/accounts/merges", Role.OPERATOR, decide),
]
