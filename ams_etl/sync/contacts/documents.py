"""Contacts as the JSON documents that stage and the change feed hold."""

from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from ams_etl.rules.model import Candidate, Contact

_DOCUMENT = TypeAdapter(dict[str, Any])
"""pydantic's serializer writes the same bytes as `json.dumps` without blanks, in a quarter of the time."""


def contact_json(contact_id: UUID, contact: Contact) -> bytes:
    """A contact with its satellite rows, keyed as the `mart` tables and their columns are.

    The lists are in a fixed order, so equal contacts give equal bytes.
    """
    address = contact.address
    emails = contact.emails
    document: dict[str, Any] = {
        "contact_id": str(contact_id),
        "record_type": contact.record_type,
        "status": contact.status,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "nickname": contact.nickname,
        "middle_name": contact.middle_name,
        "company_name": contact.company_name,
        "email": emails[0] if emails else None,
        "phone": contact.phones[0].number if contact.phones else None,
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
        "country": address.country,
        "birthday": _iso(contact.birthday),
        "owner_user_id": contact.owner_user_id,
        "owner_role": contact.owner_role,
        "suppressed_reason": contact.suppressed_reason,
        "emails": [{"email": email, "is_primary": not at} for at, email in enumerate(emails)],
        "phones": [
            {"phone": phone.number, "kind": phone.kind, "extension": phone.extension, "is_primary": not at}
            for at, phone in enumerate(contact.phones)
        ],
        "sources": [source for candidate in contact.sources for source in _sources(candidate)],
        "tags": [{"tag": tag.tag, "category": tag.category} for tag in contact.tags],
        "key_facts": [
            {
                "kind": fact.kind,
                "fact_date": _iso(fact.fact_date),
                "label": fact.label,
                "policy_id": fact.policy_id,
                "is_continuous": fact.is_continuous,
            }
            for fact in contact.key_facts
        ],
        "connections": [
            {
                "connection_type": connection.connection_type,
                "employee_code": connection.employee_code,
                "employee_name": connection.employee_name,
                "user_id": connection.user_id,
                "rank": connection.rank,
            }
            for connection in contact.connections
        ],
    }
    return _DOCUMENT.dump_json(document)


def _sources(candidate: Candidate) -> list[dict[str, str]]:
    own = (candidate.entity, candidate.entity_id, candidate.role)
    absorbed = ((entity, entity_id, "contact") for entity, entity_id in candidate.absorbed)
    return [
        {
            "system": candidate.system,
            "entity": entity,
            "entity_id": entity_id,
            "customer_id": candidate.customer_id,
            "role": role,
        }
        for entity, entity_id, role in (own, *absorbed)
    ]


def _iso(day: Any) -> str | None:
    return None if day is None else str(day.isoformat())
