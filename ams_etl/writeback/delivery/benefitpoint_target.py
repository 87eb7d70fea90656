"""BenefitPoint as a target of the outbox: accounts created after a search, changed, and linked with AMS360 (B7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import psycopg

from ams_etl.errors import DataError, PermanentError, TransientError
from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.platform_accounts import (
    BenefitPointDefaults,
    account_members,
    name_of,
    new_account,
    of_customer,
    with_changes,
)
from ams_etl.rules.accounts.platform_people import (
    namesake_with_changes,
    new_person,
    person_members,
    primary_of,
    the_person,
)
from ams_etl.rules.accounts.same_accounts import may_be_named, the_same_account, word_to_search
from ams_etl.sources.benefitpoint.client import BenefitPoint, BenefitPointRefused
from ams_etl.store.agency_db import AgencyDb
from ams_etl.writeback.delivery.target import Ask, Begin, Delivered, DependencyMissing, Undecided
from ams_etl.writeback.outbox.enqueue import NewWrite, enqueue
from ams_etl.writeback.outbox.holding import NO_CUSTOMER, NO_SETTING
from ams_etl.writeback.outbox.outbox import Claimed

OPERATIONS = {
    "account": "createAccount", "update_account": "updateAccount", "link_account": "updateAccount",
    "account_contact": "createAccountContact",
}  # fmt: skip
_READ_AT_MOST = 25
"""Accounts read whole in one search."""
_NAMESPACE = UUID("7b1d0c52-8f0e-5f43-9f2e-21f0b3c4a6d8")
_Effect = Callable[[psycopg.Connection[Any]], None]


@dataclass(frozen=True, slots=True)
class _Customer:
    """The customer that an account is to name; `later`: AMS360 has refused it so far."""

    customer_id: str | None = None
    later: bool = False


@dataclass(frozen=True, slots=True)
class _CustomerWrite:
    """The write that makes a customer in AMS360."""

    status: str
    target_id: str | None


class BenefitPointTarget:
    """Carries writes out in one agency's BenefitPoint.

    Args:
        benefitpoint: an open client.
        agency: the agency id.
        defaults: what a new account needs besides; None: no account can be created.
    """

    system = "benefitpoint"
    look_up = frozenset(OPERATIONS)

    def __init__(self, benefitpoint: BenefitPoint, agency: str, defaults: BenefitPointDefaults | None) -> None:
        self._benefitpoint, self._agency, self._defaults = benefitpoint, agency, defaults

    async def carry_out(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        """See `Target`."""
        match write.operation:
            case "account":
                return await self._create(write, begin, ask)
            case "update_account":
                return await self._update(_account_of(write), write.request, begin)
            case "account_contact":
                return await self._create_person(_account_of(write), write, begin)
            case "link_account":
                return await self._link_later(write, begin, ask)
        raise PermanentError(f"no operation {write.operation!r} of BenefitPoint")

    async def _create(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        if self._defaults is None:
            raise TransientError(NO_SETTING)
        customer = await ask(lambda connection: _customer_of(connection, self._agency, write.request))
        request = write.request
        try:
            account = new_account(request["values"], request["classification"], self._defaults, customer.customer_id)
        except ValueError as error:
            raise DataError(str(error)) from None
        if write.customer_id is not None:
            return await self._exists(int(write.customer_id), "linked before", write, customer, begin)
        linked, likely = await ask(lambda connection: _known(connection, self._agency, account, customer.customer_id))
        if linked is not None:
            return Delivered(str(linked), "exists already: that customer's account", customer_id=str(linked))
        found = await self._search(account, likely)
        if write.check_first:
            ours = self._ours(account, found)
            if ours is not None:
                return self._made(ours, "found after a lost reply", write, customer)
        others = set(request.get("others") or ())
        alike = the_same_account(
            _as_read(account, 0), [_as_read(other, key) for key, other in found.items() if key not in others]
        )
        if alike and alike[0].sure:
            return await self._exists(alike[0].account_id, alike[0].reason, write, customer, begin)
        if alike:
            raise Undecided(
                "there may be an account already: "
                + "; ".join(f"{candidate.account_id} ({candidate.reason})" for candidate in alike)
                + ". If it is one of these: resolve ID --delivered --target ACCOUNT; if none of them is meant: resolve ID --again",
                alongside=(self._not_these([*others, *(candidate.account_id for candidate in alike)], write),),
            )
        await begin()
        return self._made(await self._benefitpoint.create_account(account), "created", write, customer)

    def _made(self, account_id: int, note: str, write: Claimed, customer: _Customer) -> Delivered:
        effects = (self._link_once_there(account_id, write),) if customer.later else ()
        return Delivered(str(account_id), note, customer_id=str(account_id), alongside=effects)

    async def _exists(
        self, account_id: int, reason: str, write: Claimed, customer: _Customer, begin: Begin
    ) -> Delivered:
        """Nothing of an account that was there before is changed but the customer that it names, if it names none."""
        note = f"exists already: {reason}"
        if customer.customer_id and reason != "same name and ZIP":
            await self._change(account_id, lambda there: _link(there, customer.customer_id), begin)
        return self._made(account_id, note, write, customer)

    async def _create_person(self, account_id: int, write: Claimed, begin: Begin) -> Delivered:
        """The person of a group, unless the group has them already."""
        values = write.request["values"]
        there = (await self._benefitpoint.contacts(account_id)).records
        known = the_person(there, values=values)
        if known is not None:
            note = "found after a lost reply" if write.check_first else "exists already"
            return Delivered(str(known["contact"]["contactID"]), note)
        made = new_person(values, account_id, there)
        if made is None:
            raise DataError("a contact of an account needs a first_name and a last_name")
        await begin()
        return Delivered(str(await self._benefitpoint.create_contact(made)), "created")

    async def _update(self, account_id: int, request: Mapping[str, Any], begin: Begin) -> Delivered:
        """Read, change and write an account, and the person that the event is about.

        Of a group that is one of its people, of an individual the primary contact of the same name (B6). The person comes
        first: if the account's reply is lost, the person is known by the new name.
        """
        values = request["values"]
        there = await self._benefitpoint.account_to_change(account_id)
        wanted = dict(there)
        if not request.get("person_alone"):
            wanted = with_changes(there, account_members(values, there["accountClassification"]))
        person, changed = None, None
        if there["accountClassification"] == "Group" and person_members(values):
            person = await self._person(account_id, request)
            changed = with_changes(person, {"contact": person_members(values)}) if person else None
        elif there["accountClassification"] == "Individual":
            people = (await self._benefitpoint.contacts(account_id)).records
            person, changed = namesake_with_changes(people, there, values) or (None, None)
        if wanted == there and changed == person:
            return Delivered(str(account_id), "nothing to change")
        await begin()
        if changed is not None and changed != person:
            await self._benefitpoint.update_contact(changed)
        if wanted != there:
            await self._benefitpoint.update_account(wanted)
        return Delivered(str(account_id))

    async def _person(self, account_id: int, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        there = (await self._benefitpoint.contacts(account_id)).records
        key = request.get("person")
        found = the_person(there, contact_id=key, email=request.get("email"))
        return found if found is not None or key is not None else primary_of(there)

    async def _link_later(self, write: Claimed, begin: Begin, ask: Ask) -> Delivered:
        customer = await ask(lambda connection: _customer_of(connection, self._agency, write.request))
        account_id = write.customer_id or await ask(
            lambda connection: _account_of_lane(connection, self._agency, write.request["lane"])
        )
        if customer.customer_id is None or account_id is None:
            raise TransientError("the customer or its account is not there yet")
        return await self._change(int(account_id), lambda there: _link(there, customer.customer_id), begin)

    async def _search(self, account: Mapping[str, Any], likely: set[int]) -> dict[int, Mapping[str, Any]]:
        """Find accounts of that name, and those that our own tables list, by id."""
        name = name_of(account)
        listed = await self._benefitpoint.accounts(name=word_to_search(name))
        named = {row["accountID"] for row in listed.records if may_be_named(name, row.get("accountName"))}
        found: dict[int, Mapping[str, Any]] = {}
        for account_id in sorted(named | likely, reverse=True)[:_READ_AT_MOST]:
            try:
                found[account_id] = await self._benefitpoint.account(account_id)
            except BenefitPointRefused:
                continue
        return found

    @staticmethod
    def _ours(account: Mapping[str, Any], found: Mapping[int, Mapping[str, Any]]) -> int | None:
        """The newest account that has all that we sent."""
        return next((key for key, there in found.items() if with_changes(there, account) == there), None)

    async def _change(
        self, account_id: int, changes: Callable[[Mapping[str, Any]], Mapping[str, Any]], begin: Begin
    ) -> Delivered:
        """Read, change, write the whole: what is left out of an update may be cleared."""
        there = await self._benefitpoint.account_to_change(account_id)
        wanted = with_changes(there, changes(there))
        if wanted == there:
            return Delivered(str(account_id), "nothing to change")
        await begin()
        return Delivered(str(await self._benefitpoint.update_account(wanted)))

    def _link_once_there(self, account_id: int, write: Claimed) -> _Effect:
        """AMS360 has refused the customer: the account is made without it, and names it once AMS360 has it after all."""
        later = NewWrite(
            uuid5(_NAMESPACE, f"{write.writeback_id}\x1flink"),
            write.kind,
            "link_account",
            f"link:{write.writeback_id}",
            {"ams360_writeback": write.request["ams360_writeback"]},
            str(account_id),
            event_id=write.event_id,
        )

        def effect(connection: psycopg.Connection[Any]) -> None:
            enqueue(connection, self._agency, self.system, [later], waits_for=NO_CUSTOMER)

        return effect

    def _not_these(self, account_ids: list[int], write: Claimed) -> _Effect:
        """If a user says that none of these is meant, the next try does not ask about them again."""

        def effect(connection: psycopg.Connection[Any]) -> None:
            connection.execute(
                """update ops.writebacks set request = request || jsonb_build_object('others', %s::int[])
                where agency = %s and writeback_id = %s""",
                (account_ids, self._agency, write.writeback_id),
            )

        return effect


def _account_of(write: Claimed) -> int:
    if write.customer_id is None:
        raise DependencyMissing("the contact has no account in BenefitPoint: what should have made it failed")
    return int(write.customer_id)


def _as_read(account: Mapping[str, Any], account_id: int) -> BenefitPointAccount:
    return BenefitPointAccount.from_payload({**account, "accountID": account_id})


def _link(there: Mapping[str, Any], customer_id: str | None) -> Mapping[str, Any]:
    """What makes an account name its customer; one that names another already is a person's matter."""
    named = _as_read(there, there["accountID"])
    if customer_id is None or named.ams_customer_id == customer_id.lower():
        return {}
    if named.ams_customer_id or named.ams_customer_number:
        raise PermanentError("the account names another customer of AMS360")
    return of_customer(there["accountClassification"], customer_id)


