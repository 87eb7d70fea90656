"""Count what was one piece several times: `python -m ams_etl_tests.counts [folder]` prints it for a checkout of any age.

Docs give the counts before and after a change; this is how they were made.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_BY_NAME = {"scalar", "column", "row", "rows", "record", "records"}
_COUNTED = (
    "`row[N]`: a column of an answer by its place",
    "copies of `int(row[0]) if row else 0`",
    "modules over 400 lines",
)
_MARKS = re.compile(r"insert into stage\.dirty_customers")


def python_files(folder: Path) -> Iterator[Path]:
    """Yield the modules of the package without the sandboxes, which are programs of their own."""
    for file in sorted((folder / "ams_etl").rglob("*.py")):
        if "sandbox" not in file.relative_to(folder).parts:
            yield file


def counts(folder: Path) -> dict[str, int]:
    """Return each count by what it counts."""
    found: Counter[str] = Counter(dict.fromkeys(_COUNTED, 0))
    for file in python_files(folder):
        text = file.read_text()
        found["`insert into stage.dirty_customers` in Python"] += len(_MARKS.findall(text))
        found["modules over 400 lines"] += text.count("\n") > 400
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.FunctionDef(args=arguments) | ast.AsyncFunctionDef(args=arguments):
                    names = {argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)}
                    found["functions that take a connection and an agency"] += {"connection", "agency"} <= names
                    found["functions that take an AgencyDb"] += any(
                        argument.annotation is not None and ast.unparse(argument.annotation) == "AgencyDb"
                        for argument in arguments.args
                    )
                case ast.Subscript(value=ast.Name(id="row"), slice=ast.Constant(value=int())):
                    found["`row[N]`: a column of an answer by its place"] += 1
                case ast.IfExp(test=ast.Name(id=test), body=ast.Call(func=ast.Name(id="int"), args=[argument])) if (
                    ast.unparse(argument) == f"{test}[0]"
                ):
                    found["copies of `int(row[0]) if row else 0`"] += 1
                case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in _BY_NAME:
                    found["calls that return values and typed rows"] += 1
    latest: dict[str, int] = {}
    for migration in sorted((folder / "sql").glob("*.sql")):
        body = migration.read_text()
        for name, code in re.findall(r"create (?:or replace )?function (\S+?)\(.*?\$\$(.*?)\$\$", body, re.DOTALL):
            latest[name] = len(_MARKS.findall(code))
    found["`insert into stage.dirty_customers` in SQL functions, as the last migration leaves them"] = sum(
        latest.values()
    )
    return dict(sorted(found.items()))


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    for what, count in counts(root).items():
        print(f"{count:6,}  {what}")
