"""`mart.accounts`, brought up to date for whatever was touched since the last time (B1, B2, B3)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.accounts.accounts import Account, CustomerAccount, account_of, named_by
from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.settings import BrakeSettings
from ams_etl.store.lease import Lease
from ams_etl.sync.accounts.apply_differences import Document, MartTable, add_rows, apply_differences
from ams_etl.sync.accounts.brake import stop_great_losses
from ams_etl.sync.change_counts import PublishCounts
from ams_etl.sync.identity import candidate_id
from ams_etl.sync.links.account_customers import ADDRESS_MEMBERS, find_customers
from ams_etl.sync.links.linking import link_accounts

_COLUMNS = (
    "name", "classification", "account_type", "office", "department", "is_active", "email", "phone", "address1",
    "address2", "city", "state", "postal_code", "customer_number", "ams360_customer_id", "benefitpoint_account_id",
    "ams360_synced", "benefitpoint_synced", "former_id",
)  # fmt: skip
TABLE = MartTable("accounts", "account", "account_id", _COLUMNS)
_CHUNK = 5000
"""New customers whose accounts are in memory at once."""


@dataclass(frozen=True, slots=True)
class AccountsReport:
    """What happened to accounts, and the agency's links by state and evidence."""

    accounts: PublishCounts
    links: Mapping[str, int]


def publish_accounts(
    connection: psycopg.Connection[Any],
    agency: str,
    *,
    run_id: str | None = None,
    limits: BrakeSettings | None = None,
    lease: Lease | None = None,
) -> AccountsReport:
    """Bring `ops.account_links` and `mart.accounts` up to date.

    Args:
        connection: autocommit; everything happens in one transaction.
        agency: the agency id.
        run_id: the Dagster run, for `mart.changes`.
        limits: the brake; None: past it.
        lease: `publish`; None where nobody else can be at work.

    Raises:
        LeaseLost: another one publishes this agency now.
        PermanentError: the brake stops it; everything stays as it was and is evaluated again by the next run.
    """
    with connection.transaction():
        if lease is not None:
            lease.check(connection)
        connection.execute("select pg_advisory_xact_lock(hashtextextended('accounts:' || %s, 0))", (agency,))
        link_accounts(connection, agency)
        customers, accounts = _drain(connection, agency)
        if customers or accounts:
            published = _publish(connection, agency, customers, accounts, run_id, limits)
        else:
            published = PublishCounts(0, 0, 0)
        links = connection.execute(
            "select state || ' by ' || evidence, count(*) from ops.account_links where agency = %s group by 1",
            (agency,),
        ).fetchall()
    return AccountsReport(published, dict(links))


def rebuild_accounts(connection: psycopg.Connection[Any], agency: str) -> None:
    """Make the next publish evaluate every record."""
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
        """delete from stage.account_touches where agency = %s and kind in ('linked_customer', 'linked_account')
        returning kind, id""",
        (agency,),
    ).fetchall()
    return (
        {key.lower() for kind, key in rows if kind == "linked_customer"},
        {int(key) for kind, key in rows if kind == "linked_account"},
    )


def _publish(
    connection: psycopg.Connection[Any],
    agency: str,
    customers: set[str],
    accounts: set[int],
    run_id: str | None,
    limits: BrakeSettings | None,
) -> PublishCounts:
    account_of_customer: dict[str, int] = dict(
        connection.execute(
            """select lower(ams360_customer_id), benefitpoint_account_id from ops.account_links
            where agency = %s and state = 'confirmed'""",
            (agency,),
        ).fetchall()
    )
    customer_of_account = {account_id: key for key, account_id in account_of_customer.items()}
    customers, accounts = set(customers), set(accounts)
    before: dict[UUID, Document] = {}
    size = -1
    # What a row held before, and what is linked now, is evaluated too.
    while size != len(customers) + len(accounts):
        size = len(customers) + len(accounts)
        customers |= {customer_of_account[key] for key in accounts if key in customer_of_account}
        accounts |= {account_of_customer[key] for key in customers if key in account_of_customer}
        before = _rows(connection, agency, customers, accounts)
        customers |= {str(row["ams360_customer_id"]).lower() for row in before.values() if row["ams360_customer_id"]}
        accounts |= {
            row["benefitpoint_account_id"] for row in before.values() if row["benefitpoint_account_id"] is not None
        }
    known_before = {str(row["ams360_customer_id"]).lower() for row in before.values() if row["ams360_customer_id"]}
    new = sorted(customers - known_before - account_of_customer.keys())
    customers.difference_update(new)
    offices = {
        int(key): name
        for key, name in connection.execute(
            "select entity_id, payload ->> 'officeName' from raw_benefitpoint.offices where agency = %s", (agency,)
        )
    }
    after: dict[UUID, Document] = {}
    known = find_customers(connection, agency, keys=customers)
    live, account_seen = _accounts(connection, agency, accounts)
    customer_seen = _first_seen(
        connection, agency, [customer.customer_id for key, customer in known.items() if key in account_of_customer]
    )
    for customer, account in _pairs(known, live, account_of_customer):
        account_first = bool(
            customer and account and account_seen[account.account_id] < customer_seen[customer.customer_id]
        )
        former = None
        if customer and account:
            # The other one's: the account may have been known by it until the two were linked.
            former = _account_id(agency, named_by(customer, account, account_first=not account_first))
        document = _document(account_of(customer, account, offices), former)
        after[_account_id(agency, named_by(customer, account, account_first=account_first))] = document
    if limits is not None:
        stop_great_losses(connection, agency, TABLE, before, after, limits)
    counts = apply_differences(connection, agency, TABLE, before, after, run_id)
    _touch_policies(connection, agency, before, after)
    for start in range(0, len(new), _CHUNK):
        counts += _publish_new(connection, agency, new[start : start + _CHUNK], run_id)
    return counts