def _customer_of(connection: psycopg.Connection[Any], agency: str, request: Mapping[str, Any]) -> _Customer:
    """The customer that an account is to name: one that there is, or that another write makes."""
    if request.get("ams_customer_id"):
        return _Customer(request["ams_customer_id"])
    if not request.get("ams360_writeback"):
        return _Customer()
    write = AgencyDb(connection, agency).row(
        _CustomerWrite,
        "select status, target_id from ops.writebacks where agency = %(agency)s and writeback_id = %(id)s",
        id=UUID(request["ams360_writeback"]),
    )
    if write is None or write.status == "failed":
        return _Customer(later=write is not None)
    if write.status != "delivered" or not write.target_id:
        raise TransientError("the customer is not in AMS360 yet")
    return _Customer(write.target_id)


def _known(
    connection: psycopg.Connection[Any], agency: str, account: Mapping[str, Any], customer_id: str | None
) -> tuple[int | None, set[int]]:
    """What the mart knows: the account that this customer is linked with already, and those with the wanted email."""
    email = ((account.get("individualAccountInfo") or {}).get("email") or "").strip().lower()
    rows = connection.execute(
        """select benefitpoint_account_id, ams360_customer_id = any(%(customers)s) from mart.accounts
        where agency = %(agency)s and benefitpoint_account_id is not null
            and (ams360_customer_id = any(%(customers)s) or (%(email)s <> '' and lower(email) = %(email)s))""",
        {"agency": agency, "email": email, "customers": [customer_id, customer_id.upper()] if customer_id else []},
    ).fetchall()
    linked = [account_id for account_id, is_linked in rows if is_linked]
    return (linked[0] if linked else None), {account_id for account_id, _ in rows}


def _account_of_lane(connection: psycopg.Connection[Any], agency: str, lane: str) -> str | None:
    found: str | None = AgencyDb(connection, agency).scalar(
        """select customer_id from ops.writeback_contacts
        where agency = %(agency)s and system = 'benefitpoint' and contact_key = %(lane)s""",
        lane=lane,
    )
    return found
