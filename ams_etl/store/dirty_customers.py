"""The customers that are due for deriving: whatever changes what a contact is made of marks them, in the same transaction."""

from collections.abc import Iterable, Mapping
from typing import Any

from ams_etl.store.agency_db import AgencyDb


def mark_customers(db: AgencyDb, customer_ids: Iterable[str]) -> None:
    """Have these customers derived again; call it in the transaction that changed their records."""
    db.execute("select stage.mark_customers_due(%(agency)s, %(customers)b::text[])", customers=list(customer_ids))


def mark_selected(db: AgencyDb, query: str, **values: Any) -> None:
    """Have the customers derived again that a query returns in its column `customer_id`."""
    db.execute(
        f"select stage.mark_customers_due(%(agency)s, array(select customer_id from ({query}) selected))", **values
    )


def due_customers(db: AgencyDb, most: int, after: str = "") -> dict[str, int]:
    """Return the first of the customers that are due, in the order of their ids, each with the number of its mark.

    Read their records after it: what changes from now on renews the mark, so that `unmark_customers` leaves it.

    Args:
        db: of the agency.
        most: how many at most.
        after: only those whose ids come after this one.
    """
    return dict(
        db.connection.execute(
            """select customer_id, mark from stage.dirty_customers where agency = %s and customer_id > %s
            order by customer_id limit %s""",
            (db.agency, after, most),
        ).fetchall()
    )


def count_due(db: AgencyDb) -> int:
    """Return how many customers are due."""
    return int(db.scalar("select count(*) from stage.dirty_customers where agency = %(agency)s"))


def unmark_customers(db: AgencyDb, marks: Mapping[str, int]) -> None:
    """Take these marks from customers that were derived, in the transaction that stored what was derived.

    A customer whose records have changed since has another mark, and stays due. Rows are locked in the order in which they
    are marked.
    """
    db.execute(
        """with derived as (
            select d.customer_id, d.mark from stage.dirty_customers d
            join unnest(%(customers)b::text[], %(marks)b::bigint[]) x (customer_id, mark) using (customer_id)
            where d.agency = %(agency)s and d.mark = x.mark order by d.customer_id for update of d)
        delete from stage.dirty_customers d using derived x
        where d.agency = %(agency)s and d.customer_id = x.customer_id and d.mark = x.mark""",
        customers=list(marks),
        marks=list(marks.values()),
    )
