"""Parses SOAP faults into errors."""

from typing import Any

from lxml import etree

from ams_etl.sources.calling.faults import BusinessFault, FaultDetail, GeneralFault, SecurityFault, SoapFault

_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_FAULT = "{http://schemas.xmlsoap.org/soap/envelope/}Fault"


_KINDS: dict[str, type[SoapFault]] = {
    "WSAPISecurityFault": SecurityFault,
    "WSAPIBusinessFault": BusinessFault,
    "WSAPIGeneralFault": GeneralFault,
}


def fault_in(operation: str, root: Any) -> SoapFault | None:
    """Return the fault in an answer, or None."""
    body = root.find(_BODY)
    fault = body.find(_FAULT) if body is not None else None
    if fault is None:
        return None
    reason = (fault.findtext("faultstring") or "fault without a reason").strip()
    detail = fault.find("detail")
    if detail is None or not len(detail):
        return GeneralFault(operation, "Fault", reason)
    content = detail[0]
    kind = etree.QName(content).localname
    values = {etree.QName(child).localname: child for child in content}
    return _KINDS.get(kind, SoapFault)(
        operation,
        kind,
        _text(values.get("Message")) or reason,
        tuple(_detail(child) for child in values.get("FaultDetails", ())),
        _text(values.get("CausalityId")),
    )


def _detail(element: Any) -> FaultDetail:
    values = {etree.QName(child).localname: _text(child) for child in element}
    return FaultDetail(values.get("Message"), values.get("DataName"), values.get("EntityKey"))


def _text(element: Any) -> str | None:
    return element.text.strip() if element is not None and element.text else None
