"""Read one customer with all beneath, as AMS360 answers: its records, what of it is unreadable, whether it is gone."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from operator import methodcaller
from typing import Any

from ams_etl.errors import DataError
from ams_etl.sources.ams360 import Ams360, Ams360Refused
from ams_etl.sources.calling.answers import Listing
from ams_etl.sources.calling.faults import BusinessFault, GeneralFault
from ams_etl.store.merge import Record
from ams_etl.sync.extract.owner_read import OwnerRead, answer_or_error
from ams_etl.sync.raw.ams360_tables import CUSTOMER_CONTACTS, CUSTOMER_DEPENDENTS, CUSTOMERS, ID_MEMBERS, POLICIES

MOST_POLICIES = 5_000
"""A customer with more policies is quarantined; each policy is a call and some 10 kB of memory."""
_MANY_POLICIES = 500
"""Customers with more policies are read one at a time, so that several together do not fill the memory."""


@dataclass(slots=True)
class CustomerRead(OwnerRead):
    """One customer as AMS360 answered; `gone` says that it answered there is none, `read_at` when reading it began."""

    read_at: datetime
    gone: bool = False
    unread_policies: set[str] = field(default_factory=set)
    """Ids of policies that could not be read; "" where not even the id is known."""


async def read_customer(
    ams360: Ams360, customer_id: str, read_at: datetime, large: asyncio.Lock | None = None
) -> CustomerRead:
    """Read everything of one customer; a record that cannot be read is quarantined with its reason.

    Args:
        ams360: where it is read.
        customer_id: whose records.
        read_at: when reading it began.
        large: held while a customer with many policies is read; None where customers are read one at a time.

    Raises:
        TransientError, PermanentError: AMS360 as a whole does not answer, or refuses us.
    """
    found = CustomerRead(customer_id, read_at)
    answers = customer, contacts, dependents, policies = await asyncio.gather(
        _or_error(ams360.customer(customer_id)),
        _or_error(ams360.customer_contacts(customer_id)),
        _or_error(ams360.customer_dependents(customer_id)),
        _or_error(_policies(ams360, customer_id, found, large or asyncio.Lock())),
    )
    found.fault = next((answer for answer in answers if isinstance(answer, GeneralFault)), found.fault)
    # An empty answer does not say that the customer is gone: a business fault does.
    if isinstance(customer, Ams360Refused) and customer.fault is not None:
        found.gone = True
        return found
    if isinstance(customer, Exception):
        found.quarantine(CUSTOMERS, customer_id, "unreadable", customer)
    else:
        found.rows[CUSTOMERS] = [Record(customer_id, customer_id, customer)]
    for table, listing in (
        (CUSTOMER_CONTACTS, contacts), (CUSTOMER_DEPENDENTS, dependents), (POLICIES, policies),
    ):  # fmt: skip
        rejected = found.add_listing(table, listing, methodcaller("get", ID_MEMBERS[table.name]))
        if table is POLICIES:
            found.unread_policies.update(row.entity_id or "" for row in rejected)
    return found


async def _policies(ams360: Ams360, customer_id: str, found: CustomerRead, large: asyncio.Lock) -> Listing:
    listed = await ams360.policies(customer_id)
    ids = [row["PolicyId"] for row in listed.records if row.get("PolicyId")]
    if not ids:
        return listed
    if len(ids) > MOST_POLICIES:
        raise DataError(f"the customer has {len(ids):,} policies; at most {MOST_POLICIES:,} are read")
    async with large if len(ids) > _MANY_POLICIES else nullcontext():
        answers = await asyncio.gather(*(_or_error(ams360.policy(policy_id)) for policy_id in ids))
    records = found.readable(POLICIES, zip(ids, answers, strict=True), Ams360Refused)
    for policy_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, Exception) and not isinstance(answer, Ams360Refused):
            found.unread_policies.add(policy_id)
        if isinstance(answer, GeneralFault):
            found.fault = answer
    return Listing(records, listed.rejected)


async def _or_error(call: Any) -> Any:
    return await answer_or_error(call, DataError, BusinessFault, GeneralFault)
