"""Which rule decided each value of a planned contact, read off the same derivation and merge that made the plan."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.contacts.by_hand import explain_by_hand
from ams_etl.rules.contacts.explain import explain_contact
from ams_etl.rules.model import Candidate, Finding
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.sending.suppressions import suppressed_records
from ams_etl.sync.candidate_documents import candidate_from
from ams_etl.sync.contacts.planning.merge_groups import decisions
from ams_etl.sync.contacts.shared_addresses import refused_among
from ams_etl.sync.contacts.why import own_rules
from ams_etl.sync.customer_merges.merged_records import predecessors
from ams_etl.sync.interpret.registry import interpreter_for

_FINDINGS_OF = {
    "emails": ("email",), "phones": ("phone",), "tags": ("tag",), "key_facts": ("birthday", "renewal"),
    "connections": ("connection",), "owner_role": ("owner_user_id",),
    **dict.fromkeys(("address1", "address2", "city", "state", "postal_code", "country"), ("address",)),
}  # fmt: skip
"""Fields of a contact's document -> the names under which findings explain them, where they differ."""


def rules_of_plan(
    connection: psycopg.Connection[Any],
    agency: str,
    contact_ids: Sequence[UUID],
    settings: RuleSettings,
    today: date,
) -> dict[tuple[UUID, str], str]:
    """Return the rules behind the planned values of contacts, by contact and field; several are separated by commas.

    Args:
        connection: autocommit, or inside the transaction of a preview; nothing is written.
        agency: the agency id.
        contact_ids: contacts that the plan inserts or updates; others have no entry.
        settings: what the plan was made with.
        today: the date that the plan was made for.
    """
    members: dict[UUID, list[Candidate]] = {}
    for contact_id, document in connection.execute(
        """select p.contact_id, c.document::text from stage.planned_members p
        join stage.candidates c using (agency, candidate_id)
        where p.agency = %s and p.contact_id = any(%s) order by p.contact_id, p.candidate_id""",
        (agency, list(contact_ids)),
    ):
        members.setdefault(contact_id, []).append(candidate_from(document))
    customers = sorted({candidate.customer_id for group in members.values() for candidate in group})
    records = interpreter_for(settings).open(connection, agency, settings, today).explain(customers)
    users, overrides = decisions(connection, agency)
    by_hand = suppressed_records(connection, agency)
    emails = {email.lower() for group in members.values() for candidate in group for email in candidate.emails}
    refused = refused_among(connection, agency, sorted(emails))
    gone = predecessors(connection, agency)
    by_record: dict[tuple[str, str], list[Finding]] = {}
    for finding in records:
        by_record.setdefault((finding.entity, finding.entity_id), []).append(finding)
    rules: dict[tuple[UUID, str], str] = {}
    for contact_id, group in members.items():
        own = [finding for candidate in group for finding in by_record.get((candidate.entity, candidate.entity_id), ())]
        merged = explain_contact(group, settings, users, overrides, refused, predecessors=gone)
        merged = own_rules(merged, own, alone=len(group) == 1)
        merged = (*explain_by_hand(group, by_hand), *merged)
        for field, rule in {**_rules_by_field(own), **_rules_by_field(merged)}.items():
            rules[contact_id, field] = rule
    return rules


def rule_of(rules: dict[tuple[UUID, str], str], contact_id: UUID, field: str) -> str:
    """Return the rules behind a field of a contact's document, or nothing where no rule gave it a value."""
    names = _FINDINGS_OF.get(field, (field,))
    return ", ".join(dict.fromkeys(rules[contact_id, name] for name in names if (contact_id, name) in rules))


def _rules_by_field(findings: Sequence[Finding]) -> dict[str, str]:
    rules: dict[str, dict[str, None]] = {}
    for finding in findings:
        rules.setdefault(finding.field, {}).update(dict.fromkeys(finding.rule.split(", ")))
    return {field: ", ".join(names) for field, names in rules.items()}
