"""Roles and what a person holds: per agency, or in every agency."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

EVERY_AGENCY = "*"


class Role(IntEnum):
    """What a person may do; a higher role may do everything that a lower one may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """As `ops.page_roles` spells it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, with a role by agency id (or `EVERY_AGENCY`)."""

    name: str
    roles: Mapping[str, Role]

    def role_in(self, agency: str) -> Role | None:
        """Return the higher of the role in this agency and the role in every agency; None: the agency is hidden."""
        held = [role for place in (agency, EVERY_AGENCY) if (role := self.roles.get(place)) is not None]
        return max(held, default=None)
