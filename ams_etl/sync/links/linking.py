"""Work out again which account is which customer, for everything that changed since the last time.

A link may depend on any account of the agency (two may claim one customer), and BenefitPoint has few accounts, so all of
them are evaluated every time; of AMS360's customers only those that changed, or that an account could mean.
Contacts and accounts both depend on links. Whichever is refreshed first recomputes them and passes the changed keys to the
other.
"""

from dataclasses import replace
from typing import Any

import psycopg

from ams_etl.rules.accounts.accounts import CustomerAccount
from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.links import Link, Pair, link
from ams_etl.rules.accounts.names import account_name_key
from ams_etl.store.customer_merges import survivors_of, survivors_of_numbers
from ams_etl.sync.links.account_customers import find_customers, refresh_customers
from ams_etl.sync.links.stored_links import decisions, stored_links, write_links


def link_accounts(connection: psycopg.Connection[Any], agency: str) -> None:
    """Bring `ops.account_links` up to date; `publish_accounts` then evaluates what changed or moved.

    Args:
        connection: autocommit, or inside a transaction.
        agency: the agency id.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended('accounts:' || %s, 0))", (agency,))
        touched = connection.execute(
            """delete from stage.account_touches where agency = %s and kind in ('customer', 'account')
            returning kind, id""",
            (agency,),
        ).fetchall()
        if not touched:
            return
        refresh_customers(connection, agency, {key for kind, key in touched if kind == "customer"})
        customers, accounts, decided, former = _sides(connection, agency)
        links = link(customers, accounts, decided)
        # What people said of a customer that was merged stays, for it may come back.
        links += [
            Link(*pair, "dormant" if yes else "refused", "person", 1.0 if yes else 0.0) for pair, yes in former.items()
        ]
        moved = write_links(connection, agency, stored_links(connection, agency), links)
        handed_on = {(f"linked_{kind}", key) for kind, key in touched}
        for pair in moved:
            handed_on |= {("linked_customer", pair.customer_id), ("linked_account", str(pair.account_id))}
        connection.execute(
            """insert into stage.account_touches (agency, kind, id)
            select %s, * from unnest(%s::text[], %s::text[])""",
            (agency, [kind for kind, _ in handed_on], [key for _, key in handed_on]),
        )


def _sides(
    connection: psycopg.Connection[Any], agency: str
) -> tuple[list[CustomerAccount], list[BenefitPointAccount], dict[Pair, bool], dict[Pair, bool]]:
    """All live accounts, the customers that they could mean, and what people said: of those that go on, and of merged ones (M9)."""
    accounts = [
        BenefitPointAccount.from_payload(payload)
        for (payload,) in connection.execute(
            "select payload from raw_benefitpoint.accounts where agency = %s and deleted_at is null", (agency,)
        )
    ]
    decided = decisions(connection, agency)
    if not accounts and not decided:
        return [], [], decided, {}
    accounts, decided, former = _continued(connection, agency, accounts, decided)
    customers = find_customers(
        connection,
        agency,
        keys={account.ams_customer_id for account in accounts if account.ams_customer_id}
        | {customer_id.lower() for customer_id, _ in decided},
        numbers={account.ams_customer_number for account in accounts if account.ams_customer_number},
    )
    # Names matter only to accounts that nothing else links.
    linked = {pair.account_id for pair in link(customers.values(), accounts, decided) if pair.state == "confirmed"}
    names = {account_name_key(account.name) for account in accounts if account.account_id not in linked} - {""}
    customers |= find_customers(connection, agency, names=names)
    return list(customers.values()), accounts, decided, former


def _continued(
    connection: psycopg.Connection[Any], agency: str, accounts: list[BenefitPointAccount], decided: dict[Pair, bool]
) -> tuple[list[BenefitPointAccount], dict[Pair, bool], dict[Pair, bool]]:
    """M9: let accounts and decisions that name a merged customer name the one that goes on; return the old decisions, too."""
    ids = {account.ams_customer_id for account in accounts} | {customer_id for customer_id, _ in decided}
    survivors = survivors_of(connection, agency, [customer_id for customer_id in ids if customer_id])
    numbers = survivors_of_numbers(
        connection, agency, [account.ams_customer_number for account in accounts if account.ams_customer_number]
    )
    if not survivors and not numbers:
        return accounts, decided, {}
    named = []
    for account in accounts:
        by_id = survivors.get(account.ams_customer_id or "")
        survivor = by_id or (None if account.ams_customer_id else numbers.get(account.ams_customer_number or 0))
        named.append(replace(account, ams_customer_id=survivor.lower()) if survivor else account)
    former = {pair: yes for pair, yes in decided.items() if pair[0] in survivors}
    current = {pair: yes for pair, yes in decided.items() if pair not in former}
    for (customer_id, account_id), yes in former.items():
        current.setdefault((survivors[customer_id], account_id), yes)
    return named, current, former
