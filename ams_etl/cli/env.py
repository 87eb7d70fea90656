"""`ams-etl env`: what Dagster's own commands need, for `eval`."""

import os
import shlex
import sys
from pathlib import Path

import click

from ams_etl.cli.instance import prepare
from ams_etl.settings import home


@click.command()
def env() -> None:
    """Print the variables that `dagster` and `dg` need, for: eval "$(ams-etl env)".

    Afterwards `dagster dev`, `dg dev`, `dagster asset materialize --partition` and the rest work on this installation's instance.
    Secrets of .env are not printed: our code reads them itself.
    """
    prepare()
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
