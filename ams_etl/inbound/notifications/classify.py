"""What a notification says: which record, by which keys, was inserted, updated or deleted.

Pure, and never raises: a body that is not understood is `ParkedNotification` with a reason that holds nothing personal. The
authentication code is not read here; it is checked, and taken out, before a body is stored.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ams_etl.inbound.notifications.documents import Node, UnreadableError, read_document
from ams_etl.inbound.notifications.mapping import Change, NotificationMapping, normal

MAX_PARTS = 1000
_Value = TypeVar("_Value")
_AFFIXES = re.compile(r"^(?:on|notify)|(?:event|notification|request|message)$")
_UUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
_KEY = re.compile(r"[\x20-\x7e]{1,64}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_. -]{0,40}")


@dataclass(frozen=True, slots=True)
class Understood:
    """One notification.

    Attributes:
        object_type: as the mapping calls it; of a type without use, the word that was sent.
        change: what happened to the record.
        keys: AMS360's member name -> value; at least one where the type is used.
        is_used: whether anything here reads such records.
        agency_no: the agency that the body names, if it does.
    """

    object_type: str
    change: Change
    keys: Mapping[str, str]
    is_used: bool = True
    agency_no: str | None = None


@dataclass(frozen=True, slots=True)
class ParkedNotification:
    """What could not be understood, and why."""

    reason: str


Part = Understood | ParkedNotification


def understand(body: bytes, content_type: str | None, mapping: NotificationMapping) -> tuple[Part, ...]:
    """Every notification of a body, in its order.

    Args:
        body: as received.
        content_type: the header; only named in a reason, since senders get it wrong.
        mapping: the names to look for.

    Returns:
        At least one part; a body that cannot be read is one `ParkedNotification`.
    """
    try:
        return _parts(read_document(body), mapping)
    except UnreadableError as unreadable:
        return (ParkedNotification(f"{unreadable}{_sent_as(content_type)}"),)
    except Exception as error:  # noqa: BLE001 - whatever the open internet sends must not stop the queue
        return (ParkedNotification(f"the reader failed ({type(error).__name__})"),)


def _sent_as(content_type: str | None) -> str:
    kind = (content_type or "").partition(";")[0].strip()
    return f" (sent as {kind})" if re.fullmatch(r"[\w.+-]{1,40}/[\w.+-]{1,60}", kind, re.ASCII) else ""


@dataclass(frozen=True, slots=True)
class _Event:
    """Where a notification is in the body, and what its names say."""

    node: Node
    word: str | None
    change: str | None


def _parts(root: Node, mapping: NotificationMapping) -> tuple[Part, ...]:
    events = _events(root, mapping)
    if not events:
        return (
            ParkedNotification(
                "no element says what kind of record changed and how: see fields and objects in the mapping"
            ),
        )
    if len(events) > MAX_PARTS:
        return (ParkedNotification(f"more than {MAX_PARTS:,} notifications in one request"),)
    agency_no = next((leaf.text for leaf in root.walk() if leaf.name in mapping.agency_no and leaf.text), None)
    inner = {id(event.node) for event in events}
    parts = tuple(
        part
        for event in events
        for part in _parts_of(event, root if len(events) == 1 else None, inner, agency_no, mapping)
    )
    return parts if len(parts) <= MAX_PARTS else (ParkedNotification(f"more than {MAX_PARTS:,} keys in one request"),)


def _events(root: Node, mapping: NotificationMapping) -> Sequence[_Event]:
    """The innermost nodes that say what changed and how.

    Inside a notification that is understood, one that is not is part of the record's data.
    """
    found: dict[int, _Event] = {}
    sound: set[int] = set()
    parents: dict[int, Node] = {}
    nodes = list(root.walk())
    for node in nodes:
        for child in node.children:
            parents[id(child)] = node
        event = _event(node, mapping)
        if event is None:
            continue
        if _means(event.change, mapping.changes) and _means(event.word, mapping.objects):
            sound.add(id(node))
        elif not sound.isdisjoint(_above(node, parents)):
            continue
        found[id(node)] = event
    outer = {key for event in found.values() for key in _above(event.node, parents)}
    return [event for key, event in found.items() if key not in outer]


def _above(node: Node, parents: Mapping[int, Node]) -> Iterable[int]:
    above = parents.get(id(node))
    while above is not None:
        yield id(above)
        above = parents.get(id(above))


def _event(node: Node, mapping: NotificationMapping) -> _Event | None:
    if not node.children:
        return None
    leaves = _leaves(node)
    kind = _said(leaves, mapping.object_type, mapping.objects)
    how = _said(leaves, mapping.change, mapping.changes)
    for said in (kind, how, node.name):
        both = mapping.events.get(_AFFIXES.sub("", normal(said or "")))
        if both:
            return _Event(node, *both)
    if kind is not None and how is not None and kind is not how:
        return _Event(node, kind, how)
    if how is None:
        return None
    inside = next((child.name for child in node.children if child.children and child.name in mapping.objects), None)
    word = inside or (node.name if node.name in mapping.objects else None)
    return _Event(node, word, how) if word else None


def _said(leaves: Mapping[str, str], names: Iterable[str], known: Mapping[str, object]) -> str | None:
    """Return the value of the first of these names with a known value, else of the first of them."""
    said = [leaves[name] for name in names if name in leaves]
    return next((text for text in said if _means(text, known)), said[0] if said else None)


def _means(text: str | None, known: Mapping[str, object]) -> bool:
    return normal(text or "") in known


def _parts_of(
    event: _Event, document: Node | None, inner: set[int], agency_no: str | None, mapping: NotificationMapping
) -> tuple[Part, ...]:
    """What one notification says: a part for each record that it names."""
    change = mapping.changes.get(normal(event.change or ""))
    if change is None:
        return (ParkedNotification(f"the change {_quoted(event.change)} is not in the mapping"),)
    word = normal(event.word or "")
    if word not in mapping.objects:
        return (ParkedNotification(f"the object type {_quoted(event.word)} is not in the mapping"),)
    object_type = mapping.objects[word]
    if object_type is None:
        return (Understood(word, change, {}, is_used=False, agency_no=_plain(agency_no)),)
    keys = _keys(_beneath(event.node, inner), object_type, mapping)
    if not keys and document is not None:
        keys = _keys(list(document.walk()), object_type, mapping)
    own, *others = (member for member, _ in mapping.keys[object_type])
    if not keys:
        return (
            ParkedNotification(f"no key of the {object_type} was found: see objects.{object_type}.keys in the mapping"),
        )
    doubtful = next((member for member in others if len(keys.get(member, ())) > 1), None)
    if doubtful is not None:
        return (
            ParkedNotification(
                f"several values of {doubtful}: which record of type {object_type} is meant is not clear"
            ),
        )
    beside = {member: found[0] for member, found in keys.items() if member != own}
    records = [{own: key, **beside} for key in keys[own]] if own in keys else [beside]
    return tuple(Understood(object_type, change, record, agency_no=_plain(agency_no)) for record in records)


def _keys(nodes: Sequence[Node], object_type: str, mapping: NotificationMapping) -> dict[str, list[str]]:
    """Each key member with its different values, in the document's order."""
    named: dict[str, list[str]] = {}
    nameless: list[str] = []
    has_pairs = False
    for node in nodes:
        if node.text is not None:
            named.setdefault(node.name, []).append(node.text)
        elif node.children:
            leaves = _leaves(node)
            name, value = _first(leaves, mapping.key_name), _first(leaves, mapping.key_value)
            if name and value:
                named.setdefault(normal(name), []).append(value)
                has_pairs = True
            elif not nameless:
                nameless = [child.text for child in node.children if child.text and child.name in mapping.key_value]
    found = {}
    for member, spellings in mapping.keys[object_type]:
        keys = _different(_first(named, spellings) or [])
        if keys:
            found[member] = keys
    if not found and not has_pairs:
        keys = _different(nameless)
        return {mapping.keys[object_type][0][0]: keys} if keys else {}
    return found


