"""The fast reading path: an answer's XML into plain dicts, by a plan built from the contract.

Every member of a type is a key; nil, empty and absent all become None, and so does a record without any value; a list
type becomes a list, empty where there is nothing. A record is plain JSON: `scalars.py` says what scalars
become. Members are found by name, so an answer with new or out-of-order members still reads. A record with a
value that is not of its type is rejected, never half read.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ams_etl.errors import DataError
from ams_etl.sources.calling.answers import LONGEST_TEXT, Decoded, Record, Rejected, Repaired
from ams_etl.sources.soap.contract import Contract, Member, Operation, Shape
from ams_etl.sources.soap.parsing import is_repaired, parse, repaired_in
from ams_etl.sources.soap.scalars import READERS

_log = logging.getLogger(__name__)
_DROPPED = ""
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"

_Read = Callable[[Any], Any]


class _BadValueError(Exception):
    """A value is not of its type; the record that holds it is rejected."""


class Decoder:
    """Decodes the answers of one contract's operations.

    Args:
        contract: the operations and types.
        drop: per type, members that are never read: the secrets that end at the edge.
    """

    def __init__(self, contract: Contract, *, drop: Mapping[str, frozenset[str]] | None = None) -> None:
        self._contract = contract
        self._drop = drop or {}
        self._records: dict[int, _RecordReader] = {}
        self._answers: dict[str, _AnswerReader] = {}
        self._unknown: set[tuple[str, str]] = set()

    def decode(self, operation: str, answer: bytes) -> Decoded:
        """Read an answer.

        Raises:
            TransientError: half an answer, or no XML.
            DataError: XML, but not this operation's answer.
        """
        read = self._answers.get(operation)
        if read is None:
            read = self._answers[operation] = self._answer_reader(self._contract.operation(operation))
        return read(parse(answer), long=len(answer) > LONGEST_TEXT)

    def record_reader(self, shape: Shape) -> "_RecordReader":
        """The reader of a type; one for each, so a type may hold itself."""
        reader = self._records.get(id(shape))
        if reader is None:
            reader = self._records[id(shape)] = _RecordReader(shape, self._note_unknown)
            reader.prepare(self, self._drop.get(shape.name, frozenset()))
        return reader

    def element_reader(self, shape: Shape) -> _Read:
        """What reads an element of this type: a scalar, a list or a record."""
        if shape.scalar is not None:
            reads = READERS[shape.scalar]
            return lambda element: element.text if reads is None or element.text is None else reads(element.text)
        if shape.is_list:
            return _list_reader(shape.members[0].tag, self.element_reader(shape.members[0].shape))
        return self.record_reader(shape)

    def _answer_reader(self, operation: Operation) -> "_AnswerReader":
        return _AnswerReader(
            operation, [self._member_reader(member) for member in operation.results], self._note_unknown
        )

    def _member_reader(self, member: Member) -> "_MemberReader":
        shape = member.shape
        if shape.is_list:
            inner = shape.members[0]
            read, kind, tag = self.element_reader(inner.shape), inner.shape, inner.tag
        else:
            read, kind, tag = self.element_reader(shape), shape, None
        return _MemberReader(member, read, kind, tag, many=member.repeated or shape.is_list)

    def _note_unknown(self, shape: Shape, tag: Any) -> None:
        if isinstance(tag, str) and (shape.name, tag) not in self._unknown:
            self._unknown.add((shape.name, tag))
            _log.warning(
                "the service sends a member that its contract lacks: %s.%s; it is ignored",
                shape.name,
                etree.QName(tag).localname,
            )


class _RecordReader:
    """Reads a record: all text in one pass, then the values that are no text, then what lies deeper."""

    def __init__(self, shape: Shape, note_unknown: Callable[[Shape, Any], None]) -> None:
        self._shape = shape
        self._note_unknown = note_unknown
        self._names: dict[str, str] = {}
        self._absent: Record = {}
        self._nothing: Record = {}
        self._scalars: tuple[tuple[str, Callable[[str], Any], str], ...] = ()
        self._nested: tuple[_Nested, ...] = ()
        self._drops = False
        self._scalar_tags: frozenset[str] = frozenset()
        self._repeated_tags: frozenset[str] = frozenset()
        self._tags_by_local_name: dict[str, str] = {}

    def prepare(self, decoder: Decoder, drop: frozenset[str]) -> None:
        """Make the plan; apart from construction, because a type may hold itself."""
        members = self._shape.members
        self._names = {member.tag: _DROPPED if member.name in drop else member.name for member in members}
        self._drops = _DROPPED in self._names.values()
        self._scalar_tags = frozenset(m.tag for m in members if m.shape.scalar is not None and not m.repeated)
        self._repeated_tags = frozenset(member.tag for member in members if member.repeated)
        self._tags_by_local_name = {etree.QName(member.tag).localname.lower(): member.tag for member in members}
        kept = [(place, member) for place, member in enumerate(members) if member.name not in drop]
        self._absent = {member.name: None for _, member in kept}
        self._nothing = {member.name: [] if member.repeated or member.shape.is_list else None for _, member in kept}
        scalars, nested = [], []
        for place, member in kept:
            if member.repeated or member.shape.scalar is None:
                nested.append(_Nested(member, place, decoder.element_reader(member.shape)))
            elif (reads := READERS[member.shape.scalar]) is not None:
                scalars.append((member.name, reads, member.shape.scalar))
        self._scalars, self._nested = tuple(scalars), tuple(nested)

    def __call__(self, element: Any) -> Record | None:
        """The record, or None where it has no value.

        Raises:
            _BadValueError: a value is not of its type.
        """
        names, children = self._names, element[:]
        try:
            record: Record = {names[child.tag]: child.text for child in children}
        except KeyError:
            record = self._read_known(children)
        if len(record) != len(children):
            self._refuse_doubled(children)
        for child in children:
            if len(child) and child.tag in self._scalar_tags:
                raise _BadValueError(f"{self._names[child.tag] or 'a dropped member'} holds elements, not a value")
        if self._drops:
            record.pop(_DROPPED, None)
        if len(record) != len(self._absent):
            record = self._absent | record
        name = scalar = ""
        try:
            for name, reads, scalar in self._scalars:  # noqa: B007 - named in the error
                text = record[name]
                if text is not None:
                    record[name] = reads(text)
        except (ValueError, ArithmeticError):
            raise _BadValueError(f"{name} is not a {scalar}") from None
        for nested in self._nested:
            record[nested.name] = nested.value(element, children)
        return None if record == self._nothing else record

    def _read_known(self, children: list[Any]) -> Record:
        """Read by local name what is in another namespace or cased otherwise; the rest is reported and ignored."""
        record: Record = {}
        known = 0
        present = {child.tag for child in children}
        for child in children:
            name = self._names.get(child.tag)
            if name is None:
                tag = self._tags_by_local_name.get(etree.QName(child).localname.lower())
                self._note_unknown(self._shape, child.tag)
                if tag is None or tag in present:
                    continue
                name = self._names[tag]
                if tag not in self._scalar_tags:
                    raise _BadValueError(f"{name} is in another namespace, or is spelt otherwise")
            else:
                known += 1
            record[name] = child.text
        if not known and any(child.text or len(child) for child in children):
            strangers = ", ".join(sorted({str(child.tag) for child in children})[:5])
            raise _BadValueError(f"none of its members is in the contract: {strangers}")
        return record

    def _refuse_doubled(self, children: list[Any]) -> None:
        """Reject a record that holds one member twice with different contents."""
        seen: dict[str, bytes] = {}
        for child in children:
            name = self._names.get(child.tag)
            if not name or child.tag in self._repeated_tags:
                continue
            content = etree.tostring(child, with_tail=False)
            if seen.setdefault(name, content) != content:
                raise _BadValueError(f"{name} occurs twice with different values")


class _Nested:
    """A member that holds elements: a record, a list, or repetitions."""

    __slots__ = ("_empty", "_place", "_read", "_repeated", "_tag", "name")

    def __init__(self, member: Member, place: int, read: _Read) -> None:
        self.name, self._tag, self._place, self._read = member.name, member.tag, place, read
        self._repeated = member.repeated
        self._empty = member.repeated or member.shape.is_list

    def value(self, element: Any, children: list[Any]) -> Any:
        """What the record's children hold of it."""
        place = self._place
        # Where all members are there, in order, it is at its own place; a repeated one may be elsewhere too.
        if not self._repeated and place < len(children) and children[place].tag == self._tag:
            return self._one(children[place])
        found = [self._one(child) for child in element.iterchildren(self._tag)]
        if self._repeated:
            return [value for value in found if value is not None]
        return found[-1] if found else [] if self._empty else None

    def _one(self, child: Any) -> Any:
        try:
            return self._read(child)
        except _BadValueError as error:
            raise _BadValueError(f"{self.name}.{error}") from None
        except (ValueError, ArithmeticError):
            raise _BadValueError(f"{self.name} holds a value that is not of its type") from None


