"""The faults a SOAP service answers with, as errors, their texts scrubbed: a service may quote what was sent."""

from dataclasses import dataclass

from ams_etl.errors import PermanentError, TransientError
from ams_etl.scrubbing import scrubbed


@dataclass(frozen=True, slots=True)
class FaultDetail:
    """One detail of a business fault, as AMS360 sends it."""

    message: str | None
    data_name: str | None
    entity_key: str | None


class SoapFault(PermanentError):
    """The service answered with a fault.

    Attributes:
        operation: the operation that was called.
        kind: the name of the detail element (`WSAPIBusinessFault`, ...), or `Fault` where there is none.
        reason: its message.
        details: a business fault's details.
    """

    def __init__(
        self,
        operation: str,
        kind: str,
        reason: str,
        details: tuple[FaultDetail, ...] = (),
        reference: str | None = None,
    ) -> None:
        self.operation, self.kind, self.reason = operation, kind, scrubbed(reason)
        self.details, self.reference = tuple(map(_scrubbed_detail, details)), reference
        described = "; ".join(
            " ".join(part for part in (detail.message, _bracketed(detail.data_name, detail.entity_key)) if part)
            for detail in self.details
        )
        super().__init__(
            f"{operation}: {kind}: {self.reason}"
            + (f" ({described})" if described else "")
            + (f" [{reference}]" if reference else "")
        )


class SecurityFault(SoapFault):
    """WSAPISecurityFault: an expired ticket, a refused login or a missing right. Only the caller can tell which."""


class BusinessFault(SoapFault):
    """WSAPIBusinessFault: the service refused a well-formed request, or the record does not exist."""


class GeneralFault(SoapFault):
    """WSAPIGeneralFault, or a fault without detail: the service failed on this request, and may not on the next."""


class ReplyLost(TransientError):
    """A write was sent and no answer came back. It may have been carried out, so it is never sent again blindly."""


def _scrubbed_detail(detail: FaultDetail) -> FaultDetail:
    return FaultDetail(
        None if detail.message is None else scrubbed(detail.message),
        detail.data_name,
        None if detail.entity_key is None else scrubbed(detail.entity_key),
    )


def _bracketed(data_name: str | None, entity_key: str | None) -> str:
    inside = " ".join(part for part in (data_name, entity_key) if part)
    return f"[{inside}]" if inside else ""