def _publish_new(
    connection: psycopg.Connection[Any], agency: str, customers: Sequence[str], run_id: str | None
) -> PublishCounts:
    """Publish the accounts of customers that no row holds and no account is linked to: each depends on nothing else.

    A first sync is nothing but these, so a large agency's are published a part at a time.
    """
    after = {
        _account_id(agency, named_by(customer, None, account_first=False)): _document(
            account_of(customer, None, {}), None
        )
        for customer in find_customers(connection, agency, keys=customers).values()
    }
    counts = add_rows(connection, agency, TABLE, after, run_id)
    _touch_policies(connection, agency, {}, after)
    return counts


def _account_id(agency: str, named: tuple[str, str]) -> UUID:
    system, key = named
    return candidate_id(agency, system, "account", key)


def _accounts(
    connection: psycopg.Connection[Any], agency: str, account_ids: set[int]
) -> tuple[dict[int, BenefitPointAccount], dict[int, datetime]]:
    """The live ones of these accounts, and when each was first seen."""
    found, seen = {}, {}
    for payload, first_seen_at in connection.execute(
        """select payload, first_seen_at from raw_benefitpoint.accounts
        where agency = %s and entity_id = any(%s) and deleted_at is null""",
        (agency, [str(account_id) for account_id in account_ids]),
    ):
        one = BenefitPointAccount.from_payload(payload)
        found[one.account_id], seen[one.account_id] = one, first_seen_at
    return found, seen


def _first_seen(connection: psycopg.Connection[Any], agency: str, customer_ids: Sequence[str]) -> dict[str, datetime]:
    return dict(
        connection.execute(
            "select entity_id, first_seen_at from raw_ams360.customers where agency = %s and entity_id = any(%s)",
            (agency, customer_ids),
        ).fetchall()
    )


def _rows(
    connection: psycopg.Connection[Any], agency: str, customers: set[str], accounts: set[int]
) -> dict[UUID, Document]:
    condition = "ams360_customer_id = any(%(customers)s) or benefitpoint_account_id = any(%(accounts)s)"
    # Ids are stored as AMS360 sends them, in either case.
    keys = customers | {key.upper() for key in customers}
    return TABLE.read(connection, agency, condition, {"customers": sorted(keys), "accounts": sorted(accounts)})


def _pairs(
    customers: Mapping[str, CustomerAccount], accounts: Mapping[int, BenefitPointAccount], links: Mapping[str, int]
) -> Iterator[tuple[CustomerAccount | None, BenefitPointAccount | None]]:
    linked = set()
    for key, customer in customers.items():
        account = accounts.get(links.get(key, 0))
        if account is not None:
            linked.add(account.account_id)
        yield customer, account
    for account_id, account in accounts.items():
        if account_id not in linked:
            yield None, account


def _document(account: Account, former_id: UUID | None) -> Document:
    document: dict[str, Any] = {}
    for name in _COLUMNS:
        if name == "former_id":
            document[name] = None if former_id is None else str(former_id)
        else:
            document[name] = getattr(account.address if name in ADDRESS_MEMBERS else account, name)
    return document


def _touch_policies(
    connection: psycopg.Connection[Any], agency: str, before: Mapping[UUID, Document], after: Mapping[UUID, Document]
) -> None:
    """Make the next publish evaluate the policies whose account was added, deleted or has another id."""
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
