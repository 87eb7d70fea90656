"""Decide whether the address that a WSDL publishes is one to call."""

import socket
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}
_CONNECT_SECONDS = 3.0


def is_usable(published: str, wsdl: str) -> bool:
    """Return whether a published address can be reached and is no worse protected than the WSDL's own.

    Many services publish an internal host name. An address on the WSDL's own server is taken as it is; one elsewhere only
    if it accepts a connection, and never over plain http where the WSDL came over https, since logins go there.
    """
    address, origin = urlsplit(published), urlsplit(wsdl)
    if address.scheme not in _PORTS or not address.hostname:
        return False
    if origin.scheme == "https" and address.scheme != "https":
        return False
    if _server(address) == _server(origin):
        return True
    try:
        with socket.create_connection(_server(address), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


def _server(url: SplitResult) -> tuple[str, int]:
    return (url.hostname or "").lower(), url.port or _PORTS.get(url.scheme, 0)
