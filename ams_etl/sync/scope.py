"""What one run is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyncScope:
    """All customers of an agency, or just these; the schedule, the sensors, the CLI and the Launchpad share it.

    Args:
        customers: AMS360 CustomerIds; empty means a full sync (sweep, read everything, honour deletions).
    """

    customers: tuple[str, ...] = ()

    @property
    def mode(self) -> str:
        """`full` or `customers`, as `ops.sync_runs` records it."""
        return "customers" if self.customers else "full"
