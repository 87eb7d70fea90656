"""The customers that are due for deriving: whatever changes what a contact is made of marks them, in the same transaction."""

from collections.abc import Iterable
from typing import Any

from ams_etl.store.agency_db import AgencyDb


def mark_customers(db: AgencyDb, customer_ids: Iterable[str]) -> None:
    """Have these customers derived again; call it in the transaction that changed their records."""
    db.execute("select stage.mark_customers_due(%(agency)s, %(customers)s::text[])", customers=list(customer_ids))


def mark_selected(db: AgencyDb, query: str, **values: Any) -> None:
    """Have the customers derived again that a query returns in its column `customer_id`."""
    db.execute(
        f"select stage.mark_customers_due(%(agency)s, array(select customer_id from ({query}) selected))", **values
    )


def due_customers(db: AgencyDb, most: int) -> list[str]:
    """Return the first of the customers that are due, in the order of their ids."""
    return db.column(
        """select customer_id from stage.dirty_customers where agency = %(agency)s
        order by customer_id limit %(most)s""",
        most=most,
    )


def count_due(db: AgencyDb) -> int:
    """Return how many customers are due."""
    return int(db.scalar("select count(*) from stage.dirty_customers where agency = %(agency)s"))


def unmark_customers(db: AgencyDb, customer_ids: Iterable[str]) -> None:
    """Take the mark from customers that were derived, in the transaction that stored what was derived."""
    db.execute(
        "delete from stage.dirty_customers where agency = %(agency)s and customer_id = any(%(customers)s)",
        customers=list(customer_ids),
    )
