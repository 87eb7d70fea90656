"""Read suites of expectations: those that ams_etl ships, and those of `$AMS_ETL_HOME/expectations/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from ams_etl.errors import ConfigError
from ams_etl.settings import home
from ams_etl.settings.mistakes import explain
from ams_etl.settings.shipped import shipped
from ams_etl.settings.strict import Strict

Severity = Literal["error", "warning"]


class RuleOfExpectation(Strict):
    """Why an expectation is there."""

    rule: Annotated[str, Field(min_length=1)]
    """The ids of the rules that it guards, as docs/rules.md has them; of one's own, any name."""


class Expectation(Strict):
    """One expectation in Great Expectations' own form."""

    type: Annotated[str, Field(pattern=r"^expect_[a-z0-9_]+$")]
    kwargs: dict[str, Any]
    meta: RuleOfExpectation
    notes: str = ""
    """What it means, in a sentence."""


class AboutSuite(Strict):
    """Which rows a suite is about, and where its result is shown."""

    asset: Annotated[str, Field(pattern=r"^[a-z0-9_]+/[a-z0-9_]+$")] = "mart/contacts"
    severity: Severity = "warning"
    query: Annotated[str, Field(min_length=1)]
    """SQL whose column `id` names a row; or the name of a query that ams_etl has."""
    agencies: tuple[str, ...] = ()
    """The agencies that it is for; all of them where it names none."""


class _File(Strict):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
    notes: str = ""
    meta: AboutSuite
    expectations: Annotated[tuple[Expectation, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite and the file that has it."""

    path: Path
    name: str
    notes: str
    about: AboutSuite
    expectations: tuple[Expectation, ...]

    def is_for(self, agency: str) -> bool:
        """Whether the suite is about an agency's rows."""
        return not self.about.agencies or agency in self.about.agencies


def shipped_suites() -> Mapping[str, Suite]:
    """Return the suites that ams_etl ships, by name: each is a check of its own."""
    return _read_all(shipped("expectations"))


def own_folder() -> Path:
    """Return the folder of an installation's own suites; it need not be there."""
    return home() / "expectations"


def own_suites() -> Mapping[str, Suite]:
    """Return the suites of this installation, by name; one with the name of a shipped suite takes its place.

    Raises:
        ConfigError: a file has a mistake; the message names the place.
    """
    return _read_all(own_folder())


def _read_all(folder: Path) -> dict[str, Suite]:
    suites: dict[str, Suite] = {}
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        suite = read_suite(path)
        if suite.name in suites:
            raise ConfigError(f"{path}: name: {suite.name!r} is the name of {suites[suite.name].path.name}, too")
        suites[suite.name] = suite
    return suites


def read_suite(path: Path) -> Suite:
    """Read one file.

    Raises:
        ConfigError: it is no YAML, or not in the form of a suite; the message has every mistake.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"{path}: not valid YAML{f', line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: expected a mapping with the keys name, meta and expectations")
    try:
        read = _File.model_validate(document)
    except ValidationError as error:
        raise ConfigError(explain(path, document, error, _File)) from None
    return Suite(path, read.name, read.notes, read.meta, read.expectations)
