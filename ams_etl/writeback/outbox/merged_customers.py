"""Let open writes of a customer that was merged in AMS360 go to the customer that goes on (M9)."""

from typing import Any

import psycopg

from ams_etl.writeback.outbox.lanes import promote

_OPEN = "w.status in ('waiting', 'pending', 'failed', 'uncertain')"


def follow_merges(connection: psycopg.Connection[Any], agency: str) -> int:
    """Give every open write the customer that its own was merged into; give it back where the merge was undone.

    A write that failed is tried again, because it was refused by a customer that is gone. One whose outcome is uncertain stays
    for a user to decide, and one that is being delivered ends first.

    Args:
        connection: inside a transaction that holds `lanes.lock`.
        agency: the agency id.

    Returns:
        How many writes have another customer now.
    """
    scope = {"agency": agency}
    moved = connection.execute(
        f"""with meant as (
            select w.writeback_id, w.customer_id as before, coalesce(w.former_customer_id, w.customer_id) as first, m.merged_into
            from ops.writebacks w left join stage.merged_customers m
                on m.agency = w.agency and m.customer_id = coalesce(w.former_customer_id, w.customer_id)
            where w.agency = %(agency)s and w.system = 'ams360' and {_OPEN} and w.customer_id is not null
                and (w.former_customer_id is not null or m.merged_into is not null))
        update ops.writebacks w set customer_id = coalesce(x.merged_into, x.first),
            lane = case when w.lane = x.before then coalesce(x.merged_into, x.first) else w.lane end,
            former_customer_id = case when x.merged_into is not null then x.first end,
            status = case when w.status = 'uncertain' then w.status else 'waiting' end,
            attempts = case when w.status = 'failed' then 0 else w.attempts end,
            not_before = case when w.status = 'failed' then now() else w.not_before end,
            settled_at = case when w.status = 'failed' then null else w.settled_at end,
            error = case when w.status = 'failed' then null else w.error end,
            note = case when w.status = 'failed' then null else w.note end
        from meant x
        where w.agency = %(agency)s and w.writeback_id = x.writeback_id and x.before <> coalesce(x.merged_into, x.first)
        returning x.before, w.lane""",
        scope,
    ).fetchall()
    if moved:
        promote(connection, agency, "ams360", {lane for row in moved for lane in row})
    connection.execute(
        f"""update ops.writebacks w set request = jsonb_set(request, '{{ams_customer_id}}', to_jsonb(m.merged_into))
        from stage.merged_customers m
        where w.agency = %(agency)s and w.system = 'benefitpoint' and {_OPEN} and m.agency = w.agency
            and m.customer_id = w.request ->> 'ams_customer_id' and m.merged_into is not null""",
        scope,
    )
    return len(moved)
