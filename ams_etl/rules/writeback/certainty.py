"""What may be done after a lost reply (W9)."""

from typing import Literal

from ams_etl.rules.writeback.model import Operation

_CAN_BE_LOOKED_UP: frozenset[str] = frozenset(
    {"suspense", "complete_suspense", "customer", "update_customer", "policy", "plan_policy"}
)


def after_loss(operation: Operation | str) -> Literal["look_up", "park"]:
    """W9: what can be read back is looked up first; an activity or a note cannot, and waits for a person."""
    return "look_up" if operation in _CAN_BE_LOOKED_UP else "park"
