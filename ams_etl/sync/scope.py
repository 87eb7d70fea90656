"""What one run is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Trigger = Literal["notification", "daily_sweep", "weekly_resync", "manual"]
DEPRECATED_LANES: Mapping[str, Trigger] = {
    "notifications": "notification", "daily": "daily_sweep", "weekly": "weekly_resync", "person": "manual",
}  # fmt: skip
"""The older words for a trigger, which run configurations and run tags may still use."""
Mode = Literal["full", "sweep", "customers"]


@dataclass(frozen=True, slots=True)
class SyncScope:
    """All customers of an agency, those whose list row changed, or just these.

    The schedules, the sensors, the CLI and the Launchpad share it.

    Args:
        customers: AMS360 CustomerIds; empty means all of them, unless there is a batch.
        batch: the notifications that this run serves; customers that only AMS360 can tell are looked up.
        sweep: read only the customers whose list row is new, changed or gone.
        reference: read the lists of codes too, though only some customers are read.
        trigger: what started the run.
    """

    customers: tuple[str, ...] = ()
    batch: UUID | None = None
    sweep: bool = False
    reference: bool = False
    trigger: Trigger = "manual"

    @property
    def mode(self) -> Mode:
        """What `ops.sync_runs` records: everything, a sweep of the list, or some customers."""
        if self.customers or self.batch:
            return "customers"
        return "sweep" if self.sweep else "full"

    @property
    def reads_reference(self) -> bool:
        """Whether the lists of codes are read: always, but for a few customers only when asked to."""
        return self.mode != "customers" or self.reference
