"""Faults that can be switched on in a sandbox; all are off at first. Independent of any system.

`unavailable` answers HTTP 503, `throttled` 429 with Retry-After, `drop` closes the connection unread, `fault` answers
with the service's general fault, `bare_fault` with one that has no detail; `lost` carries the call out and closes without
a reply, `fault_after` carries it out and answers with a fault, `cut` sends half of the answer and closes, `half` sends
half of the answer as if it were all.
"""

import random
from dataclasses import dataclass
from typing import Any

BEFORE = ("unavailable", "throttled", "drop", "fault", "bare_fault")
CARRIED_OUT = ("lost", "fault_after")
"""These strike only calls that were carried out: a refused one has nothing to lose."""
ANSWERED = ("cut", "half")
KINDS = (*BEFORE, *CARRIED_OUT, *ANSWERED)


@dataclass(slots=True)
class Rule:
    """How often one kind of fault strikes, and which requests."""

    rate: float = 0
    """The share of calls."""
    next: int = 0
    """The next so many calls, before the rate counts."""
    operations: frozenset[str] = frozenset()
    """Only these; empty: every one but those that begin a session."""
    about: str = ""
    """Only calls that hold this text, such as a record's id; empty: every one."""

    def strikes(self, rng: random.Random) -> bool:
        """Whether it strikes now."""
        if self.next > 0:
            self.next -= 1
            return True
        return self.rate > 0 and rng.random() < self.rate


class Faults:
    """The switches of one sandbox.

    Args:
        seed: decides which requests a rate strikes, so that a run can be repeated.
        spared: operations that a rule without operations leaves alone.
    """

    def __init__(self, seed: int, spared: frozenset[str]) -> None:
        self._rng = random.Random(seed)  # noqa: S311
        self._spared = spared
        self.latency_ms: float = 0
        self.slow_ms: dict[str, float] = {}
        self.only: frozenset[str] = frozenset()
        self.rules: dict[str, Rule] = {}

    def wait_ms(self, operation: str) -> float:
        """How long this call waits."""
        return self.slow_ms.get(operation, self.latency_ms)

    def strike(self, operation: str, kinds: tuple[str, ...], sent: str) -> str | None:
        """Return the kind of fault that strikes this call, if any.

        Args:
            operation: what is called.
            kinds: the kinds in question.
            sent: the call's path and body, which a rule's `about` is searched in.
        """
        for kind in kinds:
            rule = self.rules.get(kind)
            if rule is None:
                continue
            if rule.about not in sent:
                continue
            wanted = rule.operations or self.only
            if (operation in wanted if wanted else operation not in self._spared) and rule.strikes(self._rng):
                return kind
        return None

    def strike_after(self, operation: str, status: int, sent: str) -> str | None:
        """Return the kind of fault that strikes a call which was answered with this HTTP status, if any."""
        kinds = (*CARRIED_OUT, *ANSWERED) if status < 300 else ANSWERED
        return self.strike(operation, kinds, sent)

    def switch(self, settings: dict[str, Any]) -> None:
        """Set switches by name; those that are not named stay as they are.

        `{kind}: {rate, next, operations, about}` or null; `{kind}_rate` and `next_{kind}` for short; `latency_ms`;
        `slow_ms: {operation: ms}`; `only: [operation]` for rules without operations; `seed`; `off: true` first
        switches everything off.

        Raises:
            KeyError: no such switch.
            TypeError: a value of another kind.
            ValueError: a value out of range.
        """
        settings = dict(settings)
        if settings.pop("off", False):
            self.latency_ms, self.slow_ms, self.only, self.rules = 0, {}, frozenset(), {}
        for name, value in settings.items():
            if name == "latency_ms":
                self.latency_ms = _milliseconds(value)
            elif name == "slow_ms":
                self.slow_ms = {operation: _milliseconds(wait) for operation, wait in value.items()}
            elif name == "only":
                self.only = frozenset(value)
            elif name == "seed":
                self._rng.seed(int(value))
            elif name in KINDS:
                self.rules.pop(name, None)
                if value is not None:
                    self._set(name, **value)
            elif name.startswith("next_") and name[5:] in KINDS:
                self._set(name[5:], next=value)
            elif name.endswith("_rate") and name[:-5] in KINDS:
                self._set(name[:-5], rate=value)
            else:
                raise KeyError(name)

    def _set(self, kind: str, **given: Any) -> None:
        before = self.rules.get(kind, Rule())
        operations = given.pop("operations", before.operations)
        rule = Rule(
            given.pop("rate", before.rate),
            given.pop("next", before.next),
            frozenset(operations),
            str(given.pop("about", before.about)),
        )
        if given:
            raise KeyError(", ".join(given))
        if not 0 <= rule.rate <= 1 or rule.next < 0:
            raise ValueError(kind)
        self.rules[kind] = rule

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "latency_ms": self.latency_ms, "slow_ms": self.slow_ms, "only": sorted(self.only),
            **{
                kind: {
                    "rate": rule.rate,
                    "next": rule.next,
                    "operations": sorted(rule.operations),
                    "about": rule.about,
                }
                for kind, rule in self.rules.items()
            },
        }  # fmt: skip


def _milliseconds(value: float) -> float:
    if not 0 <= value <= 600_000:
        raise ValueError(value)
    return value
