"""Whether anybody may write to a contact: suppress it by hand and release it (N17), refuse one address for one channel."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from ams_etl.pages.people.roles import Role
from ams_etl.pages.visit import Answer, Missing, Moved, Refused, Screen, Visit, uuids
from ams_etl.rules.contacts.by_hand import BY_HAND
from ams_etl.store.agency_db import scalar
from ams_etl.store.sending.consents import Consent, ConsentSource, store_consents
from ams_etl.store.sending.reach import Refusal, Way, ways_to
from ams_etl.store.sending.suppressions import Suppression, release, suppress, suppressions_of
from ams_etl.sync.contacts.why import why

LONGEST_REASON = 300
PAGE: ConsentSource = "page"
_SOURCES: dict[ConsentSource, str] = {
    "platform": "the platform", "page": "this page", "import": "an imported list", "manual": "the command line",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sending:
    """What stops messages to a contact: a mark of its source, people's decisions, refusals of addresses."""

    mark: str | None
    by_hand: list[Suppression]
    ways: list[Way]

    @property
    def is_stopped(self) -> bool:
        """Whether nobody may write to the contact by any channel."""
        return bool(self.mark or self.by_hand)

    @property
    def token(self) -> str:
        """What a form sends back, so that one that is stale decides nothing."""
        return ",".join(f"{found.contact_id}" for found in self.by_hand)


def sending_of(visit: Visit, contact_id: str) -> Sending:
    """Read what stops messages to a contact of this agency."""
    return Sending(
        _mark(visit, contact_id), suppressions_of(visit.connection, visit.agency.id, UUID(contact_id)),
        ways_to(visit.connection, visit.agency.id, UUID(contact_id)),
    )  # fmt: skip


def said_by(refusal: Refusal) -> str:
    """Return who refused, and what shows it."""
    return _SOURCES[refusal.source] + (f": {refusal.evidence}" if refusal.evidence else "")


def _mark(visit: Visit, contact_id: str) -> str | None:
    """Return the mark of the source that suppresses the contact, with the member that holds it; None without one."""
    stored: str | None = scalar(
        visit.connection,
        "select suppressed_reason from mart.contacts where agency = %s and contact_id = %s",
        (visit.agency.id, contact_id),
    )
    if stored is None or stored == BY_HAND:
        return None
    reason = stored.replace("_", " ")
    answers = why(visit.connection, visit.agency.id, contact_id, visit.agency.settings, visit.today)
    findings = [finding for answer in answers for finding in (*answer.records, *answer.contact)]
    sources = [
        f"{finding.source_entity.replace('_', ' ')} {finding.source_entity_id}, {finding.source_field}"
        + (f" “{finding.source_value}”" if finding.source_value else "")
        for finding in findings
        if finding.field == "suppressed_reason" and finding.value == stored
    ]
    return f"{reason}, by a mark in its source ({sources[0]})" if sources else f"{reason}, by a mark in its source"


def suppress_contact(visit: Visit) -> Answer:
    """Suppress a contact in every channel, whatever its addresses become, until a person releases it."""
    reason = visit.form.get("reason", "").strip()
    if len(reason) > LONGEST_REASON:
        return Refused(f"A reason has at most {LONGEST_REASON} characters.")
    for contact_id in _contacts(visit):
        _lock(visit, contact_id)
        if not suppress(
            visit.connection, visit.agency.id, UUID(contact_id), by=visit.person.name, reason=reason or None
        ):
            return Refused("Somebody suppressed this contact meanwhile. Load its page to see who.", 409)
        visit.record("suppress_contact", contact_id, after={"reason": reason or None})
        return Moved(
            f"{visit.home}/contacts/{contact_id}#sending",
            "Suppressed: from now on nobody may write to this contact. The next sync publishes the reason.",
        )
    return Missing("contact of this id")


