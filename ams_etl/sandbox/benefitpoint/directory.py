"""Offices, users, carriers, and what changed since a moment."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ams_etl.sandbox.benefitpoint.accounts import Carry, chosen
from ams_etl.sandbox.benefitpoint.book import ENTITY_TYPES, Book, Record, as_text, now
from ams_etl.sandbox.soap.service import SoapFault

LONGEST = timedelta(days=31)
"""How far back findChanges looks; nobody knows, but no known client asks for more than 30 days."""


def _offices(book: Book, given: Record) -> Record:
    wanted = ((given.get("criteria") or {}).get("officeNameMatch") or "").casefold()
    return {"offices": [row for row in book.rows["offices"].values() if wanted in row["officeName"].casefold()]}


def _office(book: Book, given: Record) -> Record:
    found = book.get("offices", given.get("officeID"))
    if found is None:
        raise SoapFault("You are not authorized to access the requested information.")
    return {"office": found}


def _users(book: Book, given: Record) -> Record:
    criteria = given.get("criteria") or {}
    wanted = {
        member: (criteria.get(f"{member}Match") or "").casefold() for member in ("username", "firstName", "lastName")
    }
    return {
        "summaries": [
            row
            for row in book.rows["users"].values()
            if all(text in row[member].casefold() for member, text in wanted.items())
        ]
    }


def _carriers(book: Book, given: Record) -> Record:
    del given
    return {"carriers": list(book.rows["carriers"].values())}


def _changes(book: Book, given: Record) -> Record:
    criteria = given.get("criteria") or {}
    began = now()
    since = _moment(criteria.get("sinceLastModifiedOn")) or began - timedelta(days=1)
    if began - since > LONGEST:
        raise SoapFault("sinceLastModifiedOn is too far in the past.")
    wanted = chosen(criteria.get("typesToInclude"))
    after = as_text(since)
    kinds = [kind for kind, entity in ENTITY_TYPES.items() if not wanted or entity in wanted]
    return {
        "changes": {
            "processStartedOn": as_text(began),
            "modifications": [
                {"entityID": key, "entityType": ENTITY_TYPES[kind], "lastModifiedOn": record["lastModifiedOn"]}
                for kind in kinds
                for key, record in book.rows[kind].items()
                if record["lastModifiedOn"] >= after
            ],
            "deletions": [
                {"entityID": gone.key, "entityType": ENTITY_TYPES[gone.kind], "deletedOn": gone.at}
                for gone in book.deletions
                if gone.kind in kinds and gone.at >= after
            ],
        }
    }


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


OPERATIONS: Mapping[str, Carry] = {
    "findOffices": _offices,
    "getOffice": _office,
    "findUsers": _users,
    "getAvailableCarriers": _carriers,
    "findChanges": _changes,
}