@dataclass(frozen=True, slots=True)
class _MemberReader:
    """Reads one member of a result, record by record: a bad one is rejected and the others stay."""

    member: Member
    read: _Read
    kind: Shape
    item_tag: str | None
    many: bool

    def _items(self, element: Any, decoded: Decoded) -> Iterable[Any]:
        """The records of a container; elements that are not its records are rejected."""
        if self.item_tag is None:
            return (element,)
        items = list(element.iterchildren(self.item_tag))
        if len(items) < len(element):
            strangers = sorted({str(child.tag) for child in element if child.tag != self.item_tag})
            if not items:
                raise DataError(f"{self.member.name} holds {', '.join(strangers[:5])}; expected {self.item_tag}")
            for name in strangers[:5]:
                decoded.rejected.append(Rejected(self.kind.name, None, f"unexpected element {name}"))
        return items

    def values(self, result: Any, decoded: Decoded, *, repaired: bool, long: bool) -> list[Any]:
        """The readable records; what was rejected or repaired is noted in `decoded`."""
        found = []
        for element in result.iterchildren(self.member.tag):
            for item in self._items(element, decoded):
                try:
                    if long:
                        _refuse_long(item)
                    if repaired:
                        _refuse_repaired_key(self.kind, item)
                    value = self.read(item)
                except (_BadValueError, ValueError, ArithmeticError) as error:
                    reason = str(error) if isinstance(error, _BadValueError) else f"not a {self.kind.scalar}"
                    decoded.rejected.append(Rejected(self.kind.name, _identity(self.kind, item), reason))
                else:
                    if value is not None:
                        found.append(value)
                if repaired and (characters := repaired_in(item)):
                    decoded.repaired.append(Repaired(self.kind.name, _identity(self.kind, item), characters))
        return found


