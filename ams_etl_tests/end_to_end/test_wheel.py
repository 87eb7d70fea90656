"""The wheel is enough: installed into an empty environment, `ams-etl` works from any folder, without a checkout."""

import os
from pathlib import Path

import pytest

from ams_etl_tests.installed_wheel import installed, run, wheel_of_checkout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment that holds the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    return installed(wheel_of_checkout(folder), folder)


def test_the_wheel_runs_a_demo_from_any_folder(programs: Path, tmp_path: Path) -> None:
    """Migrations, dagster.yaml and workspace.yaml come from the wheel; a sync of 50 customers ends with contacts."""
    environment = {**os.environ, "AMS_ETL_HOME": str(tmp_path / "home")}
    for name in ("AMS_ETL_DATABASE_URL", "AMS_ETL_CONFIG", "DAGSTER_HOME", "PYTHONPATH"):
        environment.pop(name, None)
    program = str(programs / "ams-etl")
    where = run(
        str(programs / "python"),
        "-c",
        "import ams_etl; print(ams_etl.__file__)",
        cwd=tmp_path,
        env=environment,
    )
    assert where.startswith(str(programs.parent))
    pages = (
        "from pathlib import Path; import ams_etl.pages as pages; from ams_etl.pages.rendering import environment; "
        "environment().get_template('overview.html'); print((Path(pages.__file__).parent / 'static' / 'pages.css').is_file())"
    )
    assert run(str(programs / "python"), "-c", pages, cwd=tmp_path, env=environment).strip() == "True"
    assert "schema 00" in run(program, "--version", cwd=tmp_path, env=environment)
    try:
        said = run(program, "demo", "--customers", "50", cwd=tmp_path, env=environment)
    finally:
        run(program, "sandbox", "--stop", cwd=tmp_path, env=environment)
        run(program, "db", "stop", cwd=tmp_path, env=environment)
    assert "contacts" in said
