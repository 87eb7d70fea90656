"""Work out again which account is which customer, for everything that changed since the last time.

A link may depend on any account of the agency (two may claim one customer), and BenefitPoint has few accounts, so all of
them are evaluated every time; of AMS360's customers only those that changed, or that an account could mean.
Contacts and accounts both depend on links. Whichever is refreshed first recomputes them and passes the changed keys to the
other.
"""

from typing import Any

import psycopg

from ams_etl.rules.accounts.accounts import CustomerAccount
from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.links import link
from ams_etl.rules.accounts.names import account_name_key
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
        links = link(*_sides(connection, agency))
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
) -> tuple[list[CustomerAccount], list[BenefitPointAccount], dict[tuple[str, int], bool]]:
    """All live accounts, the customers that they could mean, and what people said."""
    accounts = [
        BenefitPointAccount.from_payload(payload)
        for (payload,) in connection.execute(
            "select payload from raw_benefitpoint.accounts where agency = %s and deleted_at is null", (agency,)
        )
    ]
    decided = decisions(connection, agency)
    if not accounts and not decided:
        return [], [], decided
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
    return list(customers.values()), accounts, decided
