"""An agency's `checks` block."""

from typing import Annotated

from pydantic import Field

from ams_etl.settings.strict import Strict


class CheckSettings(Strict):
    """Thresholds of the data-quality checks: shares (0..1) of the rows checked."""

    max_skipped_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_unmapped_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_volume_change_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    max_missed_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Of the changed records of a week, how many may have come without a notification."""
    max_days_without_sync: Annotated[int, Field(ge=1, le=365)] = 8
    """Days since the last full sync or sweep was published; the weekly resync is due every seven."""
