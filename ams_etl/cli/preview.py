"""`ams-etl preview`: what other settings would do, with nothing written."""

import difflib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import yaml
from pydantic import TypeAdapter, ValidationError

from ams_etl.cli.instance import prepare
from ams_etl.cli.plan import kinds_table, print_change
from ams_etl.cli.tables import Form, Table, print_tables, remark, table_options
from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import load_agencies
from ams_etl.settings.mistakes import mistakes
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command

_SETTINGS = TypeAdapter(RuleSettings)


@click.command()
@click.argument("agency")
@click.option("--set", "changes", multiple=True, required=True, metavar="KEY=VALUE", help="Also KEY+=ITEM, KEY-=ITEM.")
@table_options
def preview(agency: str, changes: tuple[str, ...], form: Form) -> None:
    """Count what would appear, change and disappear in AGENCY with other settings, and show examples.

    For instance: --set prospects=none --set tags+=city --set 'prospects={within_days: 90}'
    """
    from ams_etl.sync.contacts.preview import preview as try_out

    agencies = load_agencies()
    tried = changed_settings(agencies.get(agency).settings, changes)
    with connect(prepare()) as connection:
        found = try_out(connection, agency, tried, datetime.now(agencies.schedule.zone).date())
        count_command(connection, agency, "preview", len(found.examples) if form == "table" else 0)
    if form == "table":
        for change, rules in found.examples:
            print_change(change, rules)
    totals = [
        (kind, value, before, after)
        for kind, value, before, after in found.totals
        if kind in {"contacts", "status"} or before != after
    ]
    print_tables(form, kinds_table(found.kinds), Table("totals", ("contacts by", "value", "before", "after"), totals))
    remark(
        form,
        f"with {', '.join(changes)}: {found.counts.insert:,} contacts would appear, {found.counts.update:,} change, "
        f"{found.counts.delete:,} disappear, {found.counts.unchanged:,} stay as they are; nothing was written",
    )


def changed_settings(settings: RuleSettings, changes: Sequence[str]) -> RuleSettings:
    """Settings with `key=value`, `key+=item` or `key-=item` applied; values are YAML.

    Raises:
        ConfigError: a key or value that settings do not have.
    """
    document: dict[str, Any] = _SETTINGS.dump_python(settings, mode="json")
    for change in changes:
        key, sign, value = change.partition("=")
        operator = key[-1:] if key[-1:] in {"+", "-"} else ""
        key = key.removesuffix(operator) if operator else key
        if not sign or key not in document:
            close = difflib.get_close_matches(key, document, n=1)
            meant = f"; did you mean `{close[0]}`?" if close else f" with a key of: {', '.join(sorted(document))}"
            raise ConfigError(f"--set {change}: expected KEY=VALUE{meant}")
        item = yaml.safe_load(value)
        if operator:
            if not isinstance(document[key], list):
                raise ConfigError(f"--set {change}: {key} is not a list")
            kept = [other for other in document[key] if other != item]
            document[key] = [*kept, item] if operator == "+" else kept
        else:
            document[key] = item
    try:
        return _SETTINGS.validate_python(document)
    except ValidationError as error:
        found = "; ".join(dict.fromkeys(mistakes(document, error, RuleSettings)))
        raise ConfigError(f"--set {found}") from None
