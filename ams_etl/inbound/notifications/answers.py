"""Build the response in the caller's body format, without parsing what the caller sent."""

import re
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from ams_etl.inbound.notifications.documents import ENVELOPES, BodyFormat, recognise

_HEAD = 8192
_OPERATION = re.compile(
    r"<(?:[\w.-]+:)?Body(?:\s[^<>]*+)?>\s*+(?:<!--[^>]*+-->\s*+)?<(?:(?P<prefix>[\w.-]+):)?(?P<name>[A-Za-z_][\w.-]{0,100})"
    r"(?P<attributes>(?:\s[^<>]*+)?)>"
)
_TYPES = {
    BodyFormat.SOAP11: "text/xml; charset=utf-8",
    BodyFormat.SOAP12: "application/soap+xml; charset=utf-8",
    BodyFormat.XML: "application/xml; charset=utf-8",
    BodyFormat.JSON: "application/json",
    BodyFormat.UNKNOWN: "text/plain; charset=utf-8",
}
_PLAIN = {
    BodyFormat.XML: b'<?xml version="1.0" encoding="utf-8"?><Response><Success>true</Success></Response>',
    BodyFormat.JSON: b'{"success": true}',
    BodyFormat.UNKNOWN: b"OK",
}


@dataclass(frozen=True, slots=True)
class NotificationResponse:
    """A successful answer's body and content type."""

    body: bytes
    content_type: str


def success(body: bytes) -> NotificationResponse:
    """Say that a body was stored, the way its sender speaks: a SOAP envelope of its version, XML or JSON."""
    body_format = recognise(body)
    if body_format not in ENVELOPES:
        return NotificationResponse(_PLAIN[body_format], _TYPES[body_format])
    name, namespace = _operation(body)
    declared = f" xmlns={quoteattr(namespace)}" if namespace else ""
    envelope = (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{ENVELOPES[body_format]}"><s:Body>'
        f"<{name}Response{declared}><{name}Result>true</{name}Result></{name}Response></s:Body></s:Envelope>"
    )
    return NotificationResponse(envelope.encode(), _TYPES[body_format])


def _operation(body: bytes) -> tuple[str, str | None]:
    """Return the name and namespace of the element in the SOAP body."""
    head = body[:_HEAD].replace(b"\0", b"").decode("utf-8", "replace")
    found = _OPERATION.search(head)
    if found is None or not found["name"].isascii():
        return "Notify", None
    declared = f"xmlns:{re.escape(found['prefix'])}" if found["prefix"] else "xmlns"
    # Its own declaration, else the nearest one before it.
    where = (found["attributes"], head[: found.start("name")])
    for place in where:
        namespaces = re.findall(rf"\s{declared}\s*=\s*[\"']([^\"'<>]{{1,300}})[\"']", place)
        if namespaces:
            return found["name"], namespaces[-1].replace("&amp;", "&")
    return found["name"], None
