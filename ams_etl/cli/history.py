"""`ams-etl history`: what of a contact changed, when and by which run."""

import json
from typing import Any
from uuid import UUID

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command


@click.command()
@click.argument("agency")
@click.argument("asked", metavar="CONTACT|CUSTOMER_NUMBER|EMAIL")
@table_options
def history(agency: str, asked: str, form: Form) -> None:
    """List every field of a contact that changed, newest first, as far back as the change feed is kept.

    What it prints is personal data.
    """
    from ams_etl.sync.contacts.history import changes_of_contact
    from ams_etl.sync.contacts.why import contacts_meant

    settings = load_agencies().get(agency).settings
    with connect(prepare()) as connection:
        rows = [
            (
                str(contact_id),
                change.at,
                change.op,
                change.field,
                shown(change.before),
                shown(change.after),
                change.run_id,
            )
            for contact_id in contacts_meant(connection, agency, asked, settings)
            for change in changes_of_contact(connection, agency, contact_id)
        ]
        count_command(connection, agency, "history", len({contact_id for contact_id, *_ in rows}))
    columns = ("contact", "at", "op", "field", "before", "after", "run")
    print_tables(form, Table("changes", columns, rows, ids=("contact", "run")))


def shown(value: Any) -> str:
    """A field's value as people read it: a text as it is, dependent rows as JSON, '' for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def past(agency: str, asked: str, moment: Any, form: Form) -> None:
    """Print what each contact that is meant was at a moment, and since when it has had each of its values."""
    from ams_etl.sync.contacts.history import contact_as_of, since_when
    from ams_etl.sync.contacts.why import contacts_meant

    agencies = load_agencies()
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=agencies.schedule.zone)
    rows: list[tuple[Any, ...]] = []
    with connect(prepare()) as connection:
        for contact_id in contacts_meant(connection, agency, asked, agencies.get(agency).settings):
            document = contact_as_of(connection, agency, contact_id, moment)
            if document is None:
                rows.append((str(contact_id), "", "was no contact then", None, None))
                continue
            stood = since_when(connection, agency, contact_id, moment)
            rows += [_row(contact_id, field, value, stood.get(field)) for field, value in sorted(document.items())]
        count_command(connection, agency, "why --at", len({contact_id for contact_id, *_ in rows}))
    title = f"as of {moment.isoformat(timespec='seconds')}"
    columns = ("contact", "field", "value", "since", "run")
    print_tables(form, Table("contact", columns, rows, title=title, ids=("contact", "run")))


def _row(contact_id: UUID, field: str, value: Any, stood: tuple[Any, str | None] | None) -> tuple[Any, ...]:
    since, run = stood or ("before the feed begins", None)
    return str(contact_id), field, shown(value), since, run
