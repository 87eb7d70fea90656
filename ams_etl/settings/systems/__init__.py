"""How each source system is reached: one block of agencies.yaml per module."""

from collections.abc import Mapping

SYSTEM_NAMES: Mapping[str, str] = {
    "ams360": "AMS360", "benefitpoint": "BenefitPoint", "hawksoft": "HawkSoft", "qq_catalyst": "QQ Catalyst", "mycase": "MyCase",
}  # fmt: skip
"""How people write each system's name."""
