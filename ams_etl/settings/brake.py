"""An agency's `brake` block."""

from typing import Annotated

from pydantic import Field

from ams_etl.settings.strict import Strict


class BrakeSettings(Strict):
    """When a publish stops and asks a person first: shares of the contacts there are (0..1).

    `max_deleted_share` and `ignore_below` hold for accounts and policies, too.
    """

    max_deleted_share: Annotated[float, Field(ge=0, le=1)] = 0.10
    max_owner_change_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    ignore_below: Annotated[int, Field(ge=0)] = 20
    """Changes of no more contacts than this never stop a run."""
