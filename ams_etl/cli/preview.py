"""`ams-etl preview`: what other settings would do, with nothing written."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
import yaml
from pydantic import TypeAdapter, ValidationError

from ams_etl.cli.instance import prepare
from ams_etl.cli.plan import CHANGES, ChangeRow, field_of_kind, kinds_table, print_change, skips_table
from ams_etl.cli.tables import Form, Table, print_tables, remark, table_options
from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import load_agencies
from ams_etl.settings.mistakes import mistakes
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command
from ams_etl.sync.contacts.plan_report import KindOfChange, PlannedChange

_SETTINGS = TypeAdapter(RuleSettings)
KIND_EXAMPLES = ("what changes", "op", "contact id", "person", "before", "after")
"""Columns of the examples of each kind of change, in JSON and CSV."""


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
        count_command(connection, agency, "preview", len(found.examples))
    totals = [
        (kind, value, before, after)
        for kind, value, before, after in found.totals
        if kind in {"contacts", "status"} or before != after
    ]
    summary = [kinds_table(found.kinds), Table("totals", ("contacts by", "value", "before", "after"), totals)]
    summary += [skips_table(found.skips)] if found.skips or form != "table" else []
    if form == "table":
        for change, rules in found.examples:
            print_change(change, rules)
    else:
        counts = found.counts
        row = (counts.insert, counts.update, counts.delete, counts.unchanged)
        summary = [Table("counts", ("insert", "update", "delete", "unchanged"), [row]), *summary]
        summary += [Table("kind_examples", KIND_EXAMPLES, list(_kind_rows(found.kinds)))]
        summary += [Table("examples", CHANGES, list(_example_rows(found.examples)))]
    print_tables(form, *summary)
    remark(
        form,
        f"with {', '.join(changes)}: {found.counts.insert:,} contacts would appear, {found.counts.update:,} change, "
        f"{found.counts.delete:,} disappear, {found.counts.unchanged:,} stay as they are; nothing was written",
    )


def _kind_rows(kinds: Mapping[str, KindOfChange]) -> Iterator[tuple[str | None, ...]]:
    """Yield a row for each example of each kind of change, under `KIND_EXAMPLES`."""
    for name, kind in kinds.items():
        for change in kind.examples:
            changed = field_of_kind(change, name)
            values = (changed.before, changed.after) if changed else (None, None)
            yield (name, change.op, str(change.contact_id), change.person, *values)


def _example_rows(examples: Iterable[tuple[PlannedChange, Sequence[str]]]) -> Iterator[ChangeRow]:
    """Yield a row for each changed field of an example, and of a new contact for what it would be, under `CHANGES`."""
    for change, rules in examples:
        about = (change.op, str(change.contact_id), change.name, change.company, change.email)
        if change.op == "insert":
            tags = "; ".join(row["tag"] for row in change.document["tags"])
            yield (*about, "status", None, change.document["status"], None)
            yield (*about, "owner_user_id", None, change.document["owner_user_id"], None)
            yield (*about, "tags", None, tags or None, None)
            yield (*about, "sources", None, "; ".join(change.sources), None)
        elif change.op == "delete":
            yield (*about, None, None, None, None)
        for changed, rule in zip(change.fields, rules, strict=True):
            yield (*about, changed.name, changed.before, changed.after, rule or None)


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
