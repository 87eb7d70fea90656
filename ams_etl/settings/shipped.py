"""Files that stay at the top level of the repository and travel inside the wheel: `sql/`, dagster.yaml, workspace.yaml."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ams_etl.errors import ConfigError

_CHECKOUT = Path(__file__).parents[2]
_IN_THE_WHEEL = "share/ams_etl"


def shipped(name: str) -> Path:
    """Return the path of a file or folder that ams_etl ships: the checkout's, else the installed wheel's.

    Raises:
        ConfigError: neither has it.
    """
    in_checkout = _CHECKOUT / name
    if in_checkout.exists() and (_CHECKOUT / "pyproject.toml").is_file():
        return in_checkout
    try:
        files = distribution("ams_etl").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        # A data file is recorded relative to site-packages, as in `../../../share/ams_etl/sql/0001_raw.sql`.
        _, found, below = file.as_posix().rpartition(f"{_IN_THE_WHEEL}/{name}")
        if found and (not below or below.startswith("/")):
            path = Path(str(file.locate())).resolve()
            return path.parents[below.count("/") - 1] if below else path
    raise ConfigError(f"{name} is missing from this installation of ams_etl; install it again: pip install ams_etl")
