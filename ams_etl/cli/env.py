"""`ams-etl env`: what Dagster's own commands need, for `eval`."""

import os
import shlex
import sys
from pathlib import Path

import click

from ams_etl.cli.instance import dagster_instance, prepare
from ams_etl.errors import ConfigError
from ams_etl.settings import home, load_agencies


@click.command()
def env() -> None:
    """Print the variables that `dagster` and `dg` need, for: eval "$(ams-etl env)"; add a partition for each agency.

    Afterwards `dagster dev`, `dg dev`, `dagster asset materialize --partition` and the rest work on this installation's instance.
    Secrets of .env are not printed: our code reads them itself.
    """
    prepare()
    _add_partitions()
    values = {
        "AMS_ETL_HOME": str(home()),
        "AMS_ETL_DAGSTER_URL": os.environ["AMS_ETL_DAGSTER_URL"],
        "DAGSTER_HOME": os.environ["DAGSTER_HOME"],
        "GX_ANALYTICS_ENABLED": "false",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    if sys.prefix != sys.base_prefix:
        # dg warns where another environment is active than the project's.
        values["VIRTUAL_ENV"] = sys.prefix
    for name, value in values.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _add_partitions() -> None:
    """Add the partitions that no daemon has added yet, without which Dagster knows no agency by its name."""
    try:
        listed = [agency.id for agency in load_agencies().all]
    except ConfigError:
        return  # `ams-etl doctor` and every other command say what is wrong.
    with dagster_instance() as instance:
        known = instance.get_dynamic_partitions("agency")
        new = [agency for agency in listed if agency not in known]
        if new:
            instance.add_dynamic_partitions("agency", new)
