"""The ladder of CustomerType (W6, W7, W8): suspect, prospect, customer."""

_STEPS = {"S": 0, "P": 1, "C": 2}


def raised(current: str | None, wanted: str) -> str | None:
    """W7: the type to set, or None where the customer is as high already: nobody ever goes down."""
    return wanted if _STEPS.get(current or "", -1) < _STEPS[wanted] else None
