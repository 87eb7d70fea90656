"""List the Pythons that pyproject.toml allows and that are found here: `make test-matrix` runs the tests on each."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def allowed() -> SpecifierSet:
    """Return `requires-python`."""
    project: dict[str, Any] = tomllib.loads(PROJECT.read_text())["project"]
    return SpecifierSet(project["requires-python"])


def candidates(wanted: SpecifierSet) -> list[str]:
    """Return the interpreters on the PATH and those of pyenv, which may be none of the wanted ones."""
    minors = [minor for minor in range(50) if wanted.contains(f"3.{minor}.0")]
    on_path = (shutil.which(f"python3.{minor}") for minor in minors)
    return [*filter(None, on_path), *map(str, sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3")))]


def interpreters() -> dict[str, str]:
    """Return one interpreter for each allowed minor version, by version."""
    wanted, found = allowed(), dict[str, str]()
    for python in candidates(wanted):
        # A shim of pyenv may stand for a version that is not there: only an interpreter that answers counts.
        answer = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
        version = re.search(r"Python (3\.\d+)\.(\d+)\s*$", answer.stdout)
        if answer.returncode == 0 and version and wanted.contains(f"{version[1]}.{version[2]}"):
            found.setdefault(version[1], python)
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


if __name__ == "__main__":
    for version, python in interpreters().items():
        print(version, python)
