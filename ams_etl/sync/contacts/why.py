"""Why: for a contact, or a customer that became no contact, each value with its rule and the source member behind it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.rules.contacts.by_hand import explain_by_hand
from ams_etl.rules.contacts.explain import explain_contact
from ams_etl.rules.model import Finding
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import column, scalar
from ams_etl.store.customer_merges import survivors_of_contacts, survivors_of_numbers
from ams_etl.store.sending.suppressions import suppressed_records
from ams_etl.sync.candidate_documents import candidate_from
from ams_etl.sync.contacts.planning.merge_groups import decisions
from ams_etl.sync.contacts.shared_addresses import over_shared_among, refused_among
from ams_etl.sync.customer_merges.merged_records import predecessors
from ams_etl.sync.interpret.registry import interpreter_for


@dataclass(frozen=True, slots=True)
class Answer:
    """A contact, or customers without one (`contact_id` None): what decided, then what each source record gave."""

    contact_id: UUID | None
    contact: tuple[Finding, ...]
    records: tuple[Finding, ...]


def why(
    connection: psycopg.Connection[Any], agency: str, asked: str, settings: RuleSettings, today: date
) -> list[Answer]:
    """Explain a contact by its id, or whatever a CustomerNumber or an email address became.

    The findings come from deriving and merging the stored records again, by the same code that a run uses.

    Args:
        connection: autocommit; nothing is written.
        agency: the agency id.
        asked: a contact id, a CustomerNumber or an email address.
        settings: the agency's rule settings.
        today: the date the rules are asked for.

    Raises:
        ConfigError: the agency knows nothing by that.
    """
    contact_ids, customer_ids = _resolve(connection, agency, asked.strip(), settings)
    if not contact_ids and not customer_ids:
        raise ConfigError(f"{agency} has no contact, customer or email address {asked!r}; sync it first")
    answers = [_of_contact(connection, agency, contact_id, settings, today) for contact_id in contact_ids]
    explained = {finding.entity_id for answer in answers for finding in answer.records}
    # Opening the records reads the agency's reference lists: not where no customer was asked for.
    findings = _findings(connection, agency, customer_ids, settings, today) if customer_ids else ()
    alone = tuple(finding for finding in findings if finding.entity_id not in explained)
    return [*answers, Answer(None, (), alone)] if alone else answers


def contacts_meant(connection: psycopg.Connection[Any], agency: str, asked: str, settings: RuleSettings) -> list[UUID]:
    """Return the contacts that a contact id, a CustomerNumber or an email address names, former ones by their id.

    Raises:
        ConfigError: the agency knows nothing by that.
    """
    contact_ids, customer_ids = _resolve(connection, agency, asked.strip(), settings)
    if not contact_ids:
        contact_ids = _former(connection, agency, asked.strip())
    if not contact_ids:
        what = "became no contact; `ams-etl why` says for which reason" if customer_ids else "is unknown; sync it first"
        raise ConfigError(f"{agency}: {asked!r} {what}")
    return contact_ids


def survivor_of(connection: psycopg.Connection[Any], agency: str, contact_id: UUID) -> UUID | None:
    """Return the contact that one which is gone became part of, by a shared email or a merge in AMS360; None: of none."""
    survivor: UUID | None = scalar(
        connection,
        """with recursive way (contact_id, step) as (
            select merged_into, 1 from mart.contact_merges where agency = %(agency)s and contact_id = %(gone)s
            union select m.merged_into, w.step + 1 from way w
            join mart.contact_merges m on m.agency = %(agency)s and m.contact_id = w.contact_id where w.step < 50)
        select m.contact_id from (
            select contact_id, 0 as step from stage.candidates
                where agency = %(agency)s and candidate_id = %(gone)s and contact_id <> candidate_id
            union all select contact_id, step from way) found
        join mart.contacts m on m.agency = %(agency)s and m.contact_id = found.contact_id
        order by found.step limit 1""",
        {"agency": agency, "gone": contact_id},
    )
    return survivor


def customers_numbered(
    connection: psycopg.Connection[Any], agency: str, number: int, settings: RuleSettings
) -> list[str]:
    """Return the ids of the customers of this number in the agency's system."""
    by_number = interpreter_for(settings).CUSTOMERS_BY_NUMBER
    return column(connection, by_number, {"agency": agency, "number": number})


