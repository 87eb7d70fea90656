"""A newcomer finds his room: no folder of the package holds more modules than a reader can take in."""

from collections import Counter
from pathlib import Path

import ams_etl

PACKAGE = Path(ams_etl.__file__).parent
MOST_MODULES = 16
FLAT_BY_DESIGN = {"cli"}  # one file per command: the list of commands is the table of contents


def test_no_folder_holds_more_than_sixteen_modules() -> None:
    modules = Counter(
        str(file.parent.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py") if file.name != "__init__.py"
    )
    crowded = {folder: count for folder, count in modules.items() if count > MOST_MODULES}
    assert set(crowded) <= FLAT_BY_DESIGN, crowded


def test_every_folder_says_what_it_holds() -> None:
    silent = [
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("__init__.py")
        if not file.read_text().startswith('"""')
    ]
    assert not silent
