"""Delete what was finished long enough ago, a small step a transaction.

Never deleted: what people decided (mappings, overrides, confirmed links, policy shells), writes that are open, failed or
uncertain, what later events refer to (tickets, deals, customers and policies that writes created), and the newest syncs.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg

from ams_etl.settings import RetentionSettings

STEP = 5_000
"""Rows deleted in one transaction: locks are short, and replicas and vacuum keep up."""

_CHANGES = """delete from mart.changes where agency = %(agency)s and seq in (
    select seq from (
        select seq, at from mart.changes where agency = %(agency)s order by seq limit %(step)s) oldest
    where at < %(before)s and seq <= (select coalesce(min(cursor_seq), 9223372036854775807) from ops.feed_consumers
        where agency = %(agency)s))"""
_NOTIFICATIONS = """delete from ops.notifications where agency = %(agency)s and notification_id in (
    select n.notification_id from ops.notifications n
    where n.agency = %(agency)s and n.state in ('done', 'ignored') and n.settled_at < %(before)s
        and not exists (
            select from ops.notifications part
            where part.part_of = coalesce(n.part_of, n.notification_id) and part.state not in ('done', 'ignored'))
    order by n.notification_id limit %(step)s)"""
_BATCHES = """delete from ops.notification_batches where agency = %(agency)s and batch_id in (
    select batch_id from ops.notification_batches
    where agency = %(agency)s and closed_at < %(before)s limit %(step)s)"""
_EVENTS = """with finished as (
    select e.event_id from ops.events e
    where e.agency = %(agency)s and e.received_at < %(before)s and e.state in ('planned', 'done', 'refused')
        and not exists (
            select from ops.writebacks w where (w.agency, w.event_id) = (e.agency, e.event_id)
                and (w.status <> 'delivered' or w.operation not in ('note', 'activity', 'update_customer')))
    order by e.received_at limit %(step)s),
delivered as (
    delete from ops.writebacks w using finished f where w.agency = %(agency)s and w.event_id = f.event_id)
delete from ops.events e using finished f where e.agency = %(agency)s and e.event_id = f.event_id"""
_QUARANTINE = "delete from ops.quarantine where agency = %(agency)s and at < %(before)s"
_SYNC_RUNS = """delete from ops.sync_runs where agency = %(agency)s and sync_id in (
    select sync_id from (
        select sync_id, started_at, row_number() over (partition by mode order by started_at desc) as newest
        from ops.sync_runs where agency = %(agency)s) listed
    where started_at < %(before)s and newest > 50 limit %(step)s)"""
_ACCESSES = "delete from ops.accesses where agency = %(agency)s and last_at < %(before)s"
_TRIGGER_CHANGES = "delete from ops.trigger_changes where agency = %(agency)s and at < %(before)s"
_MISSED_CHANGES = """delete from ops.missed_changes m where m.agency = %(agency)s and not exists (
    select from ops.trigger_changes c where (c.agency, c.sync_id) = (m.agency, m.sync_id))"""
_DAILY_COUNTS = "delete from ops.daily_counts where agency = %(agency)s and day < (%(before)s)::date"
_WORK_LIST = """delete from {table} w using ops.sync_runs r
where w.agency = %(agency)s and (r.agency, r.sync_id) = (w.agency, w.sync_id) and r.started_at < now() - interval '30 days'"""
"""What a full sync that was cut off had still to read; after two weeks no sync resumes it."""


def prune(
    connection: psycopg.Connection[Any], agency: str, kept: RetentionSettings, now: datetime
) -> Mapping[str, int]:
    """Delete what this agency no longer needs.

    Args:
        connection: autocommit; each step is a transaction of its own.
        agency: the agency id.
        kept: for how many days each kind is kept.
        now: the moment to count back from, with a time zone.

    Returns:
        Table -> rows deleted, without those of which none was.
    """
    steps = (
        ("mart.changes", _CHANGES, kept.changes_days),
        ("ops.notifications", _NOTIFICATIONS, kept.notifications_days),
        ("ops.notification_batches", _BATCHES, kept.notifications_days),
        ("ops.events", _EVENTS, kept.events_days),
        ("ops.quarantine", _QUARANTINE, kept.quarantine_days),
        ("ops.accesses", _ACCESSES, kept.accesses_days),
        ("ops.trigger_changes", _TRIGGER_CHANGES, kept.history_days),
        ("ops.missed_changes", _MISSED_CHANGES, kept.history_days),
        ("ops.daily_counts", _DAILY_COUNTS, kept.changes_days),
        ("ops.sync_prefixes", _WORK_LIST.format(table="ops.sync_prefixes"), kept.history_days),
        ("ops.sync_customers", _WORK_LIST.format(table="ops.sync_customers"), kept.history_days),
        # Last: the work lists are found by their sync.
        ("ops.sync_runs", _SYNC_RUNS, kept.history_days),
    )
    # First: from then on nothing reports a past that is about to be incomplete.
    connection.execute(
        """with old as (
            select max(at) as at, max(seq) as seq from mart.changes
            where agency = %(agency)s and at < %(before)s and seq <= (
                select coalesce(min(cursor_seq), 9223372036854775807) from ops.feed_consumers where agency = %(agency)s))
        insert into ops.feed_horizons as known (agency, pruned_before, pruned_seq)
        select %(agency)s, at, seq from old where seq is not null
        on conflict (agency) do update set pruned_before = greatest(known.pruned_before, excluded.pruned_before),
            pruned_seq = greatest(known.pruned_seq, excluded.pruned_seq)""",
        {"agency": agency, "before": now - timedelta(days=kept.changes_days)},
    )
    deleted = {}
    for table, statement, days in steps:
        rows = _in_steps(connection, statement, agency, now - timedelta(days=days))
        if rows:
            deleted[table] = rows
    return deleted


def _in_steps(connection: psycopg.Connection[Any], statement: str, agency: str, before: datetime) -> int:
    total = 0
    while True:
        rows = connection.execute(statement, {"agency": agency, "before": before, "step": STEP}).rowcount
        total += rows
        if rows < STEP or "limit %(step)s" not in statement:
            return total
