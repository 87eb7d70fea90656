"""Single values, drawn from one stream of chance: ids, days, addresses, phones."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

from ams_etl.sandbox.generation import vocabulary as words

T = TypeVar("T")


class Draw:
    """Draws values.

    Args:
        seed: decides everything.
        today: what days are counted from.
    """

    def __init__(self, seed: int, today: date) -> None:
        self.rng = random.Random(seed)  # noqa: S311
        self._today = today
        self._shared_emails: list[str] = []

    def chance(self, share: float) -> bool:
        """True in this share of cases."""
        return self.rng.random() < share

    def of(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self.rng.random() * len(choices))]

    def weighted(self, choices: Sequence[T], weights: Sequence[float]) -> T:
        """One of them, by weight."""
        return self.rng.choices(choices, weights)[0]

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.rng.random() * (high - low + 1))

    def guid(self) -> str:
        """A random id."""
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    def day(self, ago: int) -> str:
        """Midnight so many days ago."""
        return f"{self._today - timedelta(days=ago)}T00:00:00"

    def first(self) -> str:
        """A given name."""
        return self.of(words.FIRST)

    def last(self) -> str:
        """A family name."""
        return self.of(words.PARTICLED) if self.chance(0.04) else self.of(words.LAST)

    def nickname(self, first: str) -> str:
        """What people call somebody of this name."""
        return words.NICKNAMES.get(first, first.split(maxsplit=1)[0])

    def secret(self) -> str:
        """A number of the kind that is never to be stored."""
        return f"{self.between(900, 999)}-{self.between(10, 99)}-{self.between(1000, 9999)}"

    def email(self, first: str, last: str) -> str | None:
        """An email field: most have one address, some two, some share one with others, some are no address at all."""
        kind = self.rng.random()
        if kind < 0.12:
            return None
        if kind < 0.22 and self._shared_emails:
            return self.of(self._shared_emails[-40:])
        if kind < 0.24:
            return self.of(words.BAD_EMAILS)
        letters = (
            letter for letter in f"{first}.{last}".lower() if letter.isascii() and (letter.isalnum() or letter == ".")
        )
        name = "".join(letters).strip(".").replace("..", ".")
        address = f"{name}{self.between(1, 999999)}@example{self.of(('.com', '.net', '.org'))}"
        if kind < 0.26:
            return f"{address}{self.of(('; ', ', ', ' ', ';'))}second.{address}"
        if kind < 0.28 and self._shared_emails:
            # A chain: this one shares an address with one record and may share the other with the next.
            self._shared_emails.append(address)
            return f"{self._shared_emails[-2]}; {address}"
        if kind < 0.37:
            self._shared_emails.append(address)
        return address.upper() if kind < 0.40 else f" {address} " if kind < 0.41 else address

    def share_email(self, address: str | None) -> None:
        """Let others draw this address too: a family, or a firm and its owner."""
        if address and "@" in address[1:-1] and " " not in address.strip():
            self._shared_emails.append(address)

    def phones(self, record: dict[str, Any], extension: str, shares: dict[str, float]) -> None:
        """Fill phone members in the formats that people type."""
        for kind, share in shares.items():
            if not self.chance(share):
                continue
            exchange, line, shape = self.between(200, 999), self.between(0, 9999), self.rng.random()
            record[f"{kind}AreaCode"] = self.of(words.AREA_CODES) if shape < 0.9 else None
            record[f"{kind}Phone"] = (
                f"{exchange}-{line:04}" if shape < 0.5 else f"{exchange}{line:04}" if shape < 0.8
                else f"{exchange} {line:04}" if shape < 0.85 else f"{exchange}-{line:04} x{self.between(1, 99)}" if shape < 0.95
                else f"({self.of(words.AREA_CODES)}) {exchange}-{line:04}" if shape < 0.98 else "unlisted"
            )  # fmt: skip
            record[f"{kind}{extension}"] = str(self.between(1, 500)) if self.chance(0.05) else None
