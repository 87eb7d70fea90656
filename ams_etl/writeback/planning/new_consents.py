"""Keep what the platform's events say of consent (`consent_changed`) in `ops.consents`; no system is written to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.rules.reach.consent_address import consent_address
from ams_etl.settings import Agency
from ams_etl.store.sending.consents import Consent, store_consents
from ams_etl.writeback.planning.readable_events import ReadableEvent

KIND = "consent_changed"


def keep_consents(connection: psycopg.Connection[Any], agency: Agency, events: Sequence[ReadableEvent]) -> None:
    """Store the answers of these events; each event is done, or refused where its address does not fit its channel.

    Args:
        connection: inside the transaction of the batch.
        agency: the agency, for the country of a number without one.
        events: of kind `consent_changed`.
    """
    answers = []
    for event in events:
        given = event.payload
        address = consent_address(given["channel"], given["address"], agency.settings.default_country)
        if address is None:
            event.refuse(f"address: not one for the channel {given['channel']}")
            continue
        answers.append(
            Consent(
                given["channel"],
                address,
                given["answer"],
                datetime.fromisoformat(given["occurred_at"]),
                f"event {event.event_id}",
            )
        )
        event.state = "done"
    if answers:
        store_consents(connection, agency.id, "platform", answers)
