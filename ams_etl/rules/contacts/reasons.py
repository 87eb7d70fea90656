"""Why a record is not a contact, in a sentence, with the setting that decides and another value to try."""

from collections.abc import Mapping

from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import SkipReason


@immutable(frozen=True, slots=True)
class Reason:
    """A reason for people.

    Attributes:
        sentence: what it means.
        setting: the key under `settings` that decides; None: no setting does.
        other: another value of that setting, as YAML, whose effect is worth a look.
    """

    sentence: str
    setting: str | None = None
    other: str | None = None


REASONS: Mapping[SkipReason, Reason] = {
    "no_name_no_email": Reason(
        "It has neither a name nor an email address. Contacts need enough identifying information; enter one of them in AMS360."
    ),
    "inactive": Reason("It is inactive in AMS360.", "import_inactive", "true"),
    "prospect": Reason("It is a prospect: it has no active policy.", "prospects", "all"),
    "segment": Reason("Its tags are not among those to sync, or one is excluded.", "segments", "{include: [], exclude: []}"),
    "commercial_contacts": Reason(
        "It is a further contact of a commercial account, and only primary and secondary contacts are synced.",
        "commercial_contacts", "all",
    ),
    "not_second_insured": Reason(
        "It is a dependent whose relationship is not one of a second insured.", "second_insured", "true"
    ),
    "gap_filler": Reason(
        "It is a contact of a personal customer: what the customer's own record lacks is taken from it, and it is not a contact "
        "of its own."
    ),
    "deleted": Reason("It was deleted in AMS360."),
    "not_a_customer": Reason("The record is not a customer's or prospect's, such as a vendor's or the agency's own."),
    "forgotten": Reason("The person asked to be forgotten; what the source sends of them is withheld."),
    "linked_account": Reason("It is the BenefitPoint side of an account that AMS360 has; the AMS360 record is the contact."),
}  # fmt: skip
QUARANTINED = Reason(
    "The record could not be read. What was stored before stays; every sync tries it again. The detail says which member to mend."
)


def reason_for(name: str) -> Reason:
    """Return the reason of that name; an unknown one is a record that could not be read."""
    return next((reason for key, reason in REASONS.items() if key == name), QUARANTINED)
