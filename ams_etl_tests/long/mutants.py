"""How many small changes of the rules do their tests notice? `make mutants` asks mutmut, for a sample of all changes.

mutmut makes each change of a function in `ams_etl/rules/` (a flipped comparison, another number, an argument left out), and runs
the tests of `ams_etl_tests/rules/` that reach it. Prints the score, and each change that no test noticed.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path("mutants")
_SURVIVED, _REACHED_BY_NO_TEST = 0, 33
_LATE = (24, 36, 152, 255, -24)
"""How mutmut writes down that the tests took too long, which an endless loop does: noticed."""


def main() -> int:
    """Run the sample of the command line; exit code 1 when mutmut itself fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="so many changes of all")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", default="", help="changes whose name has this in it, such as contacts.merging")
    given = parser.parse_args()
    if not any(FOLDER.rglob("*.meta")):
        # A run of one change makes all of them and finds out which test reaches which function.
        _mutmut("run", "ams_etl.rules.contacts.merging.x_components__mutmut_1")
    names = sorted(name for name, _ in _outcomes() if given.only in name)
    if given.sample < 1 or not names:
        # Without a name, mutmut would try every change.
        return 0
    chosen = sorted(random.Random(given.seed).sample(names, min(given.sample, len(names))))
    print(f"{len(chosen)} of {len(names)} changes, seed {given.seed}", flush=True)
    _mutmut("run", "--max-children", "2", *chosen)
    _report([(name, code) for name, code in _outcomes() if name in set(chosen)])
    return 0


def _outcomes() -> Iterator[tuple[str, int | None]]:
    """Yield each change and the exit code of its tests, None where they were not run."""
    for path in sorted(FOLDER.rglob("*.meta")):
        yield from json.loads(path.read_text())["exit_code_by_key"].items()


def _report(outcomes: Sequence[tuple[str, int | None]]) -> None:
    counts = Counter(_word(code) for _, code in outcomes)
    noticed = counts["noticed"] + counts["noticed by taking too long"]
    print(f"\n{noticed} of {len(outcomes)} noticed ({noticed / max(len(outcomes), 1):.1%}): {dict(counts)}\n")
    for name, code in outcomes:
        if not _word(code).startswith("noticed"):
            shown = subprocess.run(
                [sys.executable, "-m", "mutmut", "show", name], capture_output=True, text=True, check=False
            )
            lines = [line for line in shown.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
            print(f"{name}: {_word(code)}", *lines, "", sep="\n")


def _word(code: int | None) -> str:
    if code is None:
        return "not run"
    if code == _SURVIVED:
        return "survived"
    if code == _REACHED_BY_NO_TEST:
        return "reached by no test"
    return "noticed by taking too long" if code in _LATE else "noticed"


def _mutmut(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "mutmut", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"mutmut failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
