"""How a contact can be reached, and who refused which way: what `mart.may_send` decides from, address by address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from ams_etl.store.sending.consents import Channel, ConsentSource


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no: which source holds it, since when, and what shows it."""

    source: ConsentSource
    at: datetime
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Way:
    """A channel and an address of a contact, and who refused it; `address` is the contact's id for mail."""

    channel: Channel
    address: str
    is_primary: bool
    refusals: tuple[Refusal, ...]


def ways_to(connection: psycopg.Connection[Any], agency: str, contact_id: UUID) -> list[Way]:
    """Return every way to a contact: its emails, its numbers for text and phone, and mail where it has an address."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_WAYS, {"agency": agency, "contact": contact_id}).fetchall()
    found: dict[tuple[Channel, str], Way] = {}
    for row in rows:
        key = (row["channel"], row["address"])
        known = found.get(key) or Way(*key, row["is_primary"], ())
        if row["source"] is not None:
            refusal = Refusal(row["source"], row["at"], row["evidence"])
            known = Way(*key, known.is_primary, (*known.refusals, refusal))
        found[key] = known
    return list(found.values())


_WAYS = """with ways as (
    select 1 as place, 'email' as channel, email as address, is_primary from mart.contact_emails
        where agency = %(agency)s and contact_id = %(contact)s
    union all select kind.place, kind.channel, phone, bool_or(is_primary)
        from mart.contact_phones cross join (values (2, 'text'), (3, 'phone')) kind (place, channel)
        where agency = %(agency)s and contact_id = %(contact)s group by 1, 2, 3
    union all select 4, 'mail', contact_id::text, true from mart.contacts
        where agency = %(agency)s and contact_id = %(contact)s and address1 is not null)
select w.channel, w.address, w.is_primary, c.source, c.at, c.evidence from ways w
left join ops.consents c on c.agency = %(agency)s and c.channel = w.channel and c.answer = 'no' and c.address in (
    w.address, lower(w.address), 'sha256:' || encode(sha256(convert_to(lower(w.address), 'UTF8')), 'hex'))
order by w.place, w.is_primary desc, w.address, c.at, c.source"""
