"""Count what a publication changed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishCounts:
    """Counts the rows that a publication inserted, updated and deleted."""

    inserted: int
    updated: int
    deleted: int

    def __add__(self, other: "PublishCounts") -> "PublishCounts":
        """Return the counts of both."""
        return PublishCounts(self.inserted + other.inserted, self.updated + other.updated, self.deleted + other.deleted)
