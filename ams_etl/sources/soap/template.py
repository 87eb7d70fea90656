"""The fast way to say a read: an envelope from a template in the contract's own order, equal to zeep's."""

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from ams_etl.sources.soap.contract import Contract, Member

_ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'


class RequestTemplate:
    """Renders one operation's request.

    Args:
        contract: the operations and types.
        operation: its name; its argument must be a record of scalars and lists of scalars.
    """

    def __init__(self, contract: Contract, operation: str) -> None:
        described = contract.operation(operation)
        tag = etree.QName(described.tag)
        self._open = f'<s:Body><{tag.localname} xmlns="{tag.namespace}">'
        self._close = f"</{tag.localname}></s:Body></s:Envelope>"
        self._wrapper: Member | None = described.wrapper
        self._writers: list[tuple[str, Callable[[Any], str]]] = []
        if described.wrapper is not None:
            self._writers = [(member.name, _writer(member)) for member in described.wrapper.shape.members]

    def render(self, arguments: Mapping[str, Any], header: str = "") -> bytes:
        """The envelope; `header` is the finished `<s:Header>` element.

        Raises:
            ValueError: an argument that the operation does not have.
        """
        left = dict(arguments)
        inside = "".join(write(value) for name, write in self._writers if (value := left.pop(name, None)) is not None)
        if left:
            raise ValueError(f"no such argument: {', '.join(left)}")
        if self._wrapper is not None:
            inside = f"<{self._wrapper.name}>{inside}</{self._wrapper.name}>"
        return f"{_ENVELOPE}{header}{self._open}{inside}{self._close}".encode()


def _writer(member: Member) -> Callable[[Any], str]:
    tag = etree.QName(member.tag)
    opening, closing = f'<{tag.localname} xmlns="{tag.namespace}">', f"</{tag.localname}>"
    if member.shape.scalar is None:
        items = [_writer(item) for item in member.shape.members]
        return lambda values: opening + "".join(items[0](value) for value in values) + closing
    return lambda value: opening + _text(value) + closing


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))
