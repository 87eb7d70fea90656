"""What an alert says: one incident in full, or a burst as a summary. Nothing here is personal data."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ams_etl.alerts.incidents import Announcement, Incident

_BEGINNINGS = {"opened": "", "reminded": "still: ", "closed": "over: "}
_LISTED = 20
"""Agencies that a summary names for each kind of incident."""


@dataclass(frozen=True, slots=True)
class Message:
    """A subject of one line, a text, and the same as data for programs."""

    subject: str
    text: str
    data: dict[str, Any]


def message_of(announcements: Sequence[Announcement], *, summary_above: int, ui_url: str | None) -> list[Message]:
    """Return the messages for what is due: one for each, or one summary where they are many."""
    if len(announcements) > summary_above:
        return [_summary(announcements, ui_url)]
    return [_single(announcement, ui_url) for announcement in announcements]


def _single(announcement: Announcement, ui_url: str | None) -> Message:
    incident = announcement.incident
    title = f"{_BEGINNINGS[announcement.what]}{incident.title}"
    lines = [
        title,
        incident.detail,
        f"What to do: {incident.what_to_do}" if announcement.what != "closed" else "",
        f"Since {incident.opened_at:%Y-%m-%d %H:%M:%S %Z}, seen in {incident.occurrences} run(s)"
        if incident.run_id
        else f"Since {incident.opened_at:%Y-%m-%d %H:%M:%S %Z}",
        f"{ui_url.rstrip('/')}/runs/{incident.run_id}" if ui_url and incident.run_id else "",
    ]
    return Message(
        f"[ams-etl] {incident.severity if announcement.what != 'closed' else 'over'}: {incident.title}",
        "\n".join(line for line in lines if line),
        {"event": announcement.what, "incidents": [_data(incident)]},
    )


def _summary(announcements: Sequence[Announcement], ui_url: str | None) -> Message:
    by_kind = Counter(
        (announcement.what, announcement.incident.severity, announcement.incident.kind)
        for announcement in announcements
    )
    lines: list[str] = []
    kinds: list[str] = []
    for (what, severity, kind), count in by_kind.most_common():
        agencies = sorted(
            {
                announcement.incident.agency or "all agencies"
                for announcement in announcements
                if (announcement.what, announcement.incident.severity, announcement.incident.kind)
                == (what, severity, kind)
            }
        )
        named = ", ".join(agencies[:_LISTED]) + (
            f" and {len(agencies) - _LISTED} more" if len(agencies) > _LISTED else ""
        )
        state = {"opened": "new", "reminded": "lasting", "closed": "over"}[what]
        kinds.append(f"{count} {state}: {kind.replace('_', ' ')} ({severity})")
        lines.append(f"{kinds[-1]} of {named}")
    first = next(
        (announcement.incident for announcement in announcements if announcement.what != "closed"),
        announcements[0].incident,
    )
    lines += [
        "",
        f"The first: {first.title}",
        first.detail,
        f"What to do: {first.what_to_do}",
        "All: ams-etl alerts list",
    ]
    if ui_url:
        lines.append(f"{ui_url.rstrip('/')}/runs")
    return Message(
        f"[ams-etl] {len(announcements)} incidents: {kinds[0]}",
        "\n".join(lines),
        {
            "event": "summary",
            "incidents": [
                {**_data(announcement.incident), "event": announcement.what} for announcement in announcements
            ],
        },
    )


def _data(incident: Incident) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "agency": incident.agency or None,
        "kind": incident.kind,
        "severity": incident.severity,
        "title": incident.title,
        "detail": incident.detail,
        "what_to_do": incident.what_to_do,
        "run_id": incident.run_id,
        "occurrences": incident.occurrences,
        "opened_at": incident.opened_at.isoformat(),
        "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
    }
