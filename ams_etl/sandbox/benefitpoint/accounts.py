"""Accounts and their contacts: found, read, created, updated, deleted."""

from collections.abc import Callable, Iterable, Mapping

from ams_etl.sandbox.benefitpoint.book import Book, Record, name_of
from ams_etl.sandbox.benefitpoint.results import RefusedError, done, unauthorized

Carry = Callable[[Book, Record], Record]
_INFO = {
    "Group": "groupAccountInfo", "Individual": "individualAccountInfo", "Marketing_Group": "marketingGroupAccountInfo",
    "Agent": "agentAccountInfo", "Agency": "agencyAccountInfo",
}  # fmt: skip
_TYPES = frozenset({"Client", "Prospect", "Other", "Informational", "Marketing_Group"})


def _find(book: Book, given: Record) -> Record:
    """`accountNameMatch` is any part of the name, case-blind."""
    criteria = given.get("criteria") or {}
    wanted = (criteria.get("accountNameMatch") or "").casefold()
    classes, types = chosen(criteria.get("accountClassifications")), chosen(criteria.get("accountTypes"))
    active = criteria.get("active")
    return {
        "result": [
            _summary(book, account)
            for account in book.rows["accounts"].values()
            if wanted in name_of(account).casefold()
            and (not classes or account["accountClassification"] in classes)
            and (not types or account["accountType"] in types)
            and (active is None or bool(account.get("active")) == active)
        ]
    }


def chosen(values: Iterable[str | None] | None) -> set[str]:
    """Return the choices of a criterion: none where it is absent, empty, nil or `None_Selected`, which is no choice."""
    return {value for value in values or () if value and value != "None_Selected"}


def _summary(book: Book, account: Record) -> Record:
    office = book.get("offices", account.get("officeID")) or {}
    return {
        "accountID": account["accountID"], "accountName": name_of(account),
        "accountClassification": account["accountClassification"], "accountType": account["accountType"],
        "active": bool(account.get("active")), "lastModifiedOn": account["lastModifiedOn"],
        "officeName": office.get("officeName"),
    }  # fmt: skip


def _get(book: Book, given: Record) -> Record:
    account = book.get("accounts", given.get("accountID"))
    if account is None:
        raise unauthorized()
    return {"account": account}


def _create(book: Book, given: Record) -> Record:
    account = dict(given.get("account") or {})
    if account.pop("accountID", None):
        raise RefusedError("accountID is given by BenefitPoint.")
    _check(book, account)
    account["active"] = account.get("active") is not False
    return done(book.add("accounts", account))


def _update(book: Book, given: Record) -> Record:
    """The whole record is taken: what is left out is cleared."""
    account = dict(given.get("update") or {})
    before = book.get("accounts", account.get("accountID"))
    if before is None:
        raise RefusedError("The account was not found.", "Access_Error")
    _check(book, account)
    account["createdOn"] = before["createdOn"]
    book.replace("accounts", account)
    return done(account["accountID"])


def _check(book: Book, account: Record) -> None:
    kind = account.get("accountClassification")
    info = _INFO.get(kind or "")
    if info is None or account.get("accountType") not in _TYPES:
        raise RefusedError("accountClassification and accountType are required.")
    if not account.get(info) or not (kind != "Group" or account[info].get("accountName")):
        raise RefusedError(f"{info} is required for this classification.")
    if book.get("offices", account.get("officeID")) is None:
        raise RefusedError("officeID is not an office.")
    for member in ("administratorUserID", "primaryContactUserID"):
        if book.get("users", account.get(member)) is None:
            raise RefusedError(f"{member} is not a user.")


def _contacts(book: Book, given: Record) -> Record:
    account_id = (given.get("criteria") or {}).get("accountID") or ""
    if not account_id.isdigit() or book.get("accounts", int(account_id)) is None:
        raise unauthorized()
    return {"contacts": list(book.under("contacts", int(account_id)))}


def _contact(book: Book, given: Record) -> Record:
    found = book.get("contacts", given.get("contactID"))
    if found is None:
        raise unauthorized()
    return {"contact": found}


def _create_contact(book: Book, given: Record) -> Record:
    contact = dict(given.get("contact") or {})
    if (contact.get("contact") or {}).get("contactID"):
        raise RefusedError("contactID is given by BenefitPoint.")
    _check_contact(book, contact)
    return done(book.add("contacts", contact))


def _update_contact(book: Book, given: Record) -> Record:
    contact = dict(given.get("update") or {})
    key = (contact.get("contact") or {}).get("contactID")
    if book.get("contacts", key) is None:
        raise RefusedError("The contact was not found.", "Access_Error")
    _check_contact(book, contact)
    book.replace("contacts", contact)
    return done(key or 0)


def _check_contact(book: Book, contact: Record) -> None:
    if book.get("accounts", contact.get("accountID")) is None:
        raise RefusedError("accountID is not an account.", "Access_Error")
    inner = contact.get("contact") or {}
    if not inner.get("firstName") or not inner.get("lastName"):
        raise RefusedError("firstName and lastName are required.")


def _delete_contacts(book: Book, given: Record) -> Record:
    deletes = given.get("deletes") or {}
    for key in deletes.get("contactIDs") or ():
        if (book.get("contacts", key) or {}).get("accountID") != deletes.get("accountID"):
            raise RefusedError("The contact was not found.", "Access_Error")
    for key in deletes.get("contactIDs") or ():
        book.remove("contacts", key)
    return done(deletes.get("accountID") or 0)


OPERATIONS: Mapping[str, Carry] = {
    "findAccounts": _find,
    "getAccount": _get,
    "createAccount": _create,
    "updateAccount": _update,
    "findAccountContacts": _contacts,
    "getAccountContact": _contact,
    "createAccountContact": _create_contact,
    "updateAccountContact": _update_contact,
    "deleteAccountContacts": _delete_contacts,
}
