"""`stage.merged_records`: what the records of merged customers last gave, and which candidates they continue as (M9)."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.contacts.merging import Predecessor, Predecessors
from ams_etl.rules.model import Candidate, NameOverride
from ams_etl.rules.records.ams360 import CUSTOMER
from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.candidate_documents import candidate_from, candidate_json
from ams_etl.sync.identity import candidate_id
from ams_etl.sync.interpret.ams360 import last_candidates

_log = logging.getLogger(__name__)


def refresh_merged_records(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date, customer_ids: Sequence[str]
) -> None:
    """Store what these customers last gave where they were merged into another one; forget it where they were not.

    Args:
        connection: inside the transaction that stores what was derived of them.
        agency: the agency id.
        settings: its rule settings.
        today: the date the rules are asked for.
        customer_ids: customers that were derived, whether they are gone or not.
    """
    merged = dict(
        connection.execute(
            "select customer_id, merged_into from stage.merged_customers "
            "where agency = %s and customer_id = any(%b) and merged_into is not null",
            (agency, list(customer_ids)),
        ).fetchall()
    )
    stored = {
        row[0]: (row[1], row[2], row[3])
        for row in connection.execute(
            """select candidate_id, customer_id, continues_as, document::text from stage.merged_records
            where agency = %s and customer_id = any(%b)""",
            (agency, list(customer_ids)),
        )
    }
    if not merged and not stored:
        return
    now: dict[UUID, tuple[Candidate, UUID | None]] = {}
    for candidate in _last_candidates(merged, lambda ids: last_candidates(connection, agency, settings, today, ids)):
        key = candidate_id(agency, candidate.system, candidate.entity, candidate.entity_id)
        survivor = merged[candidate.customer_id]
        own = candidate_id(agency, candidate.system, CUSTOMER, survivor) if candidate.entity == CUSTOMER else None
        now[key] = (candidate, own)
    _write(connection, agency, stored, now)


def _last_candidates(merged: dict[str, str], derive: Callable[[Sequence[str]], list[Candidate]]) -> list[Candidate]:
    """Derive each merged customer's last records by itself: one that the rules fail on takes nothing from the others."""
    found = []
    for customer_id in sorted(merged):
        try:
            found += derive([customer_id])
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001 - its words may quote the record
            _log.error("the rules failed on a merged customer: %s", type(error).__name__)
    return found


def _write(
    connection: psycopg.Connection[Any],
    agency: str,
    stored: dict[UUID, tuple[str, UUID | None, str]],
    now: dict[UUID, tuple[Candidate, UUID | None]],
) -> None:
    """Store what differs, and have everybody evaluated whose contact it may change: the target, and who shares an email."""
    concerned: set[UUID] = set()
    emails: set[str] = set()
    rows = []
    for key, (candidate, own) in now.items():
        before = stored.get(key)
        # A person's continuation is worked out with each plan (`refresh_continuations`).
        target = own if candidate.entity == CUSTOMER or before is None else before[1]
        if before is not None and before[1] == target and candidate_from(before[2]) == candidate:
            continue
        rows.append(
            {"k": str(key), "c": candidate.customer_id, "t": str(target) if target else None,
             "d": json.loads(candidate_json(candidate))}
        )  # fmt: skip
        concerned |= {key} | ({target} if target else set()) | ({before[1]} if before and before[1] else set())
        emails.update(candidate.emails)
    for key in stored.keys() - now.keys():
        concerned |= {key} | ({stored[key][1]} if stored[key][1] else set())  # type: ignore[arg-type]
        emails.update(candidate_from(stored[key][2]).emails)
    connection.execute(
        "delete from stage.merged_records where agency = %s and candidate_id = any(%s)",
        (agency, list(stored.keys() - now.keys())),
    )
    connection.execute(
        """insert into stage.merged_records (agency, candidate_id, customer_id, continues_as, document)
        select %s, k, c, t, d from jsonb_to_recordset(%s::jsonb) as r (k uuid, c text, t uuid, d jsonb)
        on conflict (agency, candidate_id) do update set customer_id = excluded.customer_id,
            continues_as = excluded.continues_as, document = excluded.document""",
        (agency, json.dumps(rows)),
    )
    _touch(connection, agency, concerned)
    connection.execute(
        """insert into stage.touched (agency, kind, id)
        select distinct agency, 'candidate', candidate_id::text from stage.candidate_emails where agency = %s and email = any(%s)
        on conflict (agency, kind, id) do update set planned = false""",
        (agency, sorted({email.lower() for email in emails})),
    )


def _touch(connection: psycopg.Connection[Any], agency: str, candidates: set[UUID]) -> None:
    connection.execute(
        """insert into stage.touched (agency, kind, id) select %s, 'candidate', unnest(%s::text[])
        on conflict (agency, kind, id) do update set planned = false""",
        (agency, sorted(map(str, candidates))),
    )


def refresh_continuations(connection: psycopg.Connection[Any], agency: str) -> None:
    """Work out again which candidate each person of a merged customer goes on as: the one of the same name, else email.

    Candidates whose predecessors change are touched. A plan calls it before it chooses its members.
    """
    moved = connection.execute(
        """with wanted as (
            select r.candidate_id, r.continues_as as before, (
                select c.candidate_id from stage.candidates c
                where c.agency = r.agency and c.customer_id = m.merged_into and c.entity <> 'customer' and (
                    (lower(c.document ->> 'first_name'), lower(c.document ->> 'last_name'))
                        = (lower(r.document ->> 'first_name'), lower(r.document ->> 'last_name'))
                    or exists (select from stage.candidate_emails e join jsonb_array_elements_text(r.document -> 'emails') given
                        on e.email = lower(given) where (e.agency, e.candidate_id) = (c.agency, c.candidate_id)))
                order by (lower(c.document ->> 'first_name'), lower(c.document ->> 'last_name'))
                    = (lower(r.document ->> 'first_name'), lower(r.document ->> 'last_name')) desc nulls last, c.candidate_id
                limit 1) as now
            from stage.merged_records r join stage.merged_customers m using (agency, customer_id)
            where r.agency = %(agency)s and r.document ->> 'entity' <> 'customer'),
        written as (
            update stage.merged_records r set continues_as = w.now from wanted w
            where (r.agency, r.candidate_id) = (%(agency)s, w.candidate_id) and w.now is distinct from w.before
            returning r.candidate_id)
        select w.candidate_id, w.before, w.now from wanted w join written using (candidate_id)""",
        {"agency": agency},
    ).fetchall()
    if moved:
        _touch(connection, agency, {key for row in moved for key in row if key is not None})


def predecessors(connection: psycopg.Connection[Any], agency: str) -> Predecessors:
    """Return what contacts keep of records that go on as theirs, by the record that each goes on as.

    Of several names that users gave them the latest is first.
    """
    found: dict[tuple[str, str, str], tuple[Predecessor, ...]] = {}
    for system, entity, entity_id, document, has_name, first, last, nickname in connection.execute(
        """select c.system, c.entity, c.entity_id, r.document::text, o.contact_id is not null,
            o.first_name, o.last_name, o.nickname
        from stage.merged_records r
        join stage.candidates c on (c.agency, c.candidate_id) = (r.agency, r.continues_as)
        left join ops.name_overrides o on (o.agency, o.contact_id) = (r.agency, r.candidate_id)
        where r.agency = %s order by o.updated_at desc nulls last, r.candidate_id""",
        (agency,),
    ):
        given = NameOverride(first, last, nickname) if has_name else None
        key = (system, entity, entity_id)
        found[key] = (*found.get(key, ()), Predecessor(candidate_from(document), given))
    return found
