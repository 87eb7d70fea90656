"""The brake: what no publish does without a person's word."""

from dataclasses import dataclass

from ams_etl.settings import BrakeSettings


@dataclass(frozen=True, slots=True)
class Brake:
    """What a plan would do to how many contacts."""

    contacts_before: int
    deletes: int
    owner_changes: int


def look(seen: Brake, limits: BrakeSettings) -> str | None:
    """Why the plan must not be published yet, as a sentence, or None.

    Args:
        seen: the plan's numbers.
        limits: shares of the contacts there are; fewer changes than `ignore_below` never stop.
    """
    for what, count, share, setting in (
        ("delete", seen.deletes, limits.max_deleted_share, "max_deleted_share"),
        ("give another owner to", seen.owner_changes, limits.max_owner_change_share, "max_owner_change_share"),
    ):
        if count > limits.ignore_below and count > share * seen.contacts_before:
            return f"this would {what} {count} of {seen.contacts_before} contacts (brake.{setting} allows {share:.0%})"
    return None
