"""Suites as files: what ams_etl ships, what an installation adds, and what it says of mistakes."""

import re
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml

from ams_etl.defs.checks_in_one_step import in_one_step
from ams_etl.defs.expectations.suites import read_suite, shipped_suites
from ams_etl.defs.partitions import agency_partitions
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.errors import ConfigError
from ams_etl.sync.contacts.quality import NO_GREETING

CONTACT = """insert into mart.contacts (created_at, updated_at, agency, contact_id, record_type, status, first_name, last_name)
    values (now(), now(),"""
OURS = """
name: our_cities
notes: We work in two cities.
meta:
  query: select contact_id::text as id, city from mart.contacts where agency = '{agency}' and city is not null
expectations:
  - {type: expect_column_values_to_be_in_set, kwargs: {column: city, value_set: [Reno, Sparks]}, meta: {rule: OURS1}}
"""


@pytest.fixture
def agency(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one agency."""
    ams360 = {
        "wsdl": "http://127.0.0.1:1/x?wsdl",
        "agency_no": "1234567-1",
        "login_id": "etl",
        "password_env": "TEST_NONE",
    }
    (tmp_path / "agencies.yaml").write_text(
        yaml.safe_dump({"agencies": [{"id": "acme", "name": "A", "ams360": ams360}]})
    )
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    (tmp_path / "expectations").mkdir()
    return tmp_path


OWN_CHECK = "this_installations_own_expectations_hold"


def evaluated(name: str) -> Any:
    """What a check says of the agency."""
    with warnings.catch_warnings():
        # Partitions of checks are in preview in Dagster 1.13.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return _evaluated(name)


def _evaluated(name: str) -> Any:
    from ams_etl.defs.expectations.checks import checks

    (check,) = [check for check in checks() if check.name == name]

    @dg.asset(key=check.asset, partitions_def=agency_partitions)
    def checked() -> None:
        """A table that is there already."""

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("agency", ["acme"])
        job = dg.Definitions(
            assets=[checked],
            asset_checks=[in_one_step("expectations", [check])],
            jobs=[dg.define_asset_job("one", selection=dg.AssetSelection.assets(checked))],
            resources={"warehouse": Warehouse(), "agencies": AgenciesFile()},
        ).resolve_job_def("one")
        result = job.execute_in_process(instance=instance, partition_key="acme")
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def test_every_shipped_suite_is_read_and_names_known_rules() -> None:
    rules = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    suites = shipped_suites()
    assert len(suites) == 8
    for suite in suites.values():
        for expectation in suite.expectations:
            for rule in expectation.meta.rule.split(", "):
                assert re.search(rf"\b{rule}\b", rules), (suite.name, rule)
    greetings = suites["no_mark_or_honorific_greets_anybody"].expectations
    assert "|".join(expectation.kwargs["regex"] for expectation in reversed(greetings)) == NO_GREETING, (
        "what guards the publish and what watches the mart refuse the same greetings"
    )


def test_every_shipped_suite_passes_on_a_mart_without_rows(agency: Path) -> None:
    """Great Expectations counts nothing there, and its counts are null."""
    for name in shipped_suites():
        found = evaluated(name)
        assert found.passed, name
        assert found.metadata["violations"].value == 0


def test_a_failing_row_is_listed_with_its_rule_and_with_what_explains_it(
    agency: Path, connection: psycopg.Connection[Any]
) -> None:
    ids = [f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2)]
    connection.execute(f"{CONTACT} 'acme', '{ids[0]}', 'personal', 'client', 'Mr.', 'Lee')")
    connection.execute(f"{CONTACT} 'acme', '{ids[1]}', 'personal', 'client', 'Ann', 'Lee')")
    found = evaluated("no_mark_or_honorific_greets_anybody")
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    rendered = found.metadata["expectations"].value
    assert "| no_mark_or_honorific_greets_anybody | N7 | An honorific is not a first name. | NO | 2 | 1 |" in rendered
    assert "| N10 |" in rendered
    sample = found.metadata["sample_ids"].value
    assert f"/acme/why?q={ids[0]}" in sample
    assert f"`ams-etl why acme {ids[0]}`" in sample
    assert ids[1] not in sample
    assert "Lee" not in str(found.metadata)

    (agency / "expectations" / "ours.yaml").write_text(OURS)
    connection.execute("update mart.contacts set city = 'Elko', first_name = 'Ann' where contact_id = %s", (ids[0],))
    own = evaluated(OWN_CHECK)
    assert not own.passed
    assert own.severity == dg.AssetCheckSeverity.WARN
    assert "| our_cities | OURS1 |" in own.metadata["expectations"].value
    assert ids[0] in own.metadata["sample_ids"].value

    # A file of a shipped suite's name takes its place, for the agencies that it names.
    copy = yaml.safe_load(shipped_suites()["no_mark_or_honorific_greets_anybody"].path.read_text())
    copy["expectations"] = [
        {"type": "expect_column_values_to_not_be_in_set", "kwargs": {"column": "greeting", "value_set": ["ann"]},
         "meta": {"rule": "OURS2"}},
    ]  # fmt: skip
    (agency / "expectations" / "copy.yaml").write_text(yaml.safe_dump(copy))
    assert not evaluated("no_mark_or_honorific_greets_anybody").passed
    copy["meta"]["agencies"] = ["other"]
    (agency / "expectations" / "copy.yaml").write_text(yaml.safe_dump(copy))
    assert evaluated("no_mark_or_honorific_greets_anybody").passed

    # A mistake in a file fails the check of one's own suites, and says where it is.
    (agency / "expectations" / "copy.yaml").unlink()
    (agency / "expectations" / "ours.yaml").write_text(OURS.replace("city from", "town as city from"))
    broken = evaluated(OWN_CHECK)
    assert not broken.passed
    assert "ours.yaml" in broken.metadata["mistakes"].value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("type: expect", "type: ExpectColumn"), "expectations.0.type"),
        (("meta: {rule: OURS1}", "meta: {rules: OURS1}"), "did you mean `rule`?"),
        (("query:", "qeury:"), "did you mean `query`?"),
        (("name: our_cities", "name: Our cities"), "name"),
        (("name: our_cities", "name: [our_cities"), "not valid YAML, line"),
    ],
)
def test_mistakes_in_a_file_name_their_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(OURS.replace(*change))
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_suite(path)
