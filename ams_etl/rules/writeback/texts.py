"""Texts of records that are written (W2, W13): who did it, what, and where to read it."""

import re

from ams_etl.rules.writeback.model import Happening
from ams_etl.rules.writeback.settings import TEXT_LIMITS, WritebackSettings

_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_SAYS = {
    ("email", "outbound"): "Email sent by {who}",
    ("email", "inbound"): "Email received, recorded by {who}",
    ("text", "outbound"): "Text message sent by {who}",
    ("text", "inbound"): "Text message received, recorded by {who}",
    ("call", "outbound"): "Outbound phone call by {who}",
    ("call", "inbound"): "Inbound phone call, recorded by {who}",
    ("call", None): "Phone call, recorded by {who}",
    ("handwritten_card", None): "Handwritten card sent by {who}",
    ("meeting", None): "Meeting, recorded by {who}",
    ("voice_note", None): "Voice note by {who}",
    ("note", None): "Note by {who}",
    ("ticket_created", None): "Ticket by {who}",
    ("deal_won", None): "Deal won by {who}",
}


def heading(happening: Happening) -> str:
    """W2: the first line: what it was, in which direction, and the acting user's name."""
    kind, direction = happening.kind, happening.direction
    pattern = _SAYS.get((kind, direction)) or _SAYS.get((kind, None)) or _SAYS[(kind, "outbound")]
    head = pattern.format(who=_one_line(happening.actor_name))
    if happening.call_type:
        head += f" ({_one_line(happening.call_type)})"
    return f"{head}: {_one_line(happening.subject)}" if happening.subject.strip() else head


def texts_for(member: str, happening: Happening, settings: WritebackSettings, *, tail: str = "") -> tuple[str, ...]:
    """W13: the whole text where the field takes it, else several that say so, or one that ends in a visible mark.

    Args:
        member: `Type.Member`, for its limit (in UTF-16 units, as .NET counts).
        happening: what to tell; each text has its heading and its link.
        settings: the limits, and whether to split.
        tail: a last line that must not be lost, such as a marker.
    """
    limit = settings.text_limits.get(member) or TEXT_LIMITS[member]
    head, body = heading(happening), _LINE_ENDS.sub("\n", happening.text).strip()
    link = f"Link: {happening.link}" if happening.link else ""
    if _size(link) > limit // 3:
        link = "Link: too long for this field"
    end = "".join(f"\n{line}" for line in (link, tail) if line)
    whole = head + (f"\n{body}" if body else "") + end
    if _size(whole) <= limit:
        return (whole,)
    if _size(head) > limit // 3:
        head = _prefix(head, limit // 3 - 1) + "…"
    most = settings.max_parts if settings.long_text == "split" and member.split(".", maxsplit=1)[0] in _SPLIT else 1
    room = limit - _size(f"{head} ({most}/{most})\n{end}")
    pieces = _pieces(body, max(room, 1), most)
    if "".join(pieces) != body:
        mark = f"\n[cut: {len(body):,} characters in all]"
        room -= _size(mark)
        pieces = _pieces(body, max(room, 1), most)
        pieces[-1] += mark
    if len(pieces) == 1:
        return (f"{head}\n{pieces[0]}{end}",)
    return tuple(f"{head} ({number}/{len(pieces)})\n{piece}{end}" for number, piece in enumerate(pieces, start=1))


_SPLIT = frozenset({"CustomerActivity", "CustomerNote"})


def _pieces(body: str, room: int, most: int) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(body) and len(found) < most:
        piece = _prefix(body[at : at + room], room)
        # Rather between words, where one ends near.
        if at + len(piece) < len(body):
            blank = max(piece.rfind(" "), piece.rfind("\n"))
            if blank > len(piece) * 3 // 4:
                piece = piece[: blank + 1]
        found.append(piece)
        at += len(piece)
    return found or [""]


def _prefix(text: str, room: int) -> str:
    if text.isascii() or max(text) <= "\uffff":
        return text[:room]
    taken = 0
    for place, letter in enumerate(text):
        taken += 1 if letter <= "\uffff" else 2
        if taken > room:
            return text[:place] or text[:1]
    return text


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _one_line(text: str) -> str:
    return " ".join(text.split())
