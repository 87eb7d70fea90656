"""Which interpreter an agency has."""

from collections.abc import Mapping

from ams_etl.rules.settings import RuleSettings, SourceSystem
from ams_etl.sync.interpret.ams360 import Ams360Interpreter
from ams_etl.sync.interpret.benefitpoint import Ams360WithBenefitPoint
from ams_etl.sync.interpret.hawksoft import HawkSoftInterpreter
from ams_etl.sync.interpret.interpreter import Interpreter
from ams_etl.sync.interpret.mycase import MyCaseInterpreter
from ams_etl.sync.interpret.qq_catalyst import QQCatalystInterpreter

INTERPRETERS: Mapping[SourceSystem, Interpreter] = {
    "ams360": Ams360Interpreter(),
    "hawksoft": HawkSoftInterpreter(),
    "qq_catalyst": QQCatalystInterpreter(),
    "mycase": MyCaseInterpreter(),
}
"""The interpreter of each system."""
_BOTH = Ams360WithBenefitPoint()


def interpreter_for(settings: RuleSettings) -> Interpreter:
    """The interpreter of an agency: its system's, with BenefitPoint's accounts beside AMS360's where they are wanted."""
    if settings.source_system == "ams360" and settings.benefitpoint_contacts:
        return _BOTH
    return INTERPRETERS[settings.source_system]
