"""Search for a customer before it is created (W6, W12): by email in Postgres, by phone and by name in AMS360.

AMS360 cannot be searched by email, and its lists carry none. Raw has the emails of all customers that a sync has read,
inactive and skipped ones included. So only listed customers that raw lacks are read, a few at most.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from ams_etl.rules.writeback.customers import (
    SHARED_EMAIL_LIMIT,
    SameCustomer,
    identifying_emails,
    may_be_same,
    name_to_search,
    of_one_name,
    same_customer,
    seniority,
)
from ams_etl.rules.writeback.properties import differing
from ams_etl.sources.ams360 import Ams360, Ams360Refused
from ams_etl.store.agency_db import AgencyDb
from ams_etl.writeback.delivery.target import Ask
from ams_etl.writeback.planning.contacts import read_book

Customer = Mapping[str, Any]
_READ_AT_MOST = 25
"""Customers read whole in one search."""


class DuplicateSearch:
    """One search for one customer.

    Args:
        ams360: an open client.
        agency: the agency id.
        ask: reads our own Postgres.
    """

    def __init__(self, ams360: Ams360, agency: str, ask: Ask) -> None:
        self._ams360, self._agency, self._ask = ams360, agency, ask
        self._found: dict[str, Customer] = {}
        self._reads = 0

    async def find(self, wanted: Customer, *, ours: bool) -> SameCustomer | None:
        """Return the customer that is to be created, if it exists already.

        Args:
            wanted: the Customer to create.
            ours: it was sent before and the reply was lost: one that has all that was sent is it.
        """
        emails = sorted(identifying_emails(wanted.get("Email")))
        holders = await self._ask(lambda connection: _holders(connection, self._agency, emails)) if emails else []
        if len(holders) > SHARED_EMAIL_LIMIT:
            wanted = {**wanted, "Email": None}
        elif emails:
            known = await self._ask(lambda connection: _crosswalk(connection, self._agency, emails))
            if known:
                return SameCustomer(known, "same email in the mart")
            for key in holders:
                await self._read(key)
            if same := self._best(wanted):
                return same
        await self._search_by_phone(wanted)
        await self._search_by_name(wanted)
        if same := self._best(wanted):
            return same
        # Our own insert, of which the reply was lost, has all that we sent.
        sent = [key for key, customer in self._found.items() if ours and not differing(wanted, customer)]
        return SameCustomer(sent[0], "found after a lost reply") if sent else None

    def _best(self, wanted: Customer) -> SameCustomer | None:
        same = [(one, customer) for customer in self._found.values() if (one := same_customer(wanted, customer))]
        if not same:
            return None
        return min(same, key=lambda pair: (not may_be_same(wanted, pair[1]), seniority(pair[1])))[0]

    async def _search_by_phone(self, wanted: Customer) -> None:
        for kind in ("Cell", "Home", "Business"):
            number = f"{wanted.get(f'{kind}AreaCode') or ''}{wanted.get(f'{kind}Phone') or ''}"
            if len(number) >= 10:
                searched = await self._ams360.read("SearchByPhoneNumber", PhoneNumber=number)
                for row in ((searched.value or {}).get("SearchResultInfoList") or ())[:_READ_AT_MOST]:
                    if row.get("EntityType") == "Customer" and row.get("EntityId"):
                        await self._read(row["EntityId"])

    async def _search_by_name(self, wanted: Customer) -> None:
        """Take from raw what it has; read the others, those of the same first name and place before the rest."""
        listed = await self._ams360.customers_by_prefix(name_to_search(wanted))
        rows = {str(row["CustomerId"]): row for row in listed.records if of_one_name(wanted, row)}
        stored = await self._ask(lambda connection: _stored(connection, self._agency, rows))
        place = (wanted.get("ZipCode") or "-")[:5]
        new = [row for key, row in rows.items() if key not in stored]
        new.sort(key=lambda row: (not may_be_same(wanted, row), (row.get("ZipCode") or "")[:5] != place))
        for key, customer in stored.items():
            self._found.setdefault(key, customer)
        self._reads = 0
        for row in new:
            await self._read(str(row["CustomerId"]))

    async def _read(self, key: str) -> None:
        """Read a customer whole, unless it is known or too many were read; one that is gone is not found."""
        if key in self._found or self._reads >= _READ_AT_MOST:
            return
        self._reads += 1
        try:
            self._found[key] = await self._ams360.customer(key)
        except Ams360Refused:
            return


def _crosswalk(connection: psycopg.Connection[Any], agency: str, emails: Iterable[str]) -> str | None:
    references: list[dict[str, Any]] = [{"email": email} for email in emails]
    book = read_book(AgencyDb(connection, agency), "ams360", [(reference, None) for reference in references])
    places = (book.place("note", reference) for reference in references)
    return next((place.customer_id for place in places if place and place.customer_id), None)


def _holders(connection: psycopg.Connection[Any], agency: str, emails: list[str]) -> list[str]:
    """The customers in raw that have one of these addresses, one more than may share it at most."""
    return AgencyDb(connection, agency).column(
        r"""select entity_id from raw_ams360.customers
        where regexp_split_to_array(lower(payload ->> 'Email'), '[;,|/\s]+') && %(emails)s::text[]
            and deleted_at is null and agency = %(agency)s order by entity_id limit %(limit)s""",
        emails=emails,
        limit=SHARED_EMAIL_LIMIT + 1,
    )


def _stored(connection: psycopg.Connection[Any], agency: str, keys: Iterable[str]) -> dict[str, Customer]:
    """Those of these customers that raw has."""
    return dict(
        connection.execute(
            """select entity_id, payload from raw_ams360.customers
            where agency = %s and entity_id = any(%s) and deleted_at is null""",
            (agency, list(keys)),
        ).fetchall()
    )
