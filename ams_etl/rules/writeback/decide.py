"""Decide what becomes of an event, from what is known of its contact: pure, after everything was read and before a write."""

from collections.abc import Collection, Sequence
from typing import Literal

from ams_etl.rules.accounts.accounts import told_of_an_edit
from ams_etl.rules.immutable import immutable
from ams_etl.rules.writeback.model import CONVERSATIONS

CREATES_CUSTOMER = frozenset({"contact_created", "deal_created", "deal_won"})
"""Kinds of events whose contact becomes a customer, if there is none."""
_HAS_WALL_TIME = frozenset({*CONVERSATIONS, "note", "ticket_created", "deal_won"})
"""Kinds whose records carry a date or time, which AMS360 takes without a zone."""


@immutable(frozen=True, slots=True)
class Situation:
    """What is known of an event's contact when it is decided.

    Attributes:
        in_ams360: AMS360 has its customer, or has one being made.
        in_benefitpoint: the same of its account.
        identified: something says who it is, though it may be in neither system yet.
        has_zone: the event or the agency says in which time zone AMS360's times are meant.
        contacts: ids of the contacts in the mart that a changed name may be meant for.
    """

    in_ams360: bool
    in_benefitpoint: bool
    identified: bool
    has_zone: bool
    contacts: Sequence[str] = ()


@immutable(frozen=True, slots=True)
class Decision:
    """What is to be done.

    Attributes:
        waits_for: what is not known yet; then nothing is done.
        refusal: why nothing will ever be done.
        to_ams360: whether AMS360 gets the event's writes.
        account: what BenefitPoint's account of the contact gets.
        renames: the contact that keeps the event's name (N12).
    """

    waits_for: Literal["contact", "ticket", "timezone"] | None = None
    refusal: str | None = None
    to_ams360: bool = False
    account: Literal["create", "link", "update"] | None = None
    renames: str | None = None


def decide(kind: str, targets: Collection[str] | None, situation: Situation) -> Decision:
    """Return what becomes of an event.

    Args:
        kind: of event.
        targets: the systems that the event names; None: it names none.
        situation: what is known of its contact.
    """
    if kind == "name_changed":
        return _decide_name(situation.contacts)
    creates_account = kind == "contact_created" and "benefitpoint" in (targets or ())
    awaits_ams360 = kind == "contact_created" and "ams360" in (targets or ("ams360",)) and not situation.in_ams360
    somewhere = situation.in_ams360 or situation.in_benefitpoint or (creates_account and situation.identified)
    if awaits_ams360 or not somewhere:
        return Decision(waits_for="ticket" if kind == "ticket_completed" else "contact")
    systems = told_of_an_edit(
        ams360_synced=situation.in_ams360,
        benefitpoint_synced=situation.in_benefitpoint or creates_account,
        named=targets,
    )
    to_ams360 = "ams360" in systems
    if to_ams360 and kind in _HAS_WALL_TIME and not situation.has_zone:
        return Decision(waits_for="timezone")
    if creates_account:
        return Decision(to_ams360=to_ams360, account="create")
    if to_ams360 and kind in CREATES_CUSTOMER and situation.in_benefitpoint:
        return Decision(to_ams360=True, account="link")
    if kind == "contact_updated" and situation.in_benefitpoint and "benefitpoint" in systems:
        return Decision(to_ams360=to_ams360, account="update")
    return Decision(to_ams360=to_ams360)


def _decide_name(contacts: Sequence[str]) -> Decision:
    """A name belongs to one person: of several contacts that share what the event names, none is renamed."""
    if not contacts:
        return Decision(waits_for="contact")
    if len(contacts) > 1:
        shown = ", ".join(sorted(contacts)[:10])
        return Decision(refusal=f"contact: ambiguous, it may be any of these contact_ids: {shown}; name one of them")
    return Decision(renames=contacts[0])
