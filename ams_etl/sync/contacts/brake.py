"""Decide when the brake stops a publish until a user applies the plan by its id."""

from dataclasses import dataclass

from ams_etl.settings import BrakeSettings


@dataclass(frozen=True, slots=True)
class PublishImpact:
    """What publishing a plan would do, as numbers of contacts."""

    contacts_before: int
    deletes: int
    owner_changes: int


def reason_to_stop(impact: PublishImpact, limits: BrakeSettings) -> str | None:
    """Return why the plan must not be published yet, as a sentence, or None.

    Args:
        impact: the plan's numbers.
        limits: shares of all contacts; up to `ignore_below` changes never stop a publish.
    """
    for what, count, share, setting in (
        ("delete", impact.deletes, limits.max_deleted_share, "max_deleted_share"),
        ("give another owner to", impact.owner_changes, limits.max_owner_change_share, "max_owner_change_share"),
    ):
        if count > limits.ignore_below and count > share * impact.contacts_before:
            return (
                f"this would {what} {count} of {impact.contacts_before} contacts (brake.{setting} allows {share:.0%})"
            )
    return None