def release_contact(visit: Visit) -> Answer:
    """Lift what people suppressed; a mark of the source is lifted there, and a refusal by whoever refused."""
    for contact_id in _contacts(visit):
        _lock(visit, contact_id)
        known = sending_of(visit, contact_id)
        still = _what_stays(known)
        if not known.by_hand:
            return Refused(still or "Nobody suppressed this contact, so there is nothing to release.")
        if known.token != visit.form.get("had"):
            return Refused("Somebody decided about this contact meanwhile. Load its page and decide again.", 409)
        release(visit.connection, visit.agency.id, UUID(contact_id))
        before = [{"by": found.set_by, "reason": found.reason} for found in known.by_hand]
        visit.record("release_contact", contact_id, before=before)
        return Moved(
            f"{visit.home}/contacts/{contact_id}#sending", f"Released. {still or 'The next sync publishes it.'}"
        )
    return Missing("contact of this id")


def _what_stays(known: Sending) -> str | None:
    """Say what else stops messages to the contact, which no release on the page lifts; None where nothing does."""
    if known.mark:
        return (
            f"Nobody may write to this contact: {known.mark}. Take the mark out there; the next sync then releases it."
        )
    refused = [f"{way.channel} by {_listed(way.refusals)}" for way in known.ways if way.refusals]
    return f"It stays refused: {'; '.join(refused)}. Only who refused can take that back." if refused else None


def decide_channel(visit: Visit) -> Answer:
    """Refuse one address for one channel, or take that back; a refusal of another source stays."""
    channel, address, answer = (visit.form.get(name, "") for name in ("channel", "address", "answer"))
    for contact_id in _contacts(visit):
        _lock(visit, contact_id)
        ways = ways_to(visit.connection, visit.agency.id, UUID(contact_id))
        way = next((way for way in ways if (way.channel, way.address) == (channel, address)), None)
        if way is None or answer not in {"yes", "no"}:
            return Refused("This contact has no such address any more. Load its page and decide again.", 409)
        is_ours = any(refusal.source == PAGE for refusal in way.refusals)
        others = _listed(refusal for refusal in way.refusals if refusal.source != PAGE)
        if answer == "no":
            if is_ours:
                return Refused("Somebody refused this address here meanwhile. Load the page to see who.", 409)
            _answer(visit, way, "no")
            visit.record("refuse_address", contact_id, after={"channel": channel, "address": address})
            notice = f"Refused: nobody may use this address for {channel}."
        else:
            if not is_ours:
                only = f"This address was refused by {others}. Only who refused can take it back."
                return Refused(only if others else "Nobody refused this address.")
            _answer(visit, way, "yes")
            visit.record("release_address", contact_id, after={"channel": channel, "address": address})
            notice = (
                f"Released; it stays refused by {others}." if others else "Released: this address may be used again."
            )
        return Moved(f"{visit.home}/contacts/{contact_id}#sending", notice)
    return Missing("contact of this id")


def _answer(visit: Visit, way: Way, answer: Literal["yes", "no"]) -> None:
    consent = Consent(way.channel, way.address, answer, datetime.now(UTC), visit.person.name)
    store_consents(visit.connection, visit.agency.id, PAGE, [consent])


def _listed(refusals: Iterable[Refusal]) -> str:
    return "; ".join(f"{said_by(refusal)} on {refusal.at:%Y-%m-%d}" for refusal in refusals)


def _contacts(visit: Visit) -> list[str]:
    """Return the contact of the path where this agency has it, as a list of one."""
    return [
        contact_id
        for contact_id in uuids(visit.place["contact_id"])
        if visit.connection.execute(
            "select from mart.contacts where agency = %s and contact_id = %s", (visit.agency.id, contact_id)
        ).fetchone()
        is not None
    ]


def _lock(visit: Visit, contact_id: str) -> None:
    """Let nobody else decide about this contact until the transaction ends."""
    visit.connection.execute(
        "select pg_advisory_xact_lock(hashtextextended('ops.suppressions ' || %s, 0))", (contact_id,)
    )


SCREENS = [
    Screen("POST", "/contacts/{contact_id}/suppress", Role.OPERATOR, suppress_contact),
    Screen("POST", "/contacts/{contact_id}/release", Role.OPERATOR, release_contact),
    Screen("POST", "/contacts/{contact_id}/consent", Role.OPERATOR, decide_channel),
]
