"""Write which tests import each module into docs/testing.md: `python -m ams_etl_tests.module_tests --write`."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "testing.md"
BEGIN, END = "<!-- module tests: written by `make docs` -->\n", "<!-- end of module tests -->\n"
MOST_NAMED = 3


def modules() -> dict[str, str]:
    """Return the path below `ams_etl/` of every module by its dotted name; packages are left out."""
    files = sorted((ROOT / "ams_etl").rglob("*.py"))
    paths = [file.relative_to(ROOT) for file in files if not file.name.startswith("__")]
    return {".".join(path.with_suffix("").parts): str(path.relative_to("ams_etl")) for path in paths}


def imported(file: Path) -> Iterator[str]:
    """Yield what a file imports, wherever in it; `from a import b` is both `a` and `a.b`, which may be a module."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers() -> dict[str, list[str]]:
    """Return the files of the tests that import each module directly, helpers of tests among them."""
    known, found = modules(), defaultdict[str, set[str]](set)
    for file in sorted((ROOT / "ams_etl_tests").rglob("*.py")):
        for name in imported(file):
            if name in known:
                found[name].add(str(file.relative_to(ROOT / "ams_etl_tests")).removesuffix(".py"))
    return {name: sorted(found[name], key=lambda test: ("test_" not in test, test)) for name in known}


def render() -> str:
    """Return the section: the modules that no test imports, and a table of the others."""
    known, tests = modules(), importers()
    folders = defaultdict[str, list[str]](list)
    for name in tests:
        if not tests[name]:
            folder, _, module = known[name].rpartition("/")
            folders[folder].append(module.removesuffix(".py"))
    count = sum(map(len, folders.values()))
    lines = [
        f"{len(known) - count} of {len(known)} modules are imported by a test or its helpers. The other {count} are reached",
        "through these, through a command, a page or an asset; who changes one of them looks for the test of what it does:",
        "",
        *(f"- `{folder}/`: {', '.join(found)}" for folder, found in folders.items()),
        "",
        "<details><summary>The tests of each module</summary>",
        "",
        "| module | imported by |",
        "|---|---|",
    ]
    for name, found in tests.items():
        if found:
            more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            lines.append(f"| `{known[name]}` | {', '.join(f'`{test}`' for test in found[:MOST_NAMED])}{more} |")
    return "\n".join([*lines, "", "</details>", ""])


def page_with(section: str) -> str:
    """Return docs/testing.md with this section."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n" + section + END + rest.partition(END)[2]


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page_with(render()), encoding="utf-8")
    else:
        sys.stdout.write(render())
