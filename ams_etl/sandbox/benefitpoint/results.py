"""How BenefitPoint says no: a fault to a read, a Result to a write."""

from ams_etl.sandbox.benefitpoint.book import Record
from ams_etl.sandbox.soap.service import SoapFault


class RefusedError(Exception):
    """A write that is refused: its ErrorCode and message."""

    def __init__(self, message: str, code: str = "Validation_Error") -> None:
        super().__init__(message)
        self.code = code


def done(key: int) -> Record:
    """A write that was carried out."""
    return {"result": {"success": True, "ID": key, "errors": []}}


def refused(error: RefusedError) -> Record:
    """A write that was not."""
    return {"result": {"success": False, "errors": [{"errorCode": error.code, "message": str(error)}]}}


def unauthorized() -> SoapFault:
    """What is said of a record that is gone, the same as of one that may not be seen."""
    return SoapFault("You are not authorized to access the requested information.")
