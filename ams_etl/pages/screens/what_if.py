"""What if: what another value of a setting would do, as tables on a page of its own, from what `ams-etl preview` found."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from ams_etl.pages.jobs.queue import Job
from ams_etl.pages.screens.settings import SENTENCES, as_yaml, current_settings, lines_to_paste
from ams_etl.pages.visit import Shown, Visit
from ams_etl.rules.contacts.reasons import reason_for

MOST_ROWS = 100
"""Kinds of change, and rows of the totals, that the page shows; the command shows all."""


def show_what_if(visit: Visit, job: Job, found: Mapping[str, Any]) -> Shown:
    """Show counts, kinds of change, examples and totals; owners by name where the user mapping has one."""
    key, _, value = job.arguments[-1].partition("=")
    users = dict(
        visit.connection.execute(
            "select user_id, min(user_name) from ops.user_mappings where agency = %s and user_name <> '' group by 1",
            (visit.agency.id,),
        ).fetchall()
    )
    kinds = {row["what_changes"]: {**row, "examples": []} for row in found["kinds"][:MOST_ROWS]}
    for row in found["kind_examples"]:
        if row["what_changes"] in kinds:
            kinds[row["what_changes"]]["examples"].append(
                _named(row, users, row["what_changes"] == "owner_user_id changed")
            )
    examples: dict[str, list[dict[str, Any]]] = {"insert": [], "update": [], "delete": []}
    for _, rows in groupby(found["examples"], lambda row: row["contact_id"]):
        contact = list(rows)
        fields = [_named(row, users, row["field"] == "owner_user_id") for row in contact if row["field"]]
        examples[contact[0]["op"]].append({**contact[0], "fields": fields})
    totals = [
        {**row, "value": _owner(row["value"], users) if row["contacts_by"] == "owner" else row["value"]}
        for row in found["totals"]
    ]
    values = {
        "job": job,
        "key": key,
        "sentence": SENTENCES.get(key, ""),
        "tried": value,
        "current": as_yaml(current_settings(visit.agency)[key]),
        "block": lines_to_paste(key, value),
        "counts": found["counts"][0],
        "kinds": list(kinds.values()),
        "more_kinds": len(found["kinds"]) - len(kinds),
        "examples": examples,
        "totals": totals[:MOST_ROWS],
        "more_totals": len(totals) - len(totals[:MOST_ROWS]),
        "skipped": found["skipped"],
        "reason_for": reason_for,
        # For the access log: how many people the page shows.
        "answers": [*found["examples"], *found["kind_examples"]],
    }
    return Shown("what_if.html", values)


def _named(row: Mapping[str, Any], users: Mapping[str, str], is_owner: bool) -> dict[str, Any]:
    named = {side: _owner(row[side], users) if is_owner else row[side] for side in ("before", "after")}
    return {**row, **named}


def _owner(user_id: str | None, users: Mapping[str, str]) -> str:
    if user_id is None:
        return "nobody"
    return f"{users[user_id]} ({user_id})" if user_id in users else user_id
