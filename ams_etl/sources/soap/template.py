"""The fast way to say a read: an envelope from a template in the contract's own order, equal to zeep's."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from ams_etl.errors import DataError
from ams_etl.sources.soap.contract import Contract, Member, Shape

_ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PLAIN = re.compile(r"[A-Za-z0-9-]*")
_Write = Callable[[Any], str]


class RequestTemplate:
    """Renders one operation's request.

    Args:
        contract: the operations and types.
        operation: its name; records among its arguments are mappings by member name.
    """

    def __init__(self, contract: Contract, operation: str) -> None:
        described = contract.operation(operation)
        tag = etree.QName(described.tag)
        opening, closing = f'<{tag.localname} xmlns="{tag.namespace}">', f"</{tag.localname}>"
        if described.wrapper is not None:
            opening += f"<{described.wrapper.name}>"
            closing = f"</{described.wrapper.name}>{closing}"
        self._operation = operation
        self._open = f"<s:Body>{opening}"
        self._close = f"{closing}</s:Body></s:Envelope>"
        self._writers = [(member.name, _writer(member)) for member in described.arguments]

    def render(self, arguments: Mapping[str, Any], header: str = "") -> bytes:
        """The envelope; `header` is the finished `<s:Header>` element.

        Raises:
            DataError: an argument that the operation does not have, or a character that XML cannot hold.
        """
        left = dict(arguments)
        inside = "".join([write(value) for name, write in self._writers if (value := left.pop(name, None)) is not None])
        if left:
            raise DataError(f"{self._operation} has no argument {', '.join(left)}")
        return f"{_ENVELOPE}{header}{self._open}{inside}{self._close}".encode()


def text_of(value: Any) -> str:
    """A scalar as XML text.

    Raises:
        DataError: it has a character that XML cannot hold.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    if _NOT_XML.search(text):
        raise DataError("an argument has a character that XML cannot hold")
    return escape(text, {"\r": "&#13;"})


def _writer(member: Member) -> _Write:
    tag = etree.QName(member.tag)
    # A member of the empty namespace must say so, or it would take its parent's.
    opening, closing = f'<{tag.localname} xmlns="{tag.namespace or ""}">', f"</{tag.localname}>"
    if member.shape.is_list:
        write = _writer(member.shape.members[0])
        return lambda values: opening + write(values) + closing
    inner = text_of if member.shape.scalar is not None else _record_writer(member.shape)
    if member.repeated:
        return lambda values: "".join([f"{opening}{inner(value)}{closing}" for value in values])
    return lambda value: opening + inner(value) + closing


def _record_writer(shape: Shape) -> _Write:
    writers: list[tuple[str, _Write]] = []

    def write(record: Mapping[str, Any]) -> str:
        if not writers:
            # Made when first needed, because a type may hold itself.
            writers.extend((member.name, _writer(member)) for member in shape.members)
        left = {name: value for name, value in record.items() if value is not None}
        inside = "".join([write_one(left.pop(name)) for name, write_one in writers if name in left])
        if left:
            raise DataError(f"{shape.name} has no member {', '.join(left)}")
        return inside

    return write