def _different(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(key for key in map(_key, texts) if key is not None))


def _key(text: str) -> str | None:
    """A key as records have it: GUIDs in lower case without braces, codes untouched, blanks included."""
    if len(text) > 3:
        text = text.strip()
    guid = _UUID.fullmatch(text)
    if guid:
        return guid[1].lower()
    return text if _KEY.fullmatch(text) else None


def _beneath(node: Node, inner: set[int]) -> list[Node]:
    """A node and all beneath it, but for other notifications."""
    nodes, waiting = [], [node]
    while waiting:
        here = waiting.pop()
        if here is node or id(here) not in inner:
            nodes.append(here)
            waiting.extend(reversed(here.children))
    return nodes


def _leaves(node: Node) -> dict[str, str]:
    leaves: dict[str, str] = {}
    for child in node.children:
        if child.text is not None:
            leaves.setdefault(child.name, child.text)
    return leaves


def _first(given: Mapping[str, _Value], names: Iterable[str]) -> _Value | None:
    return next((given[name] for name in names if name in given), None)


def _plain(text: str | None) -> str | None:
    return text.strip() if text and _KEY.fullmatch(text.strip()) else None


def _quoted(text: str | None) -> str:
    """Quote the sender's text if it is a single word; anything else may be personal data and is not repeated."""
    return repr(text.strip()) if text and _WORD.fullmatch(text.strip()) else "that was sent"
