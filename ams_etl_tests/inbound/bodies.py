"""Notifications as we assume them: the real wire format is not public."""

ASSUMED_GUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"


def assumed_soap(key: str = ASSUMED_GUID, *, envelope: str = SOAP11, kind: str = "Customer", code: str = "") -> bytes:
    """A key pair in a SOAP body."""
    presented = f"<AuthenticationCode>{code}</AuthenticationCode>" if code else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{envelope}"><s:Body>'
        f'<n:Notify xmlns:n="urn:assumed:v2">{presented}<n:Notification><n:ObjectType>{kind}</n:ObjectType>'
        f"<n:ChangeType>Update</n:ChangeType><n:Keys><n:Key><n:Name>{kind}Id</n:Name><n:Value>{key}</n:Value></n:Key>"
        f"</n:Keys></n:Notification></n:Notify></s:Body></s:Envelope>"
    ).encode()


ASSUMED = {
    "soap11": assumed_soap(),
    "soap12": assumed_soap(envelope=SOAP12),
    "xml event": f'<CustomerUpdated CustomerId="{ASSUMED_GUID.upper()}"/>'.encode(),
    "xml around the record": (
        f"<Notification><Action>U</Action><Customer><CustomerId>{{{ASSUMED_GUID}}}</CustomerId>"
        f"<LastName>Doe</LastName></Customer></Notification>"
    ).encode(),
    "xml in xml": (
        "<string>&lt;?xml version='1.0' encoding='utf-16'?&gt;&lt;n&gt;&lt;Entity&gt;Customer&lt;/Entity&gt;"
        f"&lt;Event&gt;Modified&lt;/Event&gt;&lt;Key&gt;{ASSUMED_GUID}&lt;/Key&gt;&lt;/n&gt;</string>"
    ).encode(),
    "utf-16": assumed_soap().replace(b"utf-8", b"utf-16").decode().encode("utf-16"),
    "json": f'{{"objectType": "Customer", "change": "update", "customerId": "{ASSUMED_GUID}"}}'.encode(),
    "json list": f'[{{"eventType": "OnCustomerUpdated", "keys": [{{"name": "CustId", "value": "{ASSUMED_GUID}"}}]}}]'.encode(),
}
"""Spellings of one and the same notification."""
