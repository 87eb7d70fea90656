"""`stage.account_customers`: AMS360's customers by what links, suggestions and accounts look for."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import psycopg

from ams_etl.rules.accounts.accounts import CustomerAccount
from ams_etl.rules.model import Address

_CHUNK = 5000
_MEMBERS = tuple(field.name for field in fields(CustomerAccount))
ADDRESS_MEMBERS = tuple(field.name for field in fields(Address))


def refresh_customers(connection: psycopg.Connection[Any], agency: str, touched: Iterable[str]) -> None:
    """Bring these customers up to date with raw.

    Args:
        connection: inside a transaction.
        agency: the agency id.
        touched: CustomerIds; those that are gone are taken away.
    """
    for part in _chunks(sorted(touched)):
        rows = []
        live = set()
        for (payload,) in connection.execute(
            "select payload from raw_ams360.customers where agency = %s and entity_id = any(%s) and deleted_at is null",
            (agency, part),
        ):
            customer = CustomerAccount.from_payload(payload)
            live.add(customer.customer_id.lower())
            rows.append(
                {"customer_key": customer.customer_id.lower(), "customer_number": customer.customer_number,
                 "name_key": customer.name_key, "document": _document(customer)}
            )  # fmt: skip
        connection.execute(
            """insert into stage.account_customers (agency, customer_key, customer_number, name_key, document)
            select %s, * from jsonb_to_recordset(%s::jsonb)
                as r (customer_key text, customer_number integer, name_key text, document jsonb)
            on conflict (agency, customer_key) do update set customer_number = excluded.customer_number,
                name_key = excluded.name_key, document = excluded.document""",
            (agency, json.dumps(rows, default=str)),
        )
        connection.execute(
            "delete from stage.account_customers where agency = %s and customer_key = any(%s)",
            (agency, sorted({key.lower() for key in part} - live)),
        )


def find_customers(
    connection: psycopg.Connection[Any],
    agency: str,
    *,
    keys: Iterable[str | None] = (),
    numbers: Iterable[int | None] = (),
    names: Iterable[str] = (),
) -> dict[str, CustomerAccount]:
    """Return live customers by key, number or name, each under its key: the id in lower case."""
    found = {}
    for column, kind, wanted in (
        ("customer_key", "text", list(keys)), ("customer_number", "int", list(numbers)), ("name_key", "text", list(names)),
    ):  # fmt: skip
        if wanted:
            rows = connection.execute(
                f"""select customer_key, document from stage.account_customers
                where agency = %s and {column} = any(%s::{kind}[])""",
                (agency, wanted),
            )
            found.update({key: _customer(document) for key, document in rows})
    return found


def _document(customer: CustomerAccount) -> dict[str, Any]:
    """Shallow, for dataclasses.asdict copies every value."""
    address = customer.address
    document = {name: getattr(customer, name) for name in _MEMBERS}
    return {**document, "address": {name: getattr(address, name) for name in ADDRESS_MEMBERS}}


def _customer(document: Mapping[str, Any]) -> CustomerAccount:
    return CustomerAccount(**{**document, "address": Address(**document["address"])})


def _chunks(rows: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
