"""Three wire formats, one a version. All of them are assumptions: the real ones are not public.

Version 1 is plain XML named after the event with some of the record's data in it, 2.0 is SOAP 1.1 with key pairs and
the data beside them, 3 is SOAP 1.2 with keys and nothing else.
"""

from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

from ams_etl.sandbox.ams360.notifications.changes import Change

_PAST = {"insert": "Inserted", "update": "Updated", "delete": "Deleted"}


def _members(values: dict[str, object]) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())


def _version_1(change: Change, code: str) -> bytes:
    return (
        f'<?xml version="1.0"?><{change.object_type}{_PAST[change.op]} AgencyNo={quoteattr(change.agency_no)} '
        f"AuthenticationCode={quoteattr(code)}>{_members({**change.keys, **change.data})}"
        f"</{change.object_type}{_PAST[change.op]}>"
    ).encode()


def _version_2(change: Change, code: str) -> bytes:
    pairs = "".join(
        f"<Key><Name>{name}</Name><Value>{escape(value)}</Value></Key>" for name, value in change.keys.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<soap:Body><SendNotification xmlns="urn:assumed:ams360:notification:2.0">'
        f"<AuthenticationCode>{escape(code)}</AuthenticationCode><AgencyNo>{change.agency_no}</AgencyNo>"
        f"<Notification><ObjectType>{change.object_type}</ObjectType><Action>{change.op.title()}</Action>"
        f"<Keys>{pairs}</Keys><Data>{_members(change.data)}</Data></Notification>"
        "</SendNotification></soap:Body></soap:Envelope>"
    ).encode()


def _version_3(change: Change, code: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
        f'<s:Header><h:Credentials xmlns:h="urn:assumed:ams360:notification:3">'
        f"<h:AuthenticationCode>{escape(code)}</h:AuthenticationCode></h:Credentials></s:Header>"
        f'<s:Body><n:Notify xmlns:n="urn:assumed:ams360:notification:3"><n:AgencyNo>{change.agency_no}</n:AgencyNo>'
        f"<n:EntityType>{change.object_type}</n:EntityType><n:ChangeType>{_PAST[change.op]}</n:ChangeType>"
        f"{''.join(f'<n:{name}>{escape(value)}</n:{name}>' for name, value in change.keys.items())}"
        "</n:Notify></s:Body></s:Envelope>"
    ).encode()


FORMATS: dict[str, tuple[str, Callable[[Change, str], bytes]]] = {
    "1": ("application/xml; charset=utf-8", _version_1),
    "2.0": ("text/xml; charset=utf-8", _version_2),
    "3": ("application/soap+xml; charset=utf-8", _version_3),
}
"""Version -> its content type, and how a change is written with an authentication code."""
