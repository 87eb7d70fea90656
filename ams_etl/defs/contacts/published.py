"""What the asset pages say of the published tables after a publish: counts, pictures, reasons, what changed."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import dagster as dg
import psycopg

from ams_etl.defs.metadata import Markup, about_table, table_of, totals_by
from ams_etl.defs.pictures import over_time
from ams_etl.rules.contacts.reasons import reason_for
from ams_etl.settings import Agencies
from ams_etl.sync.daily_counts import counts_by_day, note_counts
from ams_etl.sync.last_publish import last_publish

SAMPLE = 20


def published_tables(
    connection: psycopg.Connection[Any], agencies: Agencies, agency: str, published: Mapping[str, int]
) -> Iterator[dg.MaterializeResult[None]]:
    """Yield a materialization of every table of the mart's contacts.

    Args:
        connection: autocommit.
        agencies: the agencies file.
        agency: the agency id.
        published: how many contacts this run inserted, updated and deleted.
    """
    today = datetime.now(agencies.schedule.zone).date()
    counts = note_counts(connection, agency, today)
    for table in ("contact_emails", "contact_phones", "contact_sources", "connections"):
        yield _result(connection, table, agency)
    statuses, _ = counts["contacts_by_status"]
    yield _result(
        connection, "contacts", agency,
        **published,
        **{f"contacts_{status}": count for status, count in sorted(statuses.items())},
        by_status=_compared("status", *counts["contacts_by_status"]),
        **over_time(
            "picture", "Contacts by status", *counts_by_day(connection, agency, "contacts_by_status", today), "contacts"
        ),
        why=dg.MetadataValue.url(f"{agencies.pages.address}/{agency}/why"),
    )  # fmt: skip
    yield _result(connection, "contact_tags", agency, most_used=_by(connection, "contact_tags", agency, "tag"))
    yield _result(connection, "key_facts", agency, by_kind=_by(connection, "key_facts", agency, "kind"))
    yield _skipped(connection, agencies, agency, today, *counts["skipped_by_reason"])
    yield _changes(connection, agencies, agency)


def _skipped(
    connection: psycopg.Connection[Any],
    agencies: Agencies,
    agency: str,
    today: date,
    now: Mapping[str, int],
    before: Mapping[str, int],
) -> dg.MaterializeResult[None]:
    """Why records are no contacts: each reason in a sentence with its rule, its count, and the change since the last publish."""
    rules = dict(
        connection.execute(
            "select reason, string_agg(distinct rule, ', ' order by rule) from mart.skipped_contacts where agency = %s "
            "group by reason",
            (agency,),
        ).fetchall()
    )
    reasons = [
        (reason, reason_for(reason).sentence, rules.get(reason, ""), now.get(reason, 0),
         f"{now.get(reason, 0) - before.get(reason, 0):+,}", reason_for(reason).setting or "")
        for reason in sorted({*now, *before}, key=lambda reason: -now.get(reason, 0))
    ]  # fmt: skip
    sample = connection.execute(
        """select entity, entity_id, customer_id, reason, rule from (
            select *, row_number() over (partition by reason order by entity, entity_id) as place
            from mart.skipped_contacts where agency = %s) listed
        order by place, reason limit %s""",
        (agency, SAMPLE),
    ).fetchall()
    quarantined = connection.execute(
        """select entity, reason, count(*), (array_agg(entity_id order by at desc))[1:3]
        from ops.quarantine where agency = %s group by entity, reason order by 3 desc limit %s""",
        (agency, SAMPLE),
    ).fetchall()
    page = f"{agencies.pages.address}/{agency}"
    return _result(
        connection, "skipped_contacts", agency,
        by_reason=table_of(("reason", "what it means", "rule", "records", "since last time", "setting"), reasons),
        **over_time(
            "picture", "Records that are no contact, by reason",
            *counts_by_day(connection, agency, "skipped_by_reason", today), "records",
        ),
        sample=table_of(
            ("record", "id", "reason", "rule", "why"),
            [
                (entity, entity_id, reason, rule, Markup(f"[why]({page}/why?q={quote(str(customer_id), safe='')})"))
                for entity, entity_id, customer_id, reason, rule in sample
            ],
        ),
        quarantined=sum(count for _, _, count, _ in quarantined),
        **(
            {
                "quarantined_records": table_of(
                    ("record", "reason", "records", "ids of some"),
                    [(entity, reason, count, ", ".join(ids)) for entity, reason, count, ids in quarantined],
                )
            }
            if quarantined
            else {}
        ),
        all_of_them=dg.MetadataValue.url(f"{page}/missing"),
    )  # fmt: skip


def _changes(connection: psycopg.Connection[Any], agencies: Agencies, agency: str) -> dg.MaterializeResult[None]:
    """What the last publish changed, and how fresh the feed is where AMS360 sends notifications."""
    from ams_etl.sync.notifications.all_agencies import freshness_by_agency, missed_by_day, notifications_by_day

    last = last_publish(connection, agency)
    fresh: dict[str, Any] = {}
    if agencies.get(agency).notifications:
        (found,) = freshness_by_agency(connection, [agency])
        days = notifications_by_day(connection, [agency])
        missed = missed_by_day(connection, [agency])
        fresh = {
            "staleness_p95_seconds": round(found.p95_seconds, 1),
            "missed_rate": round(found.missed_rate, 4),
            **over_time(
                "staleness", "From a notification to the mart (p95)", [day for day, _, _ in days],
                {"seconds": [seconds for _, seconds, _ in days]}, "seconds",
            ),
            **over_time(
                "missed", "Changes that no notification announced", [day for day, _, _ in missed],
                {"percent": [100 * share for _, share, _ in missed]}, "percent of the changes",
            ),
        }  # fmt: skip
    return _result(
        connection, "changes", agency,
        last_publish=dg.MetadataValue.text(f"{last.at:%Y-%m-%d %H:%M:%S %Z}" if last.at else "nothing was published yet"),
        by_op=table_of(("entity", "op", "changes"), last.by_op),
        **({"by_field": table_of(("entity", "field", "updates"), last.by_field)} if last.by_field else {}),
        **fresh,
    )  # fmt: skip


def _compared(title: str, now: Mapping[str, int], before: Mapping[str, int]) -> dg.MarkdownMetadataValue:
    return table_of(
        (title, "rows", "since last time"),
        [
            (label, now.get(label, 0), f"{now.get(label, 0) - before.get(label, 0):+,}")
            for label in sorted({*now, *before}, key=lambda label: -now.get(label, 0))
        ],
    )


def _result(connection: psycopg.Connection[Any], table: str, agency: str, **more: Any) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(["mart", table]),
        metadata={**about_table(connection, f"mart.{table}", agency), **more},
    )


def _by(connection: psycopg.Connection[Any], table: str, agency: str, column: str) -> dg.MarkdownMetadataValue:
    return table_of((column, "rows"), totals_by(connection, f"mart.{table}", agency, column))
