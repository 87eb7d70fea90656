"""The command line door: `ams-etl`, one file a group of commands.

Errors that ams_etl raises on purpose become one line on stderr and exit code 1; wrong usage is 2. A run that a signal
stopped is 130 (Ctrl-C) or 143 (SIGTERM).
"""

import errno
import sys
from typing import Any

import click
import psycopg

from ams_etl.cli.stopping import RunStopped
from ams_etl.errors import AmsEtlError
from ams_etl.store.database_errors import understood

_COMMANDS = {
    "access-log": ("ams_etl.cli.access_log", "access_log"),
    "alerts": ("ams_etl.cli.alerts", "alerts"),
    "consent": ("ams_etl.cli.consent", "consent"),
    "db": ("ams_etl.cli.database", "database"),
    "demo": ("ams_etl.cli.demo", "demo"),
    "env": ("ams_etl.cli.env", "env"),
    "doctor": ("ams_etl.cli.doctor", "doctor"),
    "expectations": ("ams_etl.cli.expectations", "expectations"),
    "forget": ("ams_etl.cli.forget", "forget"),
    "follow": ("ams_etl.cli.follow", "follow"),
    "grant": ("ams_etl.cli.grant", "grant"),
    "history": ("ams_etl.cli.history", "history"),
    "inbound": ("ams_etl.cli.inbound", "inbound"),
    "names": ("ams_etl.cli.names", "names"),
    "notifications": ("ams_etl.cli.notifications", "notifications"),
    "page-users": ("ams_etl.cli.page_users", "page_users"),
    "pages": ("ams_etl.cli.pages", "pages"),
    "preview": ("ams_etl.cli.preview", "preview"),
    "links": ("ams_etl.cli.links", "links"),
    "merges": ("ams_etl.cli.merges", "merges"),
    "plan": ("ams_etl.cli.plan", "show_plan"),
    "refresh": ("ams_etl.cli.refresh", "refresh"),
    "sandbox": ("ams_etl.cli.sandbox", "sandbox"),
    "sync": ("ams_etl.cli.sync", "sync"),
    "up": ("ams_etl.cli.up", "up"),
    "users": ("ams_etl.cli.users", "users"),
    "why": ("ams_etl.cli.why", "why"),
    "worker": ("ams_etl.cli.worker", "worker"),
    "writeback": ("ams_etl.cli.writeback", "writeback"),
}


class _Commands(click.Group):
    """Imports a command's module only when it is asked for: Dagster and zeep take seconds."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _COMMANDS:
            return None
        from importlib import import_module

        module, attribute = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    help="Show the versions of ams_etl and of the database schema it expects, and exit.",
    callback=lambda ctx, _, wanted: _show_version(ctx) if wanted else None,
)
def cli() -> None:
    """AMS360 customers, contacts and policies to sendable contacts in Postgres, run and watched in Dagster."""


def _show_version(ctx: click.Context) -> None:
    from importlib.metadata import version

    from ams_etl.store.migrations import newest_migration, sql_folder

    click.echo(f"ams-etl {version('ams_etl')}, schema {newest_migration(sql_folder())}")
    ctx.exit()


def _about_files(error: OSError) -> str | None:
    """Return what to do about a file that cannot be written or read; None where an error is about something else."""
    where = error.filename or "a file"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{where}: no permission; set AMS_ETL_HOME to a folder of your own"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"{where}: the disk is full; make room and try again"
    return None


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; the entry point of `ams-etl`."""
    for place, argument in enumerate(sys.argv[1:] if arguments is None else arguments, 1):
        # The system hands bytes that are not UTF-8 on as lone surrogates, which neither Postgres nor a terminal takes.
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            click.echo(f"ams-etl: argument {place} is not valid UTF-8", err=True)
            sys.exit(2)
    try:
        return cli.main(args=arguments, prog_name="ams-etl", standalone_mode=False)
    except AmsEtlError as error:
        click.echo(f"ams-etl: {error}", err=True)
        sys.exit(1)
    except psycopg.Error as error:
        click.echo(f"ams-etl: {understood(error)}", err=True)
        sys.exit(1)
    except OSError as error:
        sentence = _about_files(error)
        if sentence is None:
            raise
        click.echo(f"ams-etl: {sentence}", err=True)
        sys.exit(1)
    except RunStopped as stopped:
        click.echo(f"ams-etl: {stopped}", err=True)
        sys.exit(stopped.exit_code)
    except click.exceptions.Abort as error:
        click.echo("ams-etl: stopped", err=True)
        # What shells give for Ctrl-C; else a person answered a question with no.
        sys.exit(130 if isinstance(error.__context__, KeyboardInterrupt) else 1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
