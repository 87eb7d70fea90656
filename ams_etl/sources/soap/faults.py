"""SOAP faults as errors, translated once. No fault's text is ever repeated with what was sent."""

from dataclasses import dataclass
from typing import Any

from lxml import etree

from ams_etl.errors import PermanentError, TransientError

_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_FAULT = "{http://schemas.xmlsoap.org/soap/envelope/}Fault"


@dataclass(frozen=True, slots=True)
class FaultDetail:
    """One of a business fault's details, as AMS360 gives it."""

    message: str | None
    data_name: str | None
    entity_key: str | None


class SoapFault(PermanentError):
    """The service answered with a fault.

    Attributes:
        operation: what was asked.
        kind: the detail's own name (`WSAPIBusinessFault`, ...), or the fault string.
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
        self.operation, self.kind, self.reason = operation, kind, reason
        self.details, self.reference = details, reference
        told = "; ".join(
            " ".join(part for part in (detail.message, _bracketed(detail.data_name, detail.entity_key)) if part)
            for detail in details
        )
        super().__init__(
            f"{operation}: {kind}: {reason}" + (f" ({told})" if told else "") + (f" [{reference}]" if reference else "")
        )


class SecurityFault(SoapFault):
    """WSAPISecurityFault: a dead ticket, a refused login or a missing right; the caller knows which it can be."""


class BusinessFault(SoapFault):
    """WSAPIBusinessFault: the service understood and refused, or the record is not there."""


class ReplyLost(TransientError):
    """A write was sent and no answer came: it may or may not have happened. Never sent again blindly."""


_KINDS: dict[str, type[SoapFault]] = {
    "WSAPISecurityFault": SecurityFault,
    "WSAPIBusinessFault": BusinessFault,
    "WSAPIGeneralFault": SoapFault,
}


def fault_in(operation: str, root: Any) -> SoapFault | None:
    """The fault that an answer holds, or None."""
    body = root.find(_BODY)
    fault = body.find(_FAULT) if body is not None else None
    if fault is None:
        return None
    said = (fault.findtext("faultstring") or "fault without a reason").strip()
    detail = fault.find("detail")
    if detail is None or not len(detail):
        return SoapFault(operation, "Fault", said)
    content = detail[0]
    kind = etree.QName(content).localname
    values = {etree.QName(child).localname: child for child in content}
    return _KINDS.get(kind, SoapFault)(
        operation,
        kind,
        _text(values.get("Message")) or said,
        tuple(_detail(child) for child in values.get("FaultDetails", ())),
        _text(values.get("CausalityId")),
    )


def _detail(element: Any) -> FaultDetail:
    values = {etree.QName(child).localname: _text(child) for child in element}
    return FaultDetail(values.get("Message"), values.get("DataName"), values.get("EntityKey"))


def _bracketed(data_name: str | None, entity_key: str | None) -> str:
    inside = " ".join(part for part in (data_name, entity_key) if part)
    return f"[{inside}]" if inside else ""


def _text(element: Any) -> str | None:
    return element.text.strip() if element is not None and element.text else None
