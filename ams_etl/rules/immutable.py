"""The records of the rules: immutable to the type checker, and as cheap to make as any other class."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as immutable
else:

    def immutable(*, frozen: bool, slots: bool, order: bool = False) -> Callable[[type], type]:
        """Make a class a dataclass that compares and hashes by its fields and that nothing may change.

        mypy reads it as `dataclass` and refuses every change. At run time nothing prevents one: a class that
        Python itself keeps frozen sets each field by a call, and takes five times as long to make. The rules make some thirty
        records for a customer.

        Args:
            frozen: always True; said where the class is made, because mypy reads it there.
            slots: whether the class has slots instead of a dictionary.
            order: whether it can be sorted.
        """
        if not frozen:
            raise ValueError("an immutable record says frozen=True")
        return dataclass(slots=slots, order=order, unsafe_hash=True)


__all__ = ["immutable"]
