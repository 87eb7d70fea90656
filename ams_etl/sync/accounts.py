"""Links and `mart.accounts`, brought up to date for whatever was touched since the last time.

A link may hang on any account of the agency (two may claim one customer), and accounts of BenefitPoint are few, so all
of them are looked at every time; of AMS360's customers only those that were touched, or that an account could mean.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.account_links import Link, link
from ams_etl.rules.account_names import name_key
from ams_etl.rules.accounts import Account, CustomerAccount, account_of, named_by
from ams_etl.rules.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.model import Address
from ams_etl.settings import BrakeSettings
from ams_etl.sync.account_brake import stop_great_losses
from ams_etl.sync.account_links import decisions, stored_links, write_links
from ams_etl.sync.differences import Document, MartTable, apply_differences
from ams_etl.sync.identity import candidate_id
from ams_etl.sync.publish import PublishCounts

_CHUNK = 5000
_COLUMNS = (
    "name", "classification", "account_type", "office", "department", "is_active", "email", "phone", "address1",
    "address2", "city", "state", "postal_code", "customer_number", "ams360_customer_id", "benefitpoint_account_id",
    "ams360_synced", "benefitpoint_synced", "former_id",
)  # fmt: skip
_CUSTOMER_MEMBERS = tuple(one.name for one in fields(CustomerAccount))
_ADDRESS_MEMBERS = tuple(one.name for one in fields(Address))
TABLE = MartTable("accounts", "account", "account_id", _COLUMNS)


@dataclass(frozen=True, slots=True)
class AccountsReport:
    """What happened to accounts, and the agency's links by state and evidence."""

    accounts: PublishCounts
    links: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Book:
    """Both sides of an agency, as far as they matter now."""

    customers: Mapping[str, CustomerAccount]
    accounts: Mapping[int, BenefitPointAccount]
    account_of: Mapping[str, int]
    customer_of: Mapping[int, str]


