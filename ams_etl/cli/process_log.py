"""Read what the processes of `ams-etl up` print, and make one line a fact of it.

Dagster's processes colour their lines, write a line per event of a run, and warn about the end of each code server that they
replaced on purpose. People get what they need to know; `--json` prints every fact with its level and its traceback.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_DAGSTER = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: [+-]\d{4})? - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)$"
)
_RUN_EVENT = re.compile(r"^(?P<job>\w+) - (?P<run>[0-9a-f]{8})-[0-9a-f-]{27} - (?:\d+ - )?(?P<rest>.*)$")
_EVENT = re.compile(r"^(?:\S+ - )?(?P<event>[A-Z]+(?:_[A-Z]+)+) - (?P<text>.*)$")
_OURS = re.compile(r"^(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):\s*(?P<text>.*)$")
_TRACEBACK = "Traceback (most recent call last)"
_RAISED = re.compile(r"^(?P<kind>[A-Za-z_][\w.]*): (?P<text>.+)$")
_OWN_ERRORS = "ams_etl.errors."

_RUN_STATES = {
    "RUN_START": ("info", "started"),
    "RUN_SUCCESS": ("info", "succeeded"),
    "RUN_FAILURE": ("error", "failed"),
    "RUN_CANCELED": ("warning", "was cancelled"),
}
"""Events that say of a whole run how it goes; the other ones are in the UI."""
_EXPECTED = (
    # The daemon replaces its code server each minute, and the replaced one ends by this warning.
    "No heartbeat received in ",
    "Shutting down Dagster code server",
    "Started Dagster code server",
    "Starting Dagster code server",
    "Serving dagster-webserver on ",
    # It says so once in the life of an instance.
    "No cursor for event type ",
)
_FOLLOWS = re.compile(r"Dependencies for step \S+ (?:failed|were not executed)")
"""What is reported of each step after one that failed."""
_LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3, "critical": 4}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a process reports."""

    level: str
    text: str
    detail: str = ""
    """The traceback that came with it, for machines."""

    @property
    def is_for_people(self) -> bool:
        """Whether a person at the terminal needs it: no debugging, and nothing that is as it should be."""
        return _LEVELS.get(self.level, 1) > 0 and not (self.text.startswith(_EXPECTED) or _FOLLOWS.search(self.text))


class ProcessLog:
    """The lines of one process, in order; an error and the traceback below it are one fact."""

    def __init__(self) -> None:
        self._error: Fact | None = None
        self._below: list[str] = []

    def read(self, line: str) -> Iterator[Fact]:
        """Yield the facts that are complete with this line."""
        plain = _ANSI.sub("", line).rstrip()
        fact = _fact(plain)
        if fact is None and self._error is None and _TRACEBACK in plain:
            fact = Fact("error", "")
        if fact is None and self._error is not None:
            self._below.append(plain)
            return
        yield from self.end()
        if fact is None:
            fact = Fact("info", plain.strip())
        if fact.level in {"error", "critical"}:
            self._error = fact
        elif fact.text:
            yield fact

    def end(self) -> Iterator[Fact]:
        """Yield the error that is still open, if there is one: more of its traceback might have come."""
        if self._error is not None:
            cause = _cause(self._below)
            text = ": ".join(part for part in (self._error.text.rstrip(" .:"), cause) if part)
            fact, self._error = Fact(self._error.level, text, "\n".join(self._below).strip()), None
            self._below = []
            yield fact


def _cause(lines: list[str]) -> str:
    """Return what a traceback comes from: the message of our own error, else the last error's class and message."""
    raised = [found for line in lines if (found := _RAISED.match(line))]
    ours = [found["text"] for found in raised if found["kind"].startswith(_OWN_ERRORS)]
    return ours[-1] if ours else raised[-1][0] if raised else ""


def _fact(plain: str) -> Fact | None:
    """Return what a line of a known form says; None for any other line."""
    if plain.startswith("{") and plain.endswith("}"):
        return _of_json(plain)
    dagster = _DAGSTER.match(plain)
    if dagster:
        run = _RUN_EVENT.match(dagster["text"])
        if run:
            return _of_run(dagster["level"].lower(), run["job"], run["run"], run["rest"])
        return Fact(dagster["level"].lower(), dagster["text"])
    ours = _OURS.match(plain)
    return Fact(ours["level"].lower(), ours["text"]) if ours else None


def _of_json(plain: str) -> Fact | None:
    try:
        read = json.loads(plain)
    except ValueError:
        return None
    if "url" in read:
        return Fact("debug", f"answers at {read['url']}")
    if "text" in read:
        return Fact(str(read.get("level", "info")), str(read["text"]))
    return Fact("info", ", ".join(f"{name} {value}" for name, value in read.items()))


def _of_run(level: str, job: str, run: str, rest: str) -> Fact:
    event = _EVENT.match(rest)
    if event is None:
        # What our code logs while a step runs, after the step's name: progress, and what to do.
        return Fact(level, f"run {run} ({job}): {rest.partition(' - ')[2] or rest}")
    if event["event"] in _RUN_STATES:
        level, state = _RUN_STATES[event["event"]]
        return Fact(level, f"run {run} ({job}) {state}")
    return Fact("debug" if level == "info" else level, f"run {run} ({job}): {event['text']}")
