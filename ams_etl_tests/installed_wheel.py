"""A wheel of this project, built from the checkout or from an older commit, and an environment that it is installed in.

No registry is needed: the environment borrows the libraries of the one that runs the tests.
"""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_LENT_PROGRAMS = ("dagster", "dagster-daemon", "dagster-webserver")
_BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def wheel_of_checkout(folder: Path) -> Path:
    """Build the wheel of the files as they are now, and return its path."""
    source = folder / "source"
    kept_out = shutil.ignore_patterns(".venv*", "mutants", ".git", "*.egg-info", "build", ".*_cache", "__pycache__")
    shutil.copytree(ROOT, source, ignore=kept_out, symlinks=True)
    return _built(source, folder)


def wheel_of_commit(commit: str, folder: Path) -> Path:
    """Build the wheel of a commit; skip the test where this checkout does not have it, as in a shallow clone."""
    packed = folder / "source.tar"
    try:
        done = subprocess.run(["git", "-C", ROOT, "archive", "-o", packed, commit], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("git is not here")
    if done.returncode:
        pytest.skip(f"commit {commit} is not in this checkout: git fetch --unshallow")
    source = folder / "source"
    with tarfile.open(packed) as archive:
        archive.extractall(source, filter="data")
    return _built(source, folder)


def installed(wheel: Path, folder: Path) -> Path:
    """Install a wheel into a new virtual environment and return the folder of its programs."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    programs = environment / "bin"
    run(str(programs / "python"), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel), cwd=folder)
    lend_libraries(environment)
    return programs


def lend_libraries(environment: Path, root: Path | None = None) -> None:
    """Let an environment import what the environment of the tests has, except the checkout, and give it Dagster's programs.

    A path in a .pth file is not searched for .pth files itself, so the editable install of the checkout stays out of reach.

    Args:
        environment: where it is for us.
        root: where it is for its own programs, if elsewhere.
    """
    site_packages = next((environment / "lib").glob("python*/site-packages"))
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    for name in _LENT_PROGRAMS:
        _, _, code = (Path(sys.executable).parent / name).read_text().partition("\n")
        program = environment / "bin" / name
        # Its path as its own machine has it, which a test may see below another root.
        program.write_text(f"#!{(root or environment)}/bin/python\n{code}")
        program.chmod(0o755)


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command to its end, assert that it succeeded, and return what it printed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _built(source: Path, folder: Path) -> Path:
    run(sys.executable, "-c", _BUILD, str(folder), cwd=source)
    (wheel,) = folder.glob("ams_etl-*.whl")
    return wheel
