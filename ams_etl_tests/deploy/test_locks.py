"""The lock files: every version pinned with hashes, every declared dependency among them, one version of each in both files."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DEVELOPMENT = ROOT / "requirements.lock"
IMAGE = ROOT / "deploy" / "container" / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def entries(lock: Path) -> list[str]:
    """Return each requirement of a lock file as one line, with its hashes."""
    return [line for line in lock.read_text().replace("\\\n", " ").splitlines() if line and not line.startswith("#")]


def versions(lock: Path) -> dict[str, set[str]]:
    """Return the versions of each package; a package may have one for older and one for newer Pythons."""
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.split(" --hash")[0])
        (pin,) = requirement.specifier
        assert pin.operator == "==", entry
        found.setdefault(requirement.name.lower(), set()).add(pin.version)
    return found


@pytest.mark.parametrize("lock", [DEVELOPMENT, IMAGE], ids=["development", "image"])
def test_every_entry_is_a_pinned_version_with_hashes(lock: Path) -> None:
    """Options such as an index are personal: each user's pip or uv has its own."""
    assert len(entries(lock)) > 100
    for entry in entries(lock):
        assert re.match(r"[a-z0-9][a-z0-9-]*==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


@pytest.mark.parametrize(
    ("lock", "declared"),
    [
        (DEVELOPMENT, PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
        (
            IMAGE,
            PROJECT["project"]["dependencies"]
            + PROJECT["project"]["optional-dependencies"]["kubernetes"]
            + PROJECT["project"]["optional-dependencies"]["celery"]
            + PROJECT["build-system"]["requires"],
        ),
    ],
    ids=["development", "image"],
)
def test_every_declared_dependency_is_locked_at_an_allowed_version(lock: Path, declared: list[str]) -> None:
    """A dependency that was added without `make lock` fails on another machine only."""
    locked = versions(lock)
    for text in declared:
        requirement = Requirement(text)
        name = requirement.name.lower().replace("_", "-")
        assert name in locked, f"{name} is missing: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in locked[name]), (text, locked[name])


def test_the_image_has_the_versions_that_are_tested() -> None:
    """What development does not have is the extra `kubernetes` and what only it needs."""
    tested = versions(DEVELOPMENT)
    assert {name: found for name, found in versions(IMAGE).items() if name in tested and found != tested[name]} == {}
