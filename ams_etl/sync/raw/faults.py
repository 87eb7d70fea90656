"""How many faults of single records a sync bears: one record's fault is one record's, many are the system's."""

from typing import Any

from ams_etl.errors import AmsEtlError, PermanentError

MOST_FAULTS = 20
"""A sync goes on whatever share of the records answered with a fault, as long as they are no more than this."""
HIGHEST_SHARE = 0.05
"""Beyond `MOST_FAULTS`, a sync stops when more than this share of the records read so far answered with a fault."""


class Faults:
    """Count the records that were read and those that answered with a fault.

    Args:
        what: what is read, for the message.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.read = self.faulty = 0

    def count(self, answer: Any) -> None:
        """Count an answer, which is an error where the record could not be read.

        Raises:
            PermanentError: faults are too many to be single records'.
        """
        self.read += 1
        if not isinstance(answer, AmsEtlError):
            return
        self.faulty += 1
        if self.faulty > MOST_FAULTS and self.faulty > HIGHEST_SHARE * self.read:
            raise PermanentError(
                f"{self._what}: {self.faulty} of {self.read} records read so far answered with a fault; a sync stops at "
                f"more than {MOST_FAULTS} and more than {HIGHEST_SHARE:.0%} (the last: {answer})"
            )
