"""The fast reading path: an answer's XML into plain dicts, by a plan built from the contract.

Every member of a type is a key; nil, empty and absent all give None; a list type gives a list; a dateTime gives its
ISO text, a decimal its digits, so a record is JSON as it stands. Members are found by name, so an answer with new
or out-of-order members still reads. A record with a value that is not of its type is rejected, never half read.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from ams_etl.errors import DataError, TransientError
from ams_etl.sources.soap.contract import Contract, Shape

_log = logging.getLogger(__name__)
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_PLAIN_DATETIME = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\Z")

# Making one costs as much as ten answers cost to parse.
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, collect_ids=False
)

Record = dict[str, Any]
_Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of an answer that could not be read; `reason` names the member and its type, never the value."""

    kind: str
    entity_id: str | None
    reason: str


@dataclass(slots=True)
class Decoded:
    """An operation's result (None where it has none), and the records in it that were rejected."""

    value: Any
    rejected: list[Rejected] = field(default_factory=list)


class _BadValueError(Exception):
    pass


class Decoder:
    """Decodes the answers of one contract's operations.

    Args:
        contract: the operations and types.
        drop: member names that are never read: the secrets that end at the edge.
    """

    def __init__(self, contract: Contract, *, drop: frozenset[str] = frozenset()) -> None:
        self._contract = contract
        self._drop = drop
        self._readers: dict[tuple[int, bool], _Read] = {}
        self._unknown: set[str] = set()
        self._rejected: list[Rejected] = []

    def decode(self, operation: str, answer: bytes) -> Decoded:
        """Read an answer.

        Raises:
            TransientError: half an answer, or no XML.
            DataError: XML, but not this operation's answer.
        """
        described = self._contract.operation(operation)
        body = parse(answer).find(_BODY)
        if body is None or not len(body) or body[0].tag != described.response_tag:
            raise DataError(f"{operation}: the answer is not a {operation}Response")
        if described.result is None:
            return Decoded(None)
        result = body[0].find(described.result.tag)
        if result is None or result.get(_NIL) in {"true", "1"}:
            return Decoded(None)
        self._rejected = []
        value = self._reader(described.result.shape, result=True)(result)
        return Decoded(value, self._rejected)

    def _reader(self, shape: Shape, *, result: bool = False, of_records: bool = False) -> _Read:
        """The function that reads this type: the result itself, a list of records right under it, or deeper."""
        key = (id(shape), result or of_records)
        if key not in self._readers:
            if shape.scalar is not None:
                self._readers[key] = _SCALARS.get(shape.scalar, _text)
            elif _is_list(shape):
                self._readers[key] = self._list_reader(shape, of_records=of_records)
            else:
                self._readers[key] = self._record_reader(shape, result=result)
        return self._readers[key]

    def _list_reader(self, shape: Shape, *, of_records: bool) -> _Read:
        member = shape.members[0]
        read, tag = self._reader(member.shape), member.tag
        # Below a record a bad value rejects the record itself: none is ever half read.
        guarded = self._guarded(member.shape, read) if of_records and member.shape.scalar is None else read

        def read_list(element: Any) -> list[Any]:
            return [value for child in element if child.tag == tag and (value := guarded(child)) is not None]

        return read_list

    def _record_reader(self, shape: Shape, *, result: bool) -> _Read:  # noqa: C901 - one hot loop, on purpose
        template: Record = {}
        plan: dict[str, tuple[str, bool, _Read, str]] = {}
        for member in shape.members:
            if member.name in self._drop:
                continue
            template[member.name] = [] if member.repeated else None
            read = self._reader(member.shape, of_records=result and _is_list(member.shape))
            if result and member.shape.scalar is None and not _is_list(member.shape):
                read = self._guarded(member.shape, read)
            is_text = member.shape.scalar in _TEXT
            plan[member.tag] = (member.name, is_text, read, member.shape.scalar or "")
        repeated = frozenset(member.name for member in shape.members if member.repeated)
        dropped = {member.tag for member in shape.members if member.name in self._drop}
        find = plan.get

        def read_record(element: Any) -> Record:
            record = template.copy()
            for name in repeated:
                record[name] = []
            for child in element:
                step = find(child.tag)
                if step is None:
                    if child.tag not in dropped:
                        self._note_unknown(shape, child)
                    continue
                name, is_text, read, scalar = step
                if is_text:
                    record[name] = child.text
                    continue
                if scalar:
                    text = child.text
                    if text is None:
                        continue
                    try:
                        value = read(child)
                    except (ValueError, InvalidOperation):
                        raise _BadValueError(f"{name} is not a {scalar}") from None
                elif child.get(_NIL) in {"true", "1"}:
                    continue
                else:
                    value = read(child)
                if name in repeated:
                    record[name].append(value)
                else:
                    record[name] = value
            return record

        return read_record

    def _guarded(self, shape: Shape, read: _Read) -> _Read:
        def guarded(element: Any) -> Any:
            if element.get(_NIL) in {"true", "1"}:
                return None
            try:
                return read(element)
            except _BadValueError as error:
                self._rejected.append(Rejected(shape.name, _identity(shape.name, element), str(error)))
                return None

        return guarded

    def _note_unknown(self, shape: Shape, child: Any) -> None:
        if isinstance(child.tag, str) and child.tag not in self._unknown:
            self._unknown.add(child.tag)
            _log.warning(
                "the service sends a member that our contract lacks: %s.%s; it is ignored",
                shape.name,
                etree.QName(child).localname,
            )


def parse(answer: bytes) -> Any:
    """An answer's root element; no entities, no DTD, nothing fetched.

    Raises:
        TransientError: half an answer, or no XML.
        DataError: it has a document type, which no SOAP message may.
    """
    try:
        root = etree.fromstring(answer, _PARSER)
    except etree.XMLSyntaxError:
        raise TransientError("the answer is cut off or is not XML") from None
    if root.getroottree().docinfo.doctype:
        raise DataError("the answer has a document type declaration; refused")
    return root


def _is_list(shape: Shape) -> bool:
    return len(shape.members) == 1 and shape.members[0].repeated


def _identity(kind: str, element: Any) -> str | None:
    """The record's own id: the member named after its type, found by local name."""
    wanted = {f"{kind.removesuffix('Info')}Id", f"{kind.removesuffix('Info').removeprefix('Customer')}Id"}
    for child in element:
        if isinstance(child.tag, str) and etree.QName(child).localname in wanted:
            return str(child.text) if child.text else None
    return None


def _boolean(element: Any) -> bool:
    text = element.text.strip()
    if text in {"true", "1"}:
        return True
    if text in {"false", "0"}:
        return False
    raise ValueError(text)


def _date_time(element: Any) -> str:
    text: str = element.text
    if _PLAIN_DATETIME.match(text):
        return text
    from zeep.xsd.types.builtins import DateTime

    return str(DateTime().pythonvalue(text.strip()).isoformat())


def _integer(element: Any) -> int:
    return int(element.text)


def _decimal(element: Any) -> str:
    value = Decimal(element.text.strip())
    if not value.is_finite():
        raise ValueError("not a finite number")
    return str(value)


def _float(element: Any) -> float:
    return float(element.text)


def _text(element: Any) -> str | None:
    text: str | None = element.text
    return text


_TEXT = frozenset({"string", "duration", "anyURI", "base64Binary", "anyType"})
_SCALARS: dict[str, _Read] = {
    "boolean": _boolean,
    "dateTime": _date_time,
    "decimal": _decimal,
    "double": _float,
    "float": _float,
    **dict.fromkeys(("int", "short", "long", "byte", "unsignedByte", "unsignedShort", "integer"), _integer),
}
