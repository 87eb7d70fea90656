"""Which dagster.yaml a command puts into its Dagster home, and which it leaves alone."""

from pathlib import Path

import pytest

from ams_etl.cli import instance
from ams_etl.settings.shipped import shipped


@pytest.fixture
def dagster_home(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(instance, "_made", {})
    for name in ("DAGSTER_HOME", "AMS_ETL_DAGSTER_URL", "AMS_ETL_CELERY_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    return tmp_path / "dagster"


@pytest.mark.parametrize(
    ("broker", "file"), [(None, "dagster.yaml"), ("redis://localhost/0", "deploy/celery/dagster.yaml")], ids=str
)
def test_the_shipped_file_of_one_or_of_several_machines(
    dagster_home: Path, monkeypatch: pytest.MonkeyPatch, broker: str | None, file: str
) -> None:
    if broker:
        monkeypatch.setenv("AMS_ETL_CELERY_BROKER", broker)
    instance.prepare()
    assert (dagster_home / "dagster.yaml").read_text() == shipped(file).read_text()


def test_a_link_is_left_alone(dagster_home: Path) -> None:
    """As deploy/systemd makes it, to the shipped file itself, or to one that somebody wrote."""
    dagster_home.mkdir()
    link = dagster_home / "dagster.yaml"
    link.symlink_to(shipped("dagster.yaml"))
    instance.prepare()
    assert link.is_symlink()
    link.unlink()
    own = dagster_home.parent / "own.yaml"
    own.write_text("telemetry: {enabled: false}\n")
    link.symlink_to(own)
    instance.prepare()
    assert own.read_text() == "telemetry: {enabled: false}\n"
