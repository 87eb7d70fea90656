"""The answer in the caller's own dialect, made without parsing what the caller sent."""

import re
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from ams_etl.inbound.notifications.documents import ENVELOPES, Dialect, recognise

_HEAD = 8192
_OPERATION = re.compile(
    r"<(?:[\w.-]+:)?Body(?:\s[^<>]*+)?>\s*+(?:<!--[^>]*+-->\s*+)?<(?:(?P<prefix>[\w.-]+):)?(?P<name>[A-Za-z_][\w.-]{0,100})"
    r"(?P<attributes>(?:\s[^<>]*+)?)>"
)
_TYPES = {
    Dialect.SOAP11: "text/xml; charset=utf-8",
    Dialect.SOAP12: "application/soap+xml; charset=utf-8",
    Dialect.XML: "application/xml; charset=utf-8",
    Dialect.JSON: "application/json",
    Dialect.UNKNOWN: "text/plain; charset=utf-8",
}
_PLAIN = {
    Dialect.XML: b'<?xml version="1.0" encoding="utf-8"?><Response><Success>true</Success></Response>',
    Dialect.JSON: b'{"success": true}',
    Dialect.UNKNOWN: b"OK",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer's body and content type."""

    body: bytes
    content_type: str


def success(body: bytes) -> Answer:
    """Say that a body was stored, the way its sender speaks: a SOAP envelope of its version, XML or JSON."""
    dialect = recognise(body)
    if dialect not in ENVELOPES:
        return Answer(_PLAIN[dialect], _TYPES[dialect])
    name, namespace = _operation(body)
    declared = f" xmlns={quoteattr(namespace)}" if namespace else ""
    envelope = (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{ENVELOPES[dialect]}"><s:Body>'
        f"<{name}Response{declared}><{name}Result>true</{name}Result></{name}Response></s:Body></s:Envelope>"
    )
    return Answer(envelope.encode(), _TYPES[dialect])


def _operation(body: bytes) -> tuple[str, str | None]:
    """The name and the namespace of what stands in the SOAP body."""
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
