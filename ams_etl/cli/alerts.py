"""`ams-etl alerts`: watch for what goes wrong, send a test message, list the incidents."""

import click

from ams_etl.cli.instance import dagster_instance, prepare
from ams_etl.cli.progress import show_progress
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.errors import AmsEtlError, ConfigError
from ams_etl.settings import home, load_agencies
from ams_etl.store.database import connect


@click.group()
def alerts() -> None:
    """Alerts by mail, Slack and webhook, as the `alerts` block of agencies.yaml says."""


@alerts.command("test")
@click.option("--channel", help="Only this channel.")
def test_channels(channel: str | None) -> None:
    """Send a test message by every channel, and say which took it; exit code 1 when one did not."""
    from ams_etl.alerts.channels import send
    from ams_etl.alerts.messages import Message

    prepare()
    agencies = load_agencies()
    chosen = [listed for listed in agencies.alert_channels if channel in {None, listed.name}]
    if not chosen:
        known = ", ".join(listed.name for listed in agencies.alert_channels) or "none"
        raise ConfigError(f"{agencies.path}: alerts.channels: no channel {channel or 'is set'}; the file has: {known}")
    text = "This is a test of ams-etl alerts. Nothing is wrong."
    message = Message("[ams-etl] test", text, {"event": "test", "incidents": []})
    failed = 0
    for receiver in chosen:
        try:
            send(receiver, message, agencies.alert_secret)
            click.echo(f"ok     {receiver.name} ({receiver.kind})")
        except AmsEtlError as error:
            failed += 1
            click.secho(f"WRONG  {receiver.name} ({receiver.kind}): {error}", fg="red")
    if failed:
        raise ConfigError(f"{failed} of {len(chosen)} channels did not take the message")


@alerts.command("list")
@click.option("--all", "with_closed", is_flag=True, help="Also incidents that are over.")
@click.option("--limit", default=100, show_default=True)
@table_options
def list_incidents(limit: int, form: Form, *, with_closed: bool) -> None:
    """Show the open incidents, newest first."""
    with connect(prepare()) as connection:
        rows = connection.execute(
            """select incident_id::text, severity, agency, title, detail, what_to_do, occurrences, opened_at, closed_at
            from ops.incidents where closed_at is null or %s order by opened_at desc, incident_id desc limit %s""",
            (with_closed, limit),
        ).fetchall()
    columns = ("id", "severity", "agency", "title", "detail", "what to do", "runs", "since", "over since")
    print_tables(form, Table("incidents", columns, rows, ids=("id", "agency")))


@alerts.command()
def watch() -> None:
    """Watch until Ctrl-C, and send alerts; `ams-etl up` runs this where anybody gets alerts.

    It also asks once a day whether each login works; an agency's technical_contact gets a mail when one does not.
    """
    from ams_etl.alerts.watch import watch as watch_for

    show_progress()
    url = prepare()
    with dagster_instance() as instance:
        watch_for(url, instance, load_agencies, home() / "alerts.alive")
