"""A brokerage's records, when each was last changed, and what was deleted; the state lives as long as the process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

TYPES = {
    "accounts": "Account", "contacts": "AccountContact", "products": "Product", "users": "UserSummary",
    "offices": "Office", "carriers": "CarrierSummary", "product_types": "ProductType",
}  # fmt: skip
"""The contract's type of each kind of record."""
ENTITY_TYPES = {"accounts": "Account", "contacts": "Account_Contact", "products": "Product", "users": "User"}
"""The contract's EntityType of each kind that findChanges reports."""
_KEYS = {
    "accounts": "accountID", "products": "productID", "users": "ID", "offices": "officeID", "carriers": "carrierID",
    "product_types": "productTypeID",
}  # fmt: skip


def now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """A dateTime as the service writes it: milliseconds and zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


@dataclass(frozen=True, slots=True)
class Deletion:
    """A record that is gone."""

    kind: str
    key: int
    at: str


@dataclass(slots=True)
class Book:
    """All records by BenefitPoint's member names.

    `connected` makes a customer of a new account in the AMS360 beside it, or is None where they are not connected.
    """

    rows: dict[str, dict[int, Record]] = field(default_factory=lambda: {kind: {} for kind in TYPES})
    deletions: list[Deletion] = field(default_factory=list)
    connected: Callable[[Record], None] | None = None
    _issued: int = 100_000
    _owners: dict[tuple[str, int], int] = field(default_factory=dict)
    _beneath: dict[tuple[str, int], dict[int, None]] = field(default_factory=dict)
    _last: datetime | None = None

    def new_id(self) -> int:
        """Return the next id that the service assigns."""
        self._issued += 1
        return self._issued

    def moment(self) -> str:
        """Now, and later than every moment before."""
        self._last = max(now(), (self._last or now()) + timedelta(milliseconds=1))
        return as_text(self._last)

    def add(self, kind: str, record: Record, at: str | None = None) -> int:
        """Add a new record and return its id; a new individual account gets its primary contact (B6).

        Args:
            kind: one of `TYPES`.
            record: without its id, unless it is generated with one.
            at: when it was made; now by default.
        """
        at = at or self.moment()
        if key_of(kind, record) is None:
            _give_key(kind, record, self.new_id())
        if kind in {"accounts", "products"}:
            record.setdefault("createdOn", at)
        if kind == "accounts" and self.connected:
            self.connected(record)
        self._put(kind, record, at)
        if kind == "accounts" and record.get("individualAccountInfo"):
            self.add("contacts", _primary_contact(record), at)
        return int(key_of(kind, record) or 0)

    def replace(self, kind: str, record: Record, at: str | None = None) -> None:
        """Put a changed record in the place of the one with its id."""
        self._put(kind, record, at or self.moment())

    def get(self, kind: str, key: int | None) -> Record | None:
        """A record, or None."""
        return self.rows[kind].get(key or 0)

    def remove(self, kind: str, key: int, at: str | None = None) -> bool:
        """Take a record away; an account takes its contacts and products along."""
        if key not in self.rows[kind]:
            return False
        at = at or self.moment()
        if kind == "accounts":
            for child in ("contacts", "products"):
                for record in list(self.under(child, key)):
                    self.remove(child, int(key_of(child, record) or 0), at)
        del self.rows[kind][key]
        if (kind, key) in self._owners:
            self._beneath[kind, self._owners.pop((kind, key))].pop(key)
        self.deletions.append(Deletion(kind, key, at))
        return True

    def under(self, kind: str, account_id: int) -> Iterator[Record]:
        """An account's contacts or products."""
        return (self.rows[kind][key] for key in list(self._beneath.get((kind, account_id), ())))

    def _put(self, kind: str, record: Record, at: str) -> None:
        if kind in ENTITY_TYPES:
            record["lastModifiedOn"] = at
        key = int(key_of(kind, record) or 0)
        self.rows[kind][key] = record
        if kind in {"contacts", "products"}:
            before = self._owners.get((kind, key))
            if before is not None and before != record["accountID"]:
                self._beneath[kind, before].pop(key)
            self._owners[kind, key] = record["accountID"]
            self._beneath.setdefault((kind, record["accountID"]), {})[key] = None


def key_of(kind: str, record: Record) -> int | None:
    """What a record is found by, or None where it has none yet."""
    where = record.get("contact") or {} if kind == "contacts" else record
    found: int | None = where.get(_KEYS.get(kind, "contactID"))
    return found


def name_of(account: Record) -> str:
    """An account's name as lists show it."""
    if account.get("groupAccountInfo"):
        return str(account["groupAccountInfo"]["accountName"])
    if account.get("marketingGroupAccountInfo"):
        return str(account["marketingGroupAccountInfo"]["marketingGroupName"])
    person = (account.get("individualAccountInfo") or {}).get("personInfo") or {}
    return f"{person.get('firstName') or ''} {person.get('lastName') or ''}".strip()


def integration_of(account: Record) -> Record:
    """The place of an account's link to AMS360, made where it is missing; a marketing group has none."""
    info = account.get("groupAccountInfo") or account.get("individualAccountInfo")
    if info is None:
        return {}
    if not info.get("accountIntegrationInfo"):
        info["accountIntegrationInfo"] = {}
    found: Record = info["accountIntegrationInfo"]
    return found


def _give_key(kind: str, record: Record, key: int) -> None:
    if kind == "contacts":
        record["contact"] = {**record["contact"], "contactID": key}
    else:
        record[_KEYS[kind]] = key


def _primary_contact(account: Record) -> Record:
    person = account["individualAccountInfo"]["personInfo"]
    return {
        "contact": {"firstName": person["firstName"], "lastName": person["lastName"],
                    "email": account["individualAccountInfo"].get("email"), "address": account.get("mainAddress"),
                    "phones": [account["individualAccountInfo"].get("phone")]},
        "accountID": account["accountID"], "primary": True, "responsibilities": [],
    }  # fmt: skip
