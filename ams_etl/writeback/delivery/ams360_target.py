"""AMS360 as a target of the outbox: one coroutine an operation of the rules.

Customers are read before they are changed, and looked for before they are created; suspenses and policies are found
again by their marker. Activities and notes can only be inserted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from ams_etl.errors import PermanentError
from ams_etl.rules.accounts.benefit_plans import NO_POLICIES
from ams_etl.rules.writeback.certainty import after_loss
from ams_etl.rules.writeback.customers import SameCustomer
from ams_etl.rules.writeback.existing import changes_of_existing
from ams_etl.rules.writeback.properties import differing
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.sources.ams360 import SECRETS, Ams360
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.merge import RawTable, Record, merge_records
from ams_etl.writeback.delivery.duplicates import DuplicateSearch
from ams_etl.writeback.delivery.target import Ask, Begin, Contended, Delivered, DependencyMissing
from ams_etl.writeback.outbox.outbox import Claimed

OPERATIONS = {
    "note": "CustomerNoteInsert",
    "activity": "CustomerActivityInsert",
    "suspense": "CustomerSuspenseInsert",
    "complete_suspense": "CustomerSuspenseUpdate",
    "customer": "CustomerInsert",
    "update_customer": "CustomerUpdate",
    "policy": "PolicyInsert",
    "plan_policy": "PolicyInsert",
}
"""What each operation of the rules is in AMS360; a customer that is there already is updated, where that raises it."""
_CUSTOMERS = RawTable("raw_ams360", "customers")
_TRIES_TO_CHANGE = 4


@dataclass(frozen=True, slots=True)
class _Attachment:
    file_name: str
    content_type: str
    content: bytes


class Ams360Target:
    """Carries writes out in one agency's AMS360.

    Args:
        ams360: an open client.
        agency: the agency id.
        settings: chunk sizes.
    """

    system = "ams360"
    look_up = frozenset(operation for operation in OPERATIONS if after_loss(operation) == "look_up")

    def __init__(self, ams360: Ams360, agency: str, settings: WritebackSettings) -> None:
        self._ams360, self._agency, self._settings = ams360, agency, settings

    async def carry_out(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        """See `Target`."""
        if write.operation == "customer":
            return await self._customer(write, begin, ask)
        if write.customer_id is None:
            raise DependencyMissing("the contact is not a customer of AMS360: what should have created it failed")
        if write.depends_on is not None and write.depends_status != "delivered":
            raise DependencyMissing(f"what it depends on is {write.depends_status or 'gone'}: {write.depends_on}")
        customer_id = write.customer_id
        match write.operation:
            case "note":
                await begin()
                return await self._insert("CustomerNote", customer_id, write.request["CustomerNote"], "NoteId")
            case "activity":
                return await self._activity(write, customer_id, begin, ask)
            case "suspense":
                return await self._suspense(write, customer_id, begin)
            case "complete_suspense":
                return await self._complete(write, begin)
            case "update_customer":
                members = write.request["Customer"]
                return await self._change(customer_id, lambda before: differing(members, before), begin)
            case "policy":
                return await self._policy(write, customer_id, begin)
            case "plan_policy":
                return await self._plan_policy(write, customer_id, begin, ask)
        raise PermanentError(f"no operation {write.operation!r} of AMS360")

    async def _insert(self, record: str, customer_id: str, members: Mapping[str, Any], key: str) -> Delivered:
        decoded = await self._ams360.write(f"{record}Insert", **{record: {**members, "CustomerId": customer_id}})
        return Delivered((decoded.value or {}).get(key))

    async def _activity(self, write: Claimed, customer_id: str, begin: Begin, ask: Ask) -> Delivered:
        activity = dict(write.request["CustomerActivity"])
        numbers = write.request.get("attachments") or []
        if numbers:
            # An uploaded file is attached once only: after a half success all are uploaded again.
            activity["Attachments"] = [await self._upload(await self._file(write, number, ask)) for number in numbers]
        await begin()
        return await self._insert("CustomerActivity", customer_id, activity, "ActivityId")

    async def _file(self, write: Claimed, number: int, ask: Ask) -> _Attachment:
        """One at a time: an event's files together may be large."""
        found = await ask(lambda connection: _read_file(connection, self._agency, write, number))
        if found is None:
            raise PermanentError("a file of this event is no longer in ops.event_attachments")
        return found

    async def _upload(self, file: _Attachment) -> dict[str, Any]:
        size = self._settings.chunk_bytes
        chunks = [file.content[at : at + size] for at in range(0, len(file.content), size)]
        begun = await self._ams360.write("FileChunkBegin", NumberOfChunks=len(chunks), TotalBytes=len(file.content))
        stage = (begun.value or {})["DocStageId"]
        for number, data in enumerate(chunks, start=1):
            await self._ams360.write(
                "FileChunkSend", FileChunk={"DocStageId": stage, "Data": data, "SequenceNumber": number}
            )
        ended = await self._ams360.write("FileChunkEnd", DocStageId=stage)
        return {
            "Doc360DocumentId": (ended.value or {})["Doc360DocumentId"],
            "Description": file.file_name,
            "DocumentType": file.content_type,
            "SourceFileName": file.file_name,
            "TotalBytes": len(file.content),
        }

    async def _suspense(self, write: Claimed, customer_id: str, begin: Begin) -> Delivered:
        if write.check_first:
            listed = await self._ams360.read("CustomerSuspenseGetListByCustomerId", CustomerId=customer_id)
            for row in (listed.value or {}).get("SuspenseList") or ():
                if write.request["marker"] in (row.get("Description") or ""):
                    return Delivered(row["SuspenseId"], "found by its marker")
        await begin()
        suspense = {**write.request["Suspense"], "CustomerId": customer_id}
        decoded = await self._ams360.write("CustomerSuspenseInsert", Suspense=suspense)
        return Delivered((decoded.value or {}).get("SuspenseId"))

    async def _complete(self, write: Claimed, begin: Begin) -> Delivered:
        key = write.depends_target
        read = await self._ams360.read("CustomerSuspenseGetBySuspenseId", SuspenseId=key)
        suspense = (read.value or {}).get("Suspense")
        if suspense is None:
            raise PermanentError("the suspense is no longer in AMS360")
        if suspense.get("IsCompleted"):
            return Delivered(key, "completed already")
        await begin()
        await self._ams360.write("CustomerSuspenseUpdate", Suspense={**suspense, "IsCompleted": True})
        return Delivered(key)

    async def _policy(self, write: Claimed, customer_id: str, begin: Begin) -> Delivered:
        policy = write.request["Policy"]
        rows = await self._same_policies(customer_id, policy)
        if rows:
            there = str(rows[0]["PolicyId"])
            # Ours, of which the reply was lost, is a shell; one that somebody else entered is not.
            if write.check_first:
                return self._shell(there, customer_id, "found by its number")
            return Delivered(there, "a policy of this number and date exists already")
        await begin()
        decoded = await self._ams360.write("PolicyInsert", Policy={**policy, "CustomerId": customer_id})
        return self._shell((decoded.value or {})["PolicyId"], customer_id, None)

    async def _plan_policy(self, write: Claimed, customer_id: str, begin: Begin, ask: Ask) -> Delivered:
        """B5: a plan of BenefitPoint as a policy, once; the two are linked with the outcome.

        One contract of a carrier is often several plans, one for each line, with one number and one first day: what is
        another plan's policy is not taken for this one's.
        """
        policy, plan_id = write.request["Policy"], write.request["plan_id"]
        rows = await self._same_policies(customer_id, policy)
        same = [str(row["PolicyId"]) for row in rows if row.get("PolicySubType") not in NO_POLICIES]
        taken = await ask(lambda connection: _of_other_plans(connection, self._agency, plan_id, same)) if same else ()
        key = next((policy_id for policy_id in same if policy_id.lower() not in taken), None)
        note = "a policy of this number and date exists already"
        if key is None:
            await begin()
            decoded = await self._ams360.write("PolicyInsert", Policy={**policy, "CustomerId": customer_id})
            key, note = (decoded.value or {})["PolicyId"], ""

        def remember(connection: psycopg.Connection[Any]) -> None:
            connection.execute(
                """insert into ops.plan_links (agency, benefitpoint_plan_id, ams360_policy_id) values (%s, %s, %s)
                on conflict (agency, benefitpoint_plan_id) do update set ams360_policy_id = excluded.ams360_policy_id""",
                (self._agency, plan_id, key),
            )

        return Delivered(key, note or None, alongside=(remember,))

    async def _same_policies(self, customer_id: str, policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The customer's policies of this number, however it is spelt, that begin on the same day."""
        listed = await self._ams360.policies(customer_id)
        return [
            row
            for row in listed.records
            if _bare(row.get("PolicyNumber")) == _bare(policy["PolicyNumber"])
            and (row.get("PolicyEffectiveDate") or "")[:10] == policy["PolicyEffectiveDate"][:10]
        ]

    def _shell(self, policy_id: str, customer_id: str, note: str | None) -> Delivered:
        """Remembered with the outcome, so that no sync takes the shell for business (L1, W8)."""

        def remember(connection: psycopg.Connection[Any]) -> None:
            connection.execute(
                "insert into ops.policy_shells (agency, policy_id) values (%s, %s) on conflict do nothing",
                (self._agency, policy_id),
            )
            # A sync may have seen the policy between its insert and now.
            mark_customers(AgencyDb(connection, self._agency), [customer_id])

        return Delivered(policy_id, note, alongside=(remember,))

    async def _customer(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        wanted = write.request["Customer"]
        same = SameCustomer(write.customer_id, "known customer") if write.customer_id else None
        same = same or await DuplicateSearch(self._ams360, self._agency, ask).find(wanted, ours=write.check_first)
        if same is None:
            await begin()
            decoded = await self._ams360.write("CustomerInsert", Customer=wanted)
            key = (decoded.value or {})["CustomerId"]
            return Delivered(key, "created", customer_id=key)
        given = write.request.get("given") or ()
        delivered = await self._change(
            same.customer_id, lambda before: changes_of_existing(wanted, given, before), begin
        )
        note = f"exists already: {same.reason}; {delivered.note or 'raised or filled in'}"
        return Delivered(same.customer_id, note, customer_id=same.customer_id, alongside=delivered.alongside)

    async def _change(
        self, customer_id: str, changes: Callable[[Mapping[str, Any]], Mapping[str, Any]], begin: Begin
    ) -> Delivered:
        """Read, change, write the whole, compare; start over where somebody else changed it meanwhile.

        Args:
            customer_id: whose record.
            changes: returns the members to change of the customer as it is.
            begin: awaited before the write.
        """
        for _ in range(_TRIES_TO_CHANGE):
            before = await self._ams360.customer_to_change(customer_id)
            different = changes(before)
            if not different:
                return Delivered(customer_id, "nothing to change", customer_id=customer_id)
            if await self._ams360.customer_to_change(customer_id) != before:
                continue
            await begin()
            await self._ams360.write("CustomerUpdate", Customer={**before, **different})
            after = await self._ams360.customer_to_change(customer_id)
            return Delivered(
                customer_id,
                _comparison(before, different, after),
                customer_id=customer_id,
                alongside=(self._refresh(customer_id, after),),
            )
        raise Contended("the customer is being changed by somebody else; its change is tried again later")

    def _refresh(self, customer_id: str, customer: Mapping[str, Any]) -> Any:
        """Raw gets the customer as it is now, with the outcome: the next sync finds nothing new, so there is no echo."""
        payload = {name: value for name, value in customer.items() if name not in SECRETS["Customer"]}

        def refresh(connection: psycopg.Connection[Any]) -> None:
            is_known = AgencyDb(connection, self._agency).scalar(
                """select exists (select from raw_ams360.customers
                where agency = %(agency)s and entity_id = %(id)s and deleted_at is null)""",
                id=customer_id,
            )
            # One that no sync has seen yet is left to the next one, which reads its dependent records as well.
            if is_known:
                record = Record(customer_id, customer_id, payload)
                merge_records(connection, _CUSTOMERS, self._agency, [record], seen_at=datetime.now(UTC))
                mark_customers(AgencyDb(connection, self._agency), [customer_id])

        return refresh


def _comparison(before: Mapping[str, Any], different: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Names of members that are not as they should be after a write, for people; no values."""
    kept = sorted(differing(different, after))
    others = sorted(
        name for name in {*before, *after} - set(different) if (before.get(name) or None) != (after.get(name) or None)
    )
    told = [f"AMS360 did not take {', '.join(kept)}"] if kept else []
    return "; ".join([*told, *([f"also changed meanwhile: {', '.join(others)}"] if others else [])]) or None


def _read_file(connection: psycopg.Connection[Any], agency: str, write: Claimed, number: int) -> _Attachment | None:
    # A number is a place in the list of the event's files, whatever numbers a person gave them.
    return AgencyDb(connection, agency).row(
        _Attachment,
        """select file_name, content_type, content from ops.event_attachments
        where agency = %(agency)s and event_id = %(event)s order by attachment_no limit 1 offset %(number)s""",
        event=write.event_id,
        number=number,
    )


def _of_other_plans(connection: psycopg.Connection[Any], agency: str, plan_id: int, keys: Sequence[str]) -> set[str]:
    """Return those of these policies that were made of another plan or that another one names, in lower case."""
    others = AgencyDb(connection, agency).column(
        """select lower(ams360_policy_id) from ops.plan_links
            where agency = %(agency)s and benefitpoint_plan_id <> %(plan)s and lower(ams360_policy_id) = any(%(keys)s)
        union select lower(trim(both '{}' from payload #>> '{policyIntegrationInfo,amsPolicyID}'))
            from raw_benefitpoint.plans where agency = %(agency)s and entity_id::int <> %(plan)s and deleted_at is null
                and lower(trim(both '{}' from payload #>> '{policyIntegrationInfo,amsPolicyID}')) = any(%(keys)s)""",
        plan=plan_id,
        keys=[key.lower() for key in keys],
    )
    return set(others)


def _bare(number: str | None) -> str:
    return "".join(letter for letter in number or "" if letter.isalnum()).upper()
