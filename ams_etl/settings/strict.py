"""What every block of agencies.yaml has in common: no unknown keys, no change after reading."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Concurrency = Annotated[int, Field(ge=1, le=64)]
"""Calls in flight at once."""
CallsPerSecond = Annotated[float, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


class Strict(BaseModel):
    """A block whose unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
