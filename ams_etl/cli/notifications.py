"""`ams-etl notifications`: list them, interpret parked ones again, set AMS360 up to send them."""

import sys

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.errors import ConfigError
from ams_etl.inbound.log import STATES
from ams_etl.settings import Agency, NotificationSettings, load_agencies
from ams_etl.settings.environment_file import load_environment_file
from ams_etl.settings.file import shown_variable
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command


@click.group()
def notifications() -> None:
    """AMS360's outbound notifications: what came, what was not understood, and how to have them sent."""


@notifications.command("list")
@click.argument("agency")
@click.option("--state", type=click.Choice(STATES), help="Only those.")
@click.option("--limit", default=50, show_default=True)
@table_options
def list_them(agency: str, state: str | None, limit: int, form: Form) -> None:
    """Show the newest notifications."""
    from ams_etl.inbound.log import list_notifications

    load_agencies().get(agency)
    with connect(prepare()) as connection:
        found = list_notifications(connection, agency, state=state, limit=limit)
    print_tables(
        form,
        Table(
            "notifications",
            ("id", "received", "state", "change", "keys", "bytes", "reason"),
            [
                (
                    str(row.notification_id), row.received_at, row.state,
                    f"{row.object_type or ''} {row.change or ''}".strip(),
                    " ".join(f"{name}={value}" for name, value in row.keys.items()), row.body_bytes, row.reason,
                )
                for row in found
            ],
            ids=("id", "received", "state", "keys"),
        ),
    )  # fmt: skip


@notifications.command()
@click.argument("agency")
@click.argument("notification_id", type=int)
def body(agency: str, notification_id: int) -> None:
    """Write the body of one to the standard output as it was received, its secrets masked."""
    from ams_etl.inbound.log import body_of
    from ams_etl.inbound.notifications.sealing import BodySeal

    agencies = load_agencies()
    agencies.get(agency)
    with connect(prepare()) as connection:
        found = body_of(connection, agency, notification_id)
        count_command(connection, agency, "notifications body", int(found is not None))
    if found is not None:
        found = BodySeal(agencies.body_key(), f"{agencies.path}: inbound.body_key_env").opened(found)
        if found is None:
            raise ConfigError(
                f"{agencies.path}: inbound.body_key_env: this body was encrypted with a key that is not set; set that one"
            )
    if found is None:
        raise ConfigError(f"{agency} has no notification {notification_id} whose body is kept")
    sys.stdout.buffer.write(found)
    sys.stdout.flush()


@notifications.command()
@click.argument("agency")
def replay(agency: str) -> None:
    """Understand parked notifications again, after notification_mapping.yaml was mended or a capture has ended."""
    from ams_etl.inbound.notifications.interpret import replay_parked
    from ams_etl.inbound.server import reader_for

    found, settings = _sender(agency)
    reader = reader_for(load_agencies(), found, settings)
    with connect(prepare()) as connection:
        counts = replay_parked(connection, agency, reader)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    click.echo(told or "nothing is parked")


@notifications.command()
@click.argument("agency")
@click.option("--reveal", is_flag=True, help="Show the authentication code itself.")
@click.option("--read-only", is_flag=True, help="Leave out the rights that only writing back needs.")
@table_options
def setup(agency: str, *, reveal: bool, read_only: bool, form: Form) -> None:
    """Print what to enter in AMS360: Notification Service Setup, and the least rights of the WSAPI login."""
    from ams_etl.inbound.notifications.redaction import check_code
    from ams_etl.sync.notifications.setup import OPERATIONS, RIGHTS, least_rights, setup_form

    load_environment_file()
    agencies = load_agencies()
    found, settings = _sender(agency)
    code = None
    if reveal:
        path = "notifications.authentication_code_env"
        code = check_code(
            agencies.secret(found, path, settings.authentication_code_env),
            shown_variable(settings.authentication_code_env),
        )
    entries = setup_form(agencies, found, code)
    rights = least_rights([feature for feature in OPERATIONS if not (read_only and feature.startswith("write"))])
    rows = []
    for entity in sorted({entity for entity, _ in rights}):
        needed = [rights.get((entity, right), []) for right in RIGHTS]
        why = dict.fromkeys(feature for features in needed for feature in features)
        rows.append((entity, *("yes" if features else "" for features in needed), "; ".join(why)))
    access = Table("entity_access", ("entity", *RIGHTS, "to"), rows)
    if form != "table":
        fields = [(entry.field, entry.value, entry.why) for entry in entries]
        print_tables(form, Table("form", ("field", "value", "why"), fields), access)
        return
    click.secho("Administration > Notification Service Setup > New", bold=True)
    for entry in entries:
        click.echo(f"  {entry.field:<20} {entry.value}" + (f"   ({entry.why})" if entry.why else ""))
    click.secho("\nAdministration > Web Service API > Entity Access", bold=True, nl=False)
    click.echo(": these rights and no others")
    print_tables(form, access)


def _sender(agency: str) -> tuple[Agency, NotificationSettings]:
    agencies = load_agencies()
    found = agencies.get(agency)
    if found.notifications is None:
        raise ConfigError(f"{agencies.path}: agencies.{agency}.notifications: not set; docs/settings.md shows how")
    return found, found.notifications
