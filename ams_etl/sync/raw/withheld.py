"""Say of a forgotten person's records that they were withheld, in place of what their stubs would give."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from ams_etl.rules.model import Derivation, Skip
from ams_etl.rules.records.ams360 import FORGOTTEN
from ams_etl.rules.systems.nested_people import is_forgotten, people_in
from ams_etl.store.privacy.tombstones import NESTINGS

RecordKey = tuple[str, str, str]
"""System, entity and entity id."""


def has_forgotten(connection: psycopg.Connection[Any], agency: str) -> bool:
    """Return whether anybody of this agency was forgotten."""
    return connection.execute("select exists (select from ops.forgotten where agency = %s)", (agency,)).fetchone() == (
        True,
    )


def forgotten_records(
    connection: psycopg.Connection[Any], agency: str, tables: Mapping[str, tuple[str, str]], customers: Sequence[str]
) -> dict[str, set[RecordKey]]:
    """Return the stubs that forgotten people left of their records, by the customer to which each belongs.

    Args:
        connection: the one that derives.
        agency: the agency id.
        tables: per entity its raw table and key column, as the interpreter has them.
        customers: the ids of those asked for.
    """
    stubs: dict[str, set[RecordKey]] = {}
    for entity, (table, key) in tables.items():
        system = table.partition(".")[0].removeprefix("raw_")
        if key != "entity_id":
            for customer_id, person in _nested(connection, agency, table, customers):
                stubs.setdefault(customer_id, set()).add((system, entity, person))
            continue
        for customer_id, entity_id in connection.execute(
            f"""select coalesce(customer_id, entity_id), entity_id from {table}
            where agency = %s and payload ? '{FORGOTTEN}' and deleted_at is null and coalesce(customer_id, entity_id) = any(%b)""",
            (agency, list(customers)),
        ):
            stubs.setdefault(customer_id, set()).add((system, entity, entity_id))
    return stubs


def without_forgotten(
    found: Sequence[tuple[str, Derivation]], stubs: Mapping[str, set[RecordKey]]
) -> list[tuple[str, Derivation]]:
    """Return the derivations of customers with a skip `forgotten` (Q3) for each stub, and nothing else of it."""
    return [
        (customer_id, _withheld(derivation, customer_id, stubs[customer_id]) if customer_id in stubs else derivation)
        for customer_id, derivation in found
    ]


def _nested(
    connection: psycopg.Connection[Any], agency: str, table: str, customers: Sequence[str]
) -> list[tuple[str, str]]:
    """Return the customer and the key of each forgotten person who lies inside a record that stays."""
    rows = connection.execute(
        f"""select entity_id, payload from {table}
        where agency = %s and entity_id = any(%s) and deleted_at is null and payload::text like %s""",
        (agency, list(customers), f"%{FORGOTTEN}%"),
    )
    return [
        (entity_id, key)
        for entity_id, payload in rows
        for key, person in people_in(NESTINGS[table], entity_id, payload).items()
        if is_forgotten(person)
    ]


def _withheld(derivation: Derivation, customer_id: str, stubs: set[RecordKey]) -> Derivation:
    return replace(
        derivation,
        candidates=tuple(
            candidate
            for candidate in derivation.candidates
            if (candidate.system, candidate.entity, candidate.entity_id) not in stubs
        ),
        skips=(
            *(skip for skip in derivation.skips if (skip.system, skip.entity, skip.entity_id) not in stubs),
            *(
                Skip(system, entity, entity_id, customer_id, "forgotten", "Q3")
                for system, entity, entity_id in sorted(stubs)
            ),
        ),
    )
