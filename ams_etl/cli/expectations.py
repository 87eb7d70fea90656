"""`ams-etl expectations`: list the suites of expectations, and copy one to change it."""

import click

from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.defs.expectations.suites import own_folder, own_suites, shipped_suites
from ams_etl.errors import ConfigError


@click.group()
def expectations() -> None:
    """Suites of Great Expectations, each a check in Dagster: those of ams_etl, and your own in $AMS_ETL_HOME/expectations/."""


@expectations.command("list")
@table_options
def list_(form: Form) -> None:
    """Show every expectation with its rule and the file that has it; names the place of a mistake in your own files."""
    own = own_suites()
    rows = [
        (suite.name, suite.about.asset, expectation.meta.rule, expectation.notes or expectation.type, str(suite.path))
        for suite in {**shipped_suites(), **own}.values()
        for expectation in suite.expectations
    ]
    columns = ("suite", "asset", "rule", "expectation", "file")
    print_tables(form, Table("expectations", columns, rows, ids=("suite", "rule", "file")))


@expectations.command()
@click.argument("name")
def copy(name: str) -> None:
    """Copy the suite NAME of ams_etl to your own folder, where its copy takes its place."""
    known = shipped_suites()
    if name not in known:
        raise ConfigError(f"there is no suite {name!r}; ams_etl has: {', '.join(known)}")
    target = own_folder() / known[name].path.name
    if target.exists():
        raise ConfigError(f"{target} exists already; edit it, or delete it to have the suite of ams_etl again")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(known[name].path.read_text("utf-8"), "utf-8")
    click.echo(f"{target}: edit it; the next run of the check {name} reads it")