def _former(connection: psycopg.Connection[Any], agency: str, asked: str) -> list[UUID]:
    """A contact that is gone, as the change feed remembers it."""
    contact_ids = column(
        connection,
        """select distinct entity_id from mart.changes
        where agency = %(agency)s and entity = 'contact' and (entity_id = lower(%(asked)s)
            or before -> 'emails' @> jsonb_build_array(jsonb_build_object('email', lower(%(asked)s))))""",
        {"agency": agency, "asked": asked},
    )
    return [UUID(contact_id) for contact_id in contact_ids]


def _resolve(
    connection: psycopg.Connection[Any], agency: str, asked: str, settings: RuleSettings
) -> tuple[list[UUID], list[str]]:
    try:
        wanted = str(UUID(asked))
        # A former id leads to the contact that it is part of now (M9, M1).
        wanted = survivors_of_contacts(connection, agency, [wanted]).get(wanted, wanted)
        return column(connection, _BY_ID, (agency, UUID(wanted))), []
    except ValueError:
        pass
    if re.fullmatch(r"[0-9]{1,9}", asked):
        customers = customers_numbered(connection, agency, int(asked), settings)
        customers = customers or list(survivors_of_numbers(connection, agency, [int(asked)]).values())
        query, key = _CONTACTS_OF_CUSTOMERS, customers
    else:
        customers, query, key = [], _CONTACTS_OF_EMAIL, [asked.lower()]
    return column(connection, query, (agency, key)), customers


_BY_ID = "select contact_id from mart.contacts where agency = %s and contact_id = %s"
_CONTACTS_OF_CUSTOMERS = """select distinct contact_id from mart.contact_sources
    where agency = %s and customer_id = any(%s) order by 1"""
_CONTACTS_OF_EMAIL = (
    "select distinct contact_id from mart.contact_emails where agency = %s and email = any(%s) order by 1"
)


def _of_contact(
    connection: psycopg.Connection[Any], agency: str, contact_id: UUID, settings: RuleSettings, today: date
) -> Answer:
    members = [
        candidate_from(document)
        for document in column(
            connection,
            "select document::text from stage.candidates where agency = %s and contact_id = %s order by candidate_id",
            (agency, contact_id),
        )
    ]
    users, overrides = decisions(connection, agency)
    own = {(member.entity, member.entity_id) for member in members}
    own |= {absorbed for member in members for absorbed in member.absorbed}
    records = _findings(connection, agency, sorted({member.customer_id for member in members}), settings, today)
    given = tuple(finding for finding in records if (finding.entity, finding.entity_id) in own)
    emails = [email for member in members for email in member.emails]
    refused, over_shared = refused_among(connection, agency, emails), over_shared_among(connection, agency, emails)
    merged = explain_contact(
        members, settings, users, overrides, refused, over_shared, predecessors(connection, agency)
    )
    merged = own_rules(merged, given, alone=len(members) == 1)
    merged = (*explain_by_hand(members, suppressed_records(connection, agency)), *merged)
    return Answer(contact_id, merged, given)


def own_rules(merged: Sequence[Finding], records: Sequence[Finding], *, alone: bool) -> tuple[Finding, ...]:
    """Return a contact's findings with the rule by which the chosen record has the value beside the rule of the choice.

    Args:
        merged: what `explain_contact` found.
        records: what the contact's records gave.
        alone: the contact has one record, which is the best of one: what it gave says all, so the choice is left out.
    """
    if alone:
        return tuple(
            finding for finding in merged if finding.rule not in {"M1", "M2", "M7"} and finding.source_field != "marks"
        )
    given = {
        (finding.entity, finding.entity_id, finding.field, finding.value): finding.rule for finding in reversed(records)
    }
    together = []
    for finding in merged:
        rule = given.get((finding.source_entity, finding.source_entity_id, finding.field, finding.value))
        together.append(finding if rule in {None, finding.rule} else replace(finding, rule=f"{finding.rule}, {rule}"))
    return tuple(together)


def _findings(
    connection: psycopg.Connection[Any], agency: str, customer_ids: Sequence[str], settings: RuleSettings, today: date
) -> tuple[Finding, ...]:
    interpretation = interpreter_for(settings).open(connection, agency, settings, today)
    return interpretation.explain(customer_ids)
