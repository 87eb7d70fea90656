"""The wheel is enough: installed into an empty environment, `ams-etl` works from any folder, without a checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the built wheel; its dependencies come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    kept_out = shutil.ignore_patterns(".venv*", "mutants", ".git", "*.egg-info", "build", ".*_cache", "__pycache__")
    shutil.copytree(ROOT, source, ignore=kept_out, symlinks=True)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    _run(sys.executable, "-c", build, str(folder), cwd=source)
    (wheel,) = folder.glob("ams_etl-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    _run(str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel), cwd=folder)
    # Libraries are lent by path. A path in a .pth file is not searched for .pth files itself, so the editable install of the
    # checkout stays out of reach.
    site_packages = next((environment / "lib").glob("python*/site-packages"))
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return environment


def test_the_wheel_runs_a_demo_from_any_folder(installed: Path, tmp_path: Path) -> None:
    """Migrations, dagster.yaml and workspace.yaml come from the wheel; a sync of 50 customers ends with contacts."""
    environment = {**os.environ, "AMS_ETL_HOME": str(tmp_path / "home")}
    for name in ("AMS_ETL_DATABASE_URL", "AMS_ETL_CONFIG", "DAGSTER_HOME", "PYTHONPATH"):
        environment.pop(name, None)
    program = str(installed / "bin" / "ams-etl")
    where = _run(
        str(installed / "bin" / "python"),
        "-c",
        "import ams_etl; print(ams_etl.__file__)",
        cwd=tmp_path,
        env=environment,
    )
    assert where.startswith(str(installed))
    pages = (
        "from pathlib import Path; import ams_etl.pages as pages; from ams_etl.pages.rendering import environment; "
        "environment().get_template('overview.html'); print((Path(pages.__file__).parent / 'static' / 'pages.css').is_file())"
    )
    assert _run(str(installed / "bin" / "python"), "-c", pages, cwd=tmp_path, env=environment).strip() == "True"
    assert "schema 00" in _run(program, "--version", cwd=tmp_path, env=environment)
    try:
        said = _run(program, "demo", "--customers", "50", cwd=tmp_path, env=environment)
    finally:
        _run(program, "sandbox", "--stop", cwd=tmp_path, env=environment)
        _run(program, "db", "stop", cwd=tmp_path, env=environment)
    assert "contacts" in said


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout
