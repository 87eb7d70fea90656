"""The mart as pandas DataFrames with types, for notebooks and exports.

```python
from ams_etl import frames
people = frames.contacts("acme")
```
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pandas as pd
import sqlalchemy
from sqlalchemy import Engine

from ams_etl.errors import ConfigError
from ams_etl.settings import home
from ams_etl.store.database import connect, database_url, sqlalchemy_url
from ams_etl.store.privacy.access_log import count_access, os_user

CHUNK = 50_000
"""Rows that `chunks` holds in memory at a time."""
_TYPES = {
    "text": "string",
    "uuid": "string",
    "boolean": "boolean",
    "integer": "Int64",
    "bigint": "Int64",
    "date": "datetime64[s]",
    "timestamp with time zone": "datetime64[us, UTC]",
    "numeric": "Float64",
}
"""Postgres type -> pandas type; what is not here (JSON, arrays) stays an object."""


def contacts(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.contacts`: one row per contact."""
    return table("contacts", agency, url=url)


def contact_cards(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.contact_cards`: one row per contact, with tags, emails, phones and key facts as lists."""
    return table("contact_cards", agency, url=url)


def contact_emails(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.contact_emails`: one row per contact and email address."""
    return table("contact_emails", agency, url=url)


def contact_phones(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.contact_phones`: one row per contact and phone number."""
    return table("contact_phones", agency, url=url)


def contact_sources(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.contact_sources`: which source records each contact was made from."""
    return table("contact_sources", agency, url=url)


def contact_tags(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.contact_tags`: one row per contact and tag."""
    return table("contact_tags", agency, url=url)


def key_facts(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.key_facts`: birthdays and renewals."""
    return table("key_facts", agency, url=url)


def connections(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.connections`: who at the agency has which role for a contact."""
    return table("connections", agency, url=url)


def accounts(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.accounts`: one row per account of AMS360 and BenefitPoint."""
    return table("accounts", agency, url=url)


def policies(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.policies`: policies of AMS360 and plans of BenefitPoint."""
    return table("policies", agency, url=url)


def skipped_contacts(agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return `mart.skipped_contacts`: source records that became no contact, with rule and reason."""
    return table("skipped_contacts", agency, url=url)


def changes(agency: str, since: int = 0, *, entity: str | None = "contact", url: str | None = None) -> pd.DataFrame:
    """Return `mart.changes` after a `seq`; `entity` contact, account or policy, or None for all."""
    condition = "seq > :since and (entity = :entity or cast(:entity as text) is null) order by seq"
    return pd.concat(list(_read("changes", agency, condition, {"since": since, "entity": entity}, CHUNK, url)))


def table(name: str, agency: str, *, url: str | None = None) -> pd.DataFrame:
    """Return an agency's rows of a table or view of `mart`, with the column's types.

    Args:
        name: the table, without its schema.
        agency: the agency id.
        url: the Postgres; default: `AMS_ETL_DATABASE_URL`, else the embedded one.

    Raises:
        ConfigError: there is no such table.
    """
    return pd.concat(list(chunks(name, agency, url=url)), ignore_index=True)


def chunks(name: str, agency: str, *, rows: int = CHUNK, url: str | None = None) -> Iterator[pd.DataFrame]:
    """Yield an agency's rows of a table or view of `mart` in frames of so many rows, for what does not fit in memory.

    At least one frame comes, so that an empty table has its columns, too.
    """
    return _read(name, agency, "true", {}, rows, url)


def _read(
    name: str, agency: str, condition: str, values: dict[str, Any], rows: int, url: str | None
) -> Iterator[pd.DataFrame]:
    with _connected(url) as connection:
        listed = connection.execute(
            sqlalchemy.text(
                """select column_name, data_type from information_schema.columns
                where table_schema = 'mart' and table_name = :name order by ordinal_position"""
            ),
            {"name": name},
        )
        types: dict[str, str] = dict(listed.tuples().all())
        if not types:
            raise ConfigError(f"mart.{name}: no such table, or this role may not read it")
        # uuid as text: pandas has no such type.
        columns = ", ".join(
            f'cast("{column}" as text) as "{column}"' if kind == "uuid" else f'"{column}"'
            for column, kind in types.items()
        )
        streamed = connection.execution_options(stream_results=True)
        query = sqlalchemy.text(f"select {columns} from mart.{name} where agency = :agency and {condition}")
        pandas_types = {column: _TYPES[kind] for column, kind in types.items() if kind in _TYPES}
        for frame in pd.read_sql(query, streamed, params={"agency": agency, **values}, chunksize=rows):
            if len(frame):
                _count(url, agency, name, len(frame))
            yield frame.astype(pandas_types)


def _count(url: str | None, agency: str, name: str, rows: int) -> None:
    """Count the rows in the access log before they are handed out."""
    with connect(url or database_url(home()), application_name="ams_etl frames") as connection:
        count_access(connection, agency, os_user(), "frames", f"mart.{name}", rows)


@contextmanager
def _connected(url: str | None) -> Iterator[sqlalchemy.Connection]:
    with _engine(sqlalchemy_url(url or database_url(home()))).connect() as connection, connection.begin():
        yield connection


@cache
def _engine(url: str) -> Engine:
    # No pool: a notebook that lies open for days should hold no connection.
    return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