def publish_accounts(
    connection: psycopg.Connection[Any],
    agency: str,
    *,
    run_id: str | None = None,
    limits: BrakeSettings | None = None,
) -> AccountsReport:
    """Bring `ops.account_links` and `mart.accounts` up to date.

    Args:
        connection: autocommit; everything happens in one transaction.
        agency: the agency id.
        run_id: the Dagster run, for `mart.changes`.
        limits: the brake; None: past it.

    Raises:
        PermanentError: the brake stops it; everything stays as it was, to be looked at again.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended('accounts:' || %s, 0))", (agency,))
        customers, accounts = _drain(connection, agency)
        if customers or accounts:
            _refresh_customers(connection, agency, customers)
            published = _publish(connection, agency, customers, accounts, run_id, limits)
        else:
            published = PublishCounts(0, 0, 0)
        links = connection.execute(
            "select state || ' by ' || evidence, count(*) from ops.account_links where agency = %s group by 1",
            (agency,),
        ).fetchall()
    return AccountsReport(published, dict(links))


def rebuild_accounts(connection: psycopg.Connection[Any], agency: str) -> None:
    """Have the next publish look at every record."""
    connection.execute(
        """insert into stage.account_touches (agency, kind, id)
        select agency, 'customer', entity_id from raw_ams360.customers where agency = %(agency)s
        union all select agency, 'customer', customer_key from stage.account_customers where agency = %(agency)s
        union all select agency, 'account', entity_id from raw_benefitpoint.accounts where agency = %(agency)s
        union all select agency, 'account', benefitpoint_account_id::text from mart.accounts
            where agency = %(agency)s and benefitpoint_account_id is not null
        union all select %(agency)s, 'all_policies', ''""",
        {"agency": agency},
    )


def _drain(connection: psycopg.Connection[Any], agency: str) -> tuple[set[str], set[int]]:
    rows = connection.execute(
        """delete from stage.account_touches where agency = %s and kind in ('customer', 'account') returning kind, id""",
        (agency,),
    ).fetchall()
    return {key for kind, key in rows if kind == "customer"}, {int(key) for kind, key in rows if kind == "account"}


def _refresh_customers(connection: psycopg.Connection[Any], agency: str, touched: Iterable[str]) -> None:
    for part in _chunks(sorted(touched)):
        rows = []
        live = set()
        for (payload,) in connection.execute(
            "select payload from raw_ams360.customers where agency = %s and entity_id = any(%s) and deleted_at is null",
            (agency, part),
        ):
            customer = CustomerAccount.from_payload(payload)
            live.add(customer.customer_id.lower())
            rows.append(
                {"customer_key": customer.customer_id.lower(), "customer_number": customer.customer_number,
                 "name_key": customer.name_key, "document": _customer_document(customer)}
            )  # fmt: skip
        connection.execute(
            """insert into stage.account_customers (agency, customer_key, customer_number, name_key, document)
            select %s, * from jsonb_to_recordset(%s::jsonb)
                as r (customer_key text, customer_number integer, name_key text, document jsonb)
            on conflict (agency, customer_key) do update set customer_number = excluded.customer_number,
                name_key = excluded.name_key, document = excluded.document""",
            (agency, json.dumps(rows, default=str)),
        )
        connection.execute(
            "delete from stage.account_customers where agency = %s and customer_key = any(%s)",
            (agency, sorted({key.lower() for key in part} - live)),
        )


def _publish(
    connection: psycopg.Connection[Any],
    agency: str,
    customers: set[str],
    accounts: set[int],
    run_id: str | None,
    limits: BrakeSettings | None,
) -> PublishCounts:
    touched = {key.lower() for key in customers}
    book, moved = _linked(connection, agency, touched)
    touched |= {one.customer_id.lower() for one in moved}
    touched_accounts = accounts | {one.account_id for one in moved}
    before: dict[UUID, Document] = {}
    size = -1
    # What a row held before, and what is linked now, belongs to what is looked at.
    while size != len(touched) + len(touched_accounts):
        size = len(touched) + len(touched_accounts)
        touched |= {book.customer_of[key].lower() for key in touched_accounts if key in book.customer_of}
        touched_accounts |= {book.account_of[key] for key in touched if key in book.account_of}
        before = _rows(connection, agency, touched, touched_accounts)
        touched |= {str(row["ams360_customer_id"]).lower() for row in before.values() if row["ams360_customer_id"]}
        touched_accounts |= {
            row["benefitpoint_account_id"] for row in before.values() if row["benefitpoint_account_id"] is not None
        }
    known = {**book.customers, **_customers(connection, agency, keys=touched - book.customers.keys())}
    offices = {
        int(key): name
        for key, name in connection.execute(
            "select entity_id, payload ->> 'officeName' from raw_benefitpoint.offices where agency = %s", (agency,)
        )
    }
    after: dict[UUID, Document] = {}
    for customer, account in _pairs(book, known, touched, touched_accounts):
        former = (
            candidate_id(agency, "benefitpoint", "account", str(account.account_id)) if customer and account else None
        )
        system, key = named_by(customer, account)
        document = _document(account_of(customer, account, offices), former)
        after[candidate_id(agency, system, "account", key)] = document
    if limits is not None:
        stop_great_losses(connection, agency, TABLE, before, after, limits)
    counts = apply_differences(connection, agency, TABLE, before, after, run_id)
    _touch_policies(connection, agency, before, after)
    return counts


def _linked(connection: psycopg.Connection[Any], agency: str, touched: set[str]) -> tuple[_Book, list[Link]]:
    """The book with its links as they are now, and the links that came, went or changed; those are stored."""
    accounts = {
        (one := BenefitPointAccount.from_payload(payload)).account_id: one
        for (payload,) in connection.execute(
            "select payload from raw_benefitpoint.accounts where agency = %s and deleted_at is null", (agency,)
        )
    }
    decided = decisions(connection, agency)
    customers: dict[str, CustomerAccount] = {}
    if accounts or decided:
        customers = _customers(
            connection,
            agency,
            keys={one.ams_customer_id for one in accounts.values() if one.ams_customer_id}
            | {customer_id.lower() for customer_id, _ in decided},
            numbers={one.ams_customer_number for one in accounts.values() if one.ams_customer_number},
        )
        # Names matter to those alone that nothing else links.
        linked = {
            one.account_id for one in link(customers.values(), accounts.values(), decided) if one.state == "confirmed"
        }
        names = {name_key(one.name) for one in accounts.values() if one.account_id not in linked} - {""}
        customers |= _customers(connection, agency, names=names)
    links = link(customers.values(), accounts.values(), decided)
    stored = stored_links(connection, agency)
    moved = write_links(connection, agency, stored, links)
    confirmed = [one for one in links if one.state == "confirmed"]
    return (
        _Book(
            customers,
            accounts,
            {one.customer_id.lower(): one.account_id for one in confirmed},
            {one.account_id: one.customer_id for one in confirmed},
        ),
        moved,
    )


def _customers(
    connection: psycopg.Connection[Any],
    agency: str,
    *,
    keys: Iterable[str | None] = (),
    numbers: Iterable[int | None] = (),
    names: Iterable[str] = (),
) -> dict[str, CustomerAccount]:
    """Live customers by key, number or name, each under its key."""
    found = {}
    for column, kind, wanted in (
        ("customer_key", "text", list(keys)), ("customer_number", "int", list(numbers)), ("name_key", "text", list(names)),
    ):  # fmt: skip
        if wanted:
            rows = connection.execute(
                f"""select customer_key, document from stage.account_customers
                where agency = %s and {column} = any(%s::{kind}[])""",
                (agency, wanted),
            )
            found.update({key: _customer_from(document) for key, document in rows})
    return found


def _customer_document(customer: CustomerAccount) -> dict[str, Any]:
    """Shallow, for dataclasses.asdict copies every value."""
    address = customer.address
    document = {name: getattr(customer, name) for name in _CUSTOMER_MEMBERS}
    return {**document, "address": {name: getattr(address, name) for name in _ADDRESS_MEMBERS}}


def _customer_from(document: Mapping[str, Any]) -> CustomerAccount:
    return CustomerAccount(**{**document, "address": Address(**document["address"])})


def _rows(
    connection: psycopg.Connection[Any], agency: str, customers: set[str], accounts: set[int]
) -> dict[UUID, Document]:
    condition = "ams360_customer_id = any(%(customers)s) or benefitpoint_account_id = any(%(accounts)s)"
    # Ids stand there as AMS360 gives them, in whichever case.
    keys = customers | {key.upper() for key in customers}
    return TABLE.read(connection, agency, condition, {"customers": sorted(keys), "accounts": sorted(accounts)})


def _pairs(
    book: _Book, customers: Mapping[str, CustomerAccount], keys: set[str], accounts: set[int]
) -> Iterator[tuple[CustomerAccount | None, BenefitPointAccount | None]]:
    for key in keys:
        if key in customers:
            yield customers[key], book.accounts.get(book.account_of.get(key, 0))
    for account_id in accounts:
        if account_id in book.accounts and account_id not in book.customer_of:
            yield None, book.accounts[account_id]


def _document(account: Account, former_id: UUID | None) -> Document:
    document: dict[str, Any] = {}
    for name in _COLUMNS:
        if name == "former_id":
            document[name] = None if former_id is None else str(former_id)
        else:
            document[name] = getattr(account.address if name in _ADDRESS_MEMBERS else account, name)
    return document


def _touch_policies(
    connection: psycopg.Connection[Any], agency: str, before: Mapping[UUID, Document], after: Mapping[UUID, Document]
) -> None:
    """Have the policies looked at whose account came, went or has another id now."""
    for kind, table, member, text in (
        ("policy", "raw_ams360.policies", "ams360_customer_id", str),
        ("plan", "raw_benefitpoint.plans", "benefitpoint_account_id", str),
    ):
        was, now = _by(member, before, text), _by(member, after, text)
        moved = [key for key in was.keys() | now.keys() if was.get(key) != now.get(key)]
        if moved:
            connection.execute(
                f"""insert into stage.account_touches (agency, kind, id)
                select agency, %s, entity_id from {table} where agency = %s and customer_id = any(%s)""",
                (kind, agency, moved),
            )


def _by(member: str, rows: Mapping[UUID, Document], text: Callable[[Any], str]) -> dict[str, UUID]:
    return {text(row[member]): key for key, row in rows.items() if row[member] is not None}


def _chunks(rows: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
