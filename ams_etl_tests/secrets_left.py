"""Which secrets the sandboxes hold, and whether any of them is found in what a sync left behind."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from ams_etl.sources.rest.records import is_secret
from ams_etl_tests.sandbox_process import Sandbox

STATES = (
    "state/customers", "state/customer_dependents", "benefitpoint/state/accounts", "hawksoft/state/clients",
    "qq_catalyst/state/contacts", "mycase/state/clients",
)  # fmt: skip
SEEDED = {"qq_catalyst": ("contacts", "TaxID", "98-7654301"), "mycase": ("clients", "social_security", "536-88-8726")}
"""These sandboxes generate no secret members; one record of each gets one."""
_SHORTEST = 6
_PARTS = re.compile("[0-9A-Za-z]+")


def seed(sandbox: Sandbox) -> None:
    """Give a record of QQ Catalyst and one of MyCase a secret member."""
    for system, (kind, member, value) in SEEDED.items():
        key_member = {"contacts": "EntityID", "clients": "id"}[kind]
        key = str(sandbox.ask(f"{system}/state/{kind}")[0][key_member])
        sandbox.ask(f"{system}/edit", {"entity": kind, "op": "update", "key": key, "fields": {member: value}})


def secret_values(sandbox: Sandbox) -> dict[str, set[str]]:
    """The secret values of each state of the sandboxes."""
    return {state: set(_secrets_in(sandbox.ask(state))) for state in STATES}


def _secrets_in(value: Any, *, secret: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _secrets_in(member, secret=is_secret(name))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item, secret=secret)
    elif secret and value is not None and len(str(value)) >= _SHORTEST:
        yield str(value)


def rows_of_everything(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Each row of each table of the database as text, binary columns also decoded."""
    tables = connection.execute(
        """select format('%I.%I', table_schema, table_name) from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"""
    ).fetchall()
    for (table,) in tables:
        for row in connection.execute(f"select to_jsonb(t)::text from {table} t"):
            yield row[0]
    binary = connection.execute(
        """select format('%I.%I', table_schema, table_name), format('%I', column_name) from information_schema.columns
        where data_type = 'bytea' and table_schema not in ('pg_catalog', 'information_schema')"""
    ).fetchall()
    for table, column in binary:
        for (body,) in connection.execute(f"select {column} from {table} where {column} is not null"):
            yield bytes(body).decode("utf-8", "replace")


def found_in(texts: Iterable[str], secrets: Iterable[str]) -> set[str]:
    """Those of the secrets that a text holds as a word of its own, with or without dashes."""
    forms = {form: secret for secret in secrets for form in {secret, secret.replace("-", "")}}
    parts = {form: set(_PARTS.findall(form)) for form in forms}
    found: set[str] = set()
    for text in texts:
        # Some megabytes are cut into words faster than they are searched for thousands of secrets.
        words = set(_PARTS.findall(text))
        found |= {forms[form] for form in forms if parts[form] <= words and form in text and _is_a_word(form, text)}
    return found


def _is_a_word(form: str, text: str) -> bool:
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(form)}(?![0-9A-Za-z])", text) is not None


def texts_of(folder: Path, *, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Each file below a folder as text, whatever it is, but for those of these names."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name not in without:
            yield path.read_bytes().decode("latin-1")
