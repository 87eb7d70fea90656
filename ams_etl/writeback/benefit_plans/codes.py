"""What both systems list of the codes that the settings map, and what is wrong with a mapping (B5)."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from ams_etl.rules.accounts.plan_codes import CodeMapping, Listed, ListedCode, Named, PlanMappings, code_name_key
from ams_etl.store.agency_db import AgencyDb


def carriers_of(connection: psycopg.Connection[Any], agency: str) -> dict[int, Named]:
    """BenefitPoint's carriers by id, those that it no longer lists included: plans go on naming them."""
    rows = _payloads(connection, agency, "carriers")
    return {key: Named.carrier(key, payload) for key, payload in rows}


def product_types_of(connection: psycopg.Connection[Any], agency: str) -> dict[int, Named]:
    """BenefitPoint's product types by id, likewise."""
    rows = _payloads(connection, agency, "product_types")
    return {key: Named.product_type(key, payload) for key, payload in rows}


def listed_codes(connection: psycopg.Connection[Any], agency: str, mappings: PlanMappings) -> Listed:
    """What AMS360 last listed of the codes that the settings name."""

    def live(table: str, mapping: CodeMapping) -> list[tuple[str, dict[str, Any]]]:
        return connection.execute(
            f"""select entity_id, payload from raw_ams360.{table}
            where agency = %s and entity_id = any(%s) and deleted_at is null""",
            (agency, sorted(_codes(mapping))),
        ).fetchall()

    companies = live("companies", mappings.carriers)
    lines = live("lines_of_business", mappings.lines_of_business)
    return Listed(
        {code: ListedCode.company(payload) for code, payload in companies},
        {code: ListedCode.line(payload) for code, payload in lines},
    )


def mistakes(connection: psycopg.Connection[Any], agency: str, mappings: PlanMappings) -> list[str]:
    """What neither system lists of the mappings, or AMS360 has put away: a sentence each, with the key of the settings.

    Nothing is said of a system whose lists were not read yet.
    """
    listed = listed_codes(connection, agency, mappings)
    found: list[str] = []
    for key, table, mapping, theirs, ours in (
        ("carriers", "companies", mappings.carriers, listed.companies, carriers_of(connection, agency)),
        ("lines_of_business", "lines_of_business", mappings.lines_of_business, listed.lines_of_business,
         product_types_of(connection, agency)),
    ):  # fmt: skip
        wrong = [*_unknown_names(mapping, ours)] if ours else []
        query = f"select exists (select from raw_ams360.{table} where agency = %(agency)s)"
        if AgencyDb(connection, agency).scalar(query):
            wrong += [f"AMS360 lists no {code!r}" for code in sorted(_codes(mapping) - theirs.keys())]
        wrong += [
            f"AMS360 has put {code!r} away as inactive"
            for code, listed_code in sorted(theirs.items())
            if listed_code.is_inactive
        ]
        found += [f"benefitpoint.{key}: {mistake}" for mistake in wrong]
    return found


def _unknown_names(mapping: CodeMapping, ours: Mapping[int, Named]) -> Iterator[str]:
    names = {code_name_key(name) for named in ours.values() for name in named.names}
    for key in (*sorted(mapping.ids.keys() - ours.keys()), *sorted(mapping.names.keys() - names)):
        yield f"BenefitPoint has no {key!r}"


def _codes(mapping: CodeMapping) -> set[str]:
    return {*mapping.ids.values(), *mapping.names.values()}


def _payloads(connection: psycopg.Connection[Any], agency: str, table: str) -> list[tuple[int, dict[str, Any]]]:
    return connection.execute(
        f"select entity_id::int, payload from raw_benefitpoint.{table} where agency = %s", (agency,)
    ).fetchall()