class _AnswerReader:
    """Reads the answers of one operation."""

    def __init__(
        self, operation: Operation, members: list[_MemberReader], note_unknown: Callable[[Shape, Any], None]
    ) -> None:
        self._operation, self._members, self._note_unknown = operation, members, note_unknown
        self._tags = frozenset(member.member.tag for member in members)
        self._by_local_name = {etree.QName(member.member.tag).localname.lower(): member for member in members}

    def _expected(self) -> str:
        return f"expected {', '.join(sorted(self._tags))}"

    def __call__(self, envelope: Any, *, long: bool) -> Decoded:
        result = self._result(envelope)
        if result is None:
            return Decoded(None)
        strangers = [child for child in result if child.tag not in self._tags and (len(child) or child.text)]
        if strangers and not any(child.tag in self._tags for child in result):
            raise DataError(f"{self._operation.name}: the answer holds {_named(strangers)}; {self._expected()}")
        value: Record = {}
        decoded, repaired = Decoded(value), is_repaired(envelope)
        for child in strangers:
            reader = self._by_local_name.get(etree.QName(child).localname.lower())
            if reader is None:
                self._note_unknown(Shape(f"{self._operation.name}Result", None), child.tag)
            else:
                decoded.rejected.append(Rejected(reader.kind.name, None, f"unexpected element {child.tag}"))
        for reader in self._members:
            found = reader.values(result, decoded, repaired=repaired, long=long)
            if len(found) > 1 and not reader.many and any(other != found[0] for other in found):
                raise DataError(f"{self._operation.name}: {reader.member.name} occurs {len(found)} times")
            value[reader.member.name] = found if reader.many else found[-1] if found else None
        return decoded

    def _result(self, envelope: Any) -> Any:
        """The element whose members the answer is about; None where the operation has no result."""
        operation = self._operation
        body = envelope[-1] if len(envelope) else envelope
        answer = body[0] if body.tag == _BODY and len(body) else None
        if answer is None or answer.tag != operation.response_tag:
            found = "" if answer is None else f", but {answer.tag}"
            raise DataError(f"{operation.name}: the answer is not a {operation.name}Response{found}")
        if not operation.results:
            return None
        if operation.result_tag is None:
            return answer
        results = list(answer.iterchildren(operation.result_tag))
        if len(results) < len(answer):
            strangers = [child for child in answer if child.tag != operation.result_tag]
            if not results:
                raise DataError(
                    f"{operation.name}: the answer holds {_named(strangers)}; expected {operation.result_tag}"
                )
        if len(results) > 1:
            raise DataError(f"{operation.name}: {operation.result_tag} occurs {len(results)} times")
        return results[0] if results else None


def _named(elements: Iterable[Any]) -> str:
    return ", ".join(sorted({str(element.tag) for element in elements})[:5])


def _refuse_long(element: Any) -> None:
    for part in element.iter():
        if part.text and len(part.text) > LONGEST_TEXT:
            name = etree.QName(part).localname
            raise _BadValueError(f"{name} holds {len(part.text):,} characters; at most {LONGEST_TEXT:,}")


def _list_reader(tag: str, read: _Read) -> _Read:
    def read_list(element: Any) -> list[Any]:
        for child in element:
            if child.tag != tag:
                raise _BadValueError(f"unexpected element {child.tag}; expected {tag}")
        return [value for child in element if (value := read(child)) is not None]

    return read_list


def _identity(shape: Shape, element: Any) -> str | None:
    """The record's own id: the member named after its type, such as CustomerId or CompanyCode."""
    found = _identity_element(shape, element)
    return None if found is None else str(found.text)


def _identity_element(shape: Shape, element: Any) -> Any:
    kind = shape.name.removesuffix("Info")
    wanted = {stem + ending for stem in (kind, kind.removeprefix("Customer")) for ending in ("Id", "Code")}
    for child in element:
        if child.text and etree.QName(child).localname in wanted:
            return child
    return None


def _refuse_repaired_key(shape: Shape, element: Any) -> None:
    """Reject a record whose id held a forbidden character: without it, or with a blank, it may be another record's."""
    found = _identity_element(shape, element)
    if found is not None and repaired_in(found):
        raise _BadValueError(f"{etree.QName(found).localname} holds characters that XML forbids")
