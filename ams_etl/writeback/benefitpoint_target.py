"""BenefitPoint as a target of the outbox: accounts created and changed (B7)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import PermanentError, TransientError
from ams_etl.sources.benefitpoint import BenefitPoint, Refused
from ams_etl.writeback.outbox import Claimed
from ams_etl.writeback.target import Ask, Begin, Delivered, DependencyMissing

_READ_AT_MOST = 25
"""Accounts of one name read whole after a lost reply."""


class BenefitPointTarget:
    """Carries writes out in one agency's BenefitPoint.

    Args:
        benefitpoint: an open client.
        agency: the agency id.
    """

    system = "benefitpoint"
    look_up = frozenset({"account", "update_account"})

    def __init__(self, benefitpoint: BenefitPoint, agency: str) -> None:
        self._benefitpoint, self._agency = benefitpoint, agency

    async def carry_out(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        """See `Target`."""
        match write.operation:
            case "account":
                return await self._create(write, begin, ask)
            case "update_account":
                return await self._change(write.request["account_id"], write.request["Account"], begin)
        raise PermanentError(f"no operation {write.operation!r} of BenefitPoint")

    async def _create(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        account = dict(write.request["Account"])
        made_in_ams360 = write.request.get("ams360_writeback")
        if made_in_ams360:
            customer_id = await ask(lambda connection: _customer_of(connection, self._agency, UUID(made_in_ams360)))
            known = await ask(lambda connection: _account_of(connection, self._agency, customer_id))
            if known is not None:
                return Delivered(str(known), "that customer has an account already")
            info = "groupAccountInfo" if account.get("groupAccountInfo") else "individualAccountInfo"
            account[info] = {**account[info], "accountIntegrationInfo": {"amsCustomerId": customer_id}}
        if write.check_first:
            found = await self._ours(account)
            if found is not None:
                return Delivered(str(found), "found after a lost reply")
        await begin()
        return Delivered(str(await self._benefitpoint.create_account(account)))

    async def _ours(self, account: Mapping[str, Any]) -> int | None:
        """The account that has all that we sent."""
        listed = await self._benefitpoint.accounts(name=_name_of(account))
        for row in listed.records[-_READ_AT_MOST:]:
            try:
                there = await self._benefitpoint.account(row["accountID"])
            except Refused:
                continue
            if _merged(there, account) == there:
                return int(row["accountID"])
        return None

    async def _change(self, account_id: int, changes: Mapping[str, Any], begin: Begin) -> Delivered:
        """Read, change, write the whole: what is left out of an update may be cleared."""
        there = await self._benefitpoint.account_to_change(account_id)
        wanted = _merged(there, changes)
        if wanted == there:
            return Delivered(str(account_id), "nothing to change")
        await begin()
        return Delivered(str(await self._benefitpoint.update_account(wanted)))


def _customer_of(connection: psycopg.Connection[Any], agency: str, writeback_id: UUID) -> str:
    """The customer that another write made in AMS360."""
    row = connection.execute(
        "select status, target_id from ops.writebacks where agency = %s and writeback_id = %s", (agency, writeback_id)
    ).fetchone()
    if row is None or row[0] == "failed":
        raise DependencyMissing(f"the customer was not created in AMS360 ({writeback_id})")
    if row[0] != "delivered" or not row[1]:
        raise TransientError("the customer is not in AMS360 yet")
    return str(row[1])


def _account_of(connection: psycopg.Connection[Any], agency: str, customer_id: str) -> int | None:
    """The account that this customer is linked with already, as after a search for duplicates (W12)."""
    row = connection.execute(
        """select benefitpoint_account_id from mart.accounts
        where agency = %s and ams360_customer_id = %s and benefitpoint_account_id is not null limit 1""",
        (agency, customer_id),
    ).fetchone()
    return int(row[0]) if row else None


def _name_of(account: Mapping[str, Any]) -> str:
    if account.get("groupAccountInfo"):
        return str(account["groupAccountInfo"]["accountName"])
    person = account["individualAccountInfo"]["personInfo"]
    return f"{person['firstName']} {person['lastName']}"


def _merged(there: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(there)
    for name, value in changes.items():
        before = merged.get(name)
        merged[name] = _merged(before or {}, value) if isinstance(value, Mapping) else value
    return merged
