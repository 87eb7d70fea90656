"""The Dockerfile and the compose file, by their own linters; and what they promise about rights."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "container"
TOOLS = Path(sys.executable).parent


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    return services


def test_hadolint_finds_nothing() -> None:
    assert run(TOOLS / "hadolint", FOLDER / "Dockerfile") == ""


def test_the_compose_file_fits_its_schema() -> None:
    run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FOLDER / "compose.yaml")


def test_the_last_stage_is_not_root_and_holds_no_compiler() -> None:
    """Everything comes from the build stage, and nothing is installed by apt."""
    text = (FOLDER / "Dockerfile").read_text()
    last = text[text.rindex("FROM ") :]
    assert "USER 10001:10001" in last
    assert "apt" not in text
    bases = [line.split()[1] for line in text.splitlines() if line.startswith("FROM ")]
    assert all(":" in base and not base.endswith(":latest") for base in bases)


def test_what_the_build_copies_is_there_and_not_ignored() -> None:
    """A file that .dockerignore leaves out fails the build only on somebody else's machine."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (FOLDER / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert source in let_in, source


def test_every_service_is_read_only_and_checked(services: dict[str, Any]) -> None:
    """Ours, that is: Postgres writes."""
    for name, service in services.items():
        if name == "postgres":
            continue
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert name == "upgrade" or service["healthcheck"]["test"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "TLS ends in front of it"
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            example = source in {"./agencies.yaml"}
            assert not source.startswith(".") or example or (FOLDER / source).exists(), source
