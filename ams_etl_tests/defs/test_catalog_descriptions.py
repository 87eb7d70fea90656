"""What the catalog says of an asset is complete, and true by what the rules say of themselves."""

from pathlib import Path
from typing import Any

import dagster as dg
import hypothesis
import psycopg
import pytest
from hypothesis import given

from ams_etl.definitions import defs
from ams_etl.defs.catalog.columns import COLUMNS
from ams_etl.defs.catalog.described import table_of
from ams_etl.defs.catalog.lineage import LINEAGE, column_lineage
from ams_etl.defs.metadata import about_table
from ams_etl.errors import ConfigError
from ams_etl.rules.contacts.explain import explain
from ams_etl.rules.records.ams360 import CustomerBundle
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import load_agencies
from ams_etl_tests.rules import generated
from ams_etl_tests.rules.golden import REFERENCE, TODAY

TABLES = {
    "customer": "raw_ams360.customers",
    "customer_contact": "raw_ams360.customer_contacts",
    "customer_dependent": "raw_ams360.customer_dependents",
    "policy": "raw_ams360.policies",
}
COLUMNS_OF_FINDINGS = {
    **{
        name: f"mart.contacts.{name}"
        for name in (
            "first_name",
            "last_name",
            "nickname",
            "company_name",
            "record_type",
            "status",
            "suppressed_reason",
        )
    },
    "email": "mart.contact_emails.email",
    "phone": "mart.contact_phones.phone",
    "tag": "mart.contact_tags.tag",
    "birthday": "mart.contacts.birthday",
    "renewal": "mart.key_facts.fact_date",
    "connection": "mart.connections.employee_code",
}


@pytest.fixture(scope="module")
def specs() -> list[dg.AssetSpec]:
    return list(defs().resolve_all_asset_specs())


def test_every_asset_has_the_owners_of_agencies_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that file, those of ams_etl itself; what Dagster takes for no owner is refused with the form of one."""
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.delenv("AMS_ETL_CONFIG", raising=False)
    file = tmp_path / "agencies.yaml"

    def owners() -> set[tuple[str, ...]]:
        return {tuple(spec.owners) for spec in defs().resolve_all_asset_specs()}

    assert owners() == {("team:data-engineering",)}
    file.write_text("agencies: []\nowners: ['team:agency-data', 'ann.lee@example.com']\n")
    assert owners() == {("team:agency-data", "ann.lee@example.com")}
    for wrong in ("ann", "team:", "team:a b", "ann@"):
        file.write_text(f"agencies: []\nowners: ['{wrong}']\n")
        with pytest.raises(ConfigError, match="owners"):
            load_agencies(file)
    assert owners() == {("team:data-engineering",)}, "a mistake in the file does not take the catalog away"


def test_every_asset_of_a_table_shows_its_columns_and_its_code(specs: list[dg.AssetSpec]) -> None:
    assert len(specs) >= 42
    for spec in specs:
        assert "dagster/code_references" in spec.metadata, spec.key
        table = table_of(spec)
        if table is not None:
            schema: Any = spec.metadata["dagster/column_schema"]
            columns = getattr(schema, "schema", schema).columns
            assert columns, spec.key
            assert all(column.description for column in columns), spec.key


def test_the_mart_says_how_old_it_may_be(specs: list[dg.AssetSpec]) -> None:
    """Accounts and policies are not in every agency's sync."""
    with_policy = {spec.key.to_user_string() for spec in specs if spec.freshness_policy is not None}
    mart = {spec.key.to_user_string() for spec in specs if spec.key.path[0] == "mart"}
    assert "mart/contacts" in with_policy
    assert with_policy == mart - {"mart/accounts", "mart/policies"}


def test_lineage_leads_from_columns_that_are_there_to_assets_that_are_there(specs: list[dg.AssetSpec]) -> None:
    tables = {table_of(spec): spec for spec in specs}
    for column, sources in LINEAGE.items():
        table, _, name = column.rpartition(".")
        assert name in {known for known, _, _ in COLUMNS[table]}, column
        assert set(sources) <= set(tables), column
        lineage = column_lineage(table)
        assert lineage is not None
        for dep in lineage.deps_by_column[name]:
            schema: Any = tables[".".join(dep.asset_key.path)].metadata["dagster/column_schema"]
            names = {known.name for known in getattr(schema, "schema", schema).columns}
            assert dep.column_name in names


@hypothesis.settings(max_examples=500)
@given(generated.bundles(), generated.settings)
def test_lineage_has_whatever_the_rules_read(bundle: CustomerBundle, settings: RuleSettings) -> None:
    """Each value that `why` explains has its member among those of its column, with the rule."""
    for finding in explain(bundle, REFERENCE, settings, TODAY):
        column, table = COLUMNS_OF_FINDINGS.get(finding.field), TABLES.get(finding.source_entity)
        if column is None or table is None or finding.source_field == "names":
            continue
        known = LINEAGE[column][table]
        for member in finding.source_field.split(", "):
            assert member in known, (column, table, member)
            assert set(finding.rule.split(", ")) <= set(known[member]), (column, table, member, finding.rule)


def test_the_row_count_is_the_tables_not_the_runs(connection: psycopg.Connection[Any]) -> None:
    for number, deleted in ((1, None), (2, None), (3, "now()")):
        connection.execute(
            f"""insert into raw_ams360.customers (agency, entity_id, customer_id, payload, content_hash, first_seen_at,
            last_seen_at, deleted_at) values ('acme', %s, %s, '{{}}', '', now(), now(), {deleted or "null"})""",
            (str(number), str(number)),
        )
    assert about_table(connection, "raw_ams360.customers", "acme")["dagster/row_count"] == 2
    assert about_table(connection, "raw_ams360.customers", "other")["dagster/row_count"] == 0
