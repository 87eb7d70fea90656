"""What would be written: the records as AMS360 and BenefitPoint would get them, with nothing sent and nothing kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.accounts.platform_accounts import BenefitPointDefaults, account_members, new_account
from ams_etl.rules.accounts.platform_people import person_members
from ams_etl.settings import Agency
from ams_etl.writeback.delivery import ams360_target, benefitpoint_target
from ams_etl.writeback.planning.expand import expand_events


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """One write: the system's operation, and its arguments by the system's own names.

    Attributes:
        record_id: the customer or the account that it is about; None: it is to be created.
        arguments: what is sent; for a change, the members that change.
        remark: what is looked up before, or what it waits for.
    """

    writeback_id: UUID
    system: str
    kind: str
    operation: str
    record_id: str | None
    arguments: dict[str, Any]
    remark: str | None


_REMARKS = {
    "customer": "after a search for duplicates; one that is there has its CustomerType raised at most",
    "update_customer": "the whole Customer is read and written back, with these members changed",
    "complete_suspense": "the suspense is read and written back, with IsCompleted set",
    "account": "after a search for duplicates; one that is there stays as it is",
    "account_contact": "after the account; one of its people who has the email or the name is left as it is",
    "update_account": "the whole Account is read and written back, with these members changed",
    "link_account": "the whole Account is read and written back, with the amsCustomerId of its customer",
}


def planned_records(
    connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo | None
) -> Iterator[PlannedRecord]:
    """Everything that waits, and what the events that are due would add; the database is left as it was."""
    for writeback_id, system, kind, operation, record_id, request, error, classification in _rows(
        connection, agency, zone
    ):
        remark = _REMARKS.get(operation)
        if system == "benefitpoint":
            told = benefitpoint_target.OPERATIONS.get(operation, operation)
            arguments, mistake = _account_arguments(agency, operation, request, classification)
            remark = mistake or "; ".join(text for text in (error, remark) if text) or None
        else:
            told = ams360_target.OPERATIONS.get(operation, operation)
            arguments = _ams360_arguments(operation, request, record_id)
            files = request.get("attachments")
            remark = f"with {len(files)} files, uploaded before" if files else remark
        yield PlannedRecord(writeback_id, system, kind, told, record_id, arguments, remark)


def _ams360_arguments(operation: str, request: Mapping[str, Any], customer_id: str | None) -> dict[str, Any]:
    arguments = {name: value for name, value in request.items() if isinstance(value, dict)}
    for record in arguments.values():
        if operation not in {"customer", "complete_suspense"}:
            record["CustomerId"] = customer_id
    return arguments


def _account_arguments(
    agency: Agency, operation: str, request: Mapping[str, Any], classification: str | None
) -> tuple[dict[str, Any], str | None]:
    """The Account, and what speaks against it."""
    if operation == "link_account":
        return {}, None
    if operation == "account_contact":
        return {"contact": {"contact": person_members(request["values"])}}, None
    if operation == "update_account":
        return {"account": account_members(request["values"], classification or "Individual")}, None
    chosen = agency.benefitpoint.new_accounts if agency.benefitpoint else None
    # Without the settings, what they would add is left out.
    defaults = BenefitPointDefaults(**chosen.model_dump()) if chosen else None
    try:
        wanted = request["classification"]
        account = (
            new_account(request["values"], wanted, defaults, request.get("ams_customer_id"))
            if defaults
            else {"accountClassification": wanted, **account_members(request["values"], wanted)}
        )
    except ValueError as error:
        return {}, f"would fail: {error}"
    return {"account": account}, None


def _rows(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo | None) -> list[Any]:
    with connection.transaction(force_rollback=True):
        expand_events(connection, agency, zone)
        return connection.execute(
            """select w.writeback_id, w.system, w.kind, w.operation, w.customer_id, w.request, w.error,
                coalesce(a.payload ->> 'accountClassification', (
                    select c.request ->> 'classification' from ops.writebacks c where c.agency = w.agency
                    and c.system = w.system and c.lane = w.lane and c.operation = 'account' and c.status <> 'delivered'
                    order by c.position limit 1))
            from ops.writebacks w left join raw_benefitpoint.accounts a
                on w.system = 'benefitpoint' and a.agency = w.agency and a.entity_id = w.customer_id
            where w.agency = %s and w.status in ('waiting', 'pending') order by w.position""",
            (agency.id,),
        ).fetchall()
