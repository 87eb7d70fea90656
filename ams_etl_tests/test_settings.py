"""agencies.yaml: every mistake names the file, the path inside it and what was expected."""

from pathlib import Path

import pytest

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import ProspectsWithin, RuleSettings
from ams_etl.settings import load_agencies

GOOD = """
agencies:
  - id: acme
    name: Acme Insurance
    ams360: {wsdl: "https://x/?wsdl", agency_no: 5551234-1, login_id: etl, password_env: ACME_AMS360_PASSWORD}
    benefitpoint: null
    notifications: {authentication_code_env: ACME_ONS_CODE, version: "2.0"}
    settings:
      prospects: {within_days: 365}
      tags: [carrier]
      segments: {include: [Client], exclude: []}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agencies.yaml"
    path.write_text(text)
    return path


def test_the_contract_s_example_is_read(tmp_path: Path) -> None:
    """What is written is typed, what is not has the contract's default."""
    agency = load_agencies(written(tmp_path, GOOD)).get("acme")
    assert agency.settings.prospects == ProspectsWithin(365)
    assert agency.settings.tags == ("carrier",)
    assert agency.settings.ownership == RuleSettings().ownership
    assert agency.ams360.max_concurrency == 8


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("within_days: 365", "within_day: 365", "agencies.acme.settings.prospects.within_day: unknown key"),
        ("tags: [carrier]", "tags: [colour]", "agencies.acme.settings.tags.0: Input should be"),
        ("tags: [carrier]", "tgas: [carrier]", "agencies.acme.settings.tgas: unknown key"),
        ("name: Acme Insurance", "nme: Acme", "agencies.acme.nme: unknown key"),
        ("login_id: etl, ", "", "agencies.acme.ams360.login_id: this key is required"),
        ("agency_no: 5551234-1", "agency_no: 12", "agencies.acme.ams360.agency_no: "),
        ("prospects: {within_days: 365}", "prospects: sometimes", "agencies.acme.settings.prospects: Input should be"),
        ('version: "2.0"', 'version: "4"', "agencies.acme.notifications.version: Input should be"),
        ("agencies:", "agencies: [", "not valid YAML (line"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    """A data engineer must find the line without reading our code."""
    assert wrong in GOOD
    path = written(tmp_path, GOOD.replace(wrong, right))
    with pytest.raises(ConfigError) as error:
        load_agencies(path)
    assert str(path) in str(error.value)
    assert said in str(error.value)


def test_two_entries_of_one_agency_account_are_an_error(tmp_path: Path) -> None:
    """One entry is one AMS360 agency account."""
    entry = GOOD.split("agencies:\n", 1)[1]
    path = written(tmp_path, GOOD + entry.replace("id: acme", "id: other"))
    with pytest.raises(ConfigError, match=r"every ams360.agency_no once, but 5551234-1"):
        load_agencies(path)


def test_a_missing_secret_names_the_variable_and_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are never in the file; the file says where they are."""
    monkeypatch.delenv("ACME_AMS360_PASSWORD", raising=False)
    agencies = load_agencies(written(tmp_path, GOOD))
    with pytest.raises(ConfigError, match=r"agencies.acme.ams360.password_env: .*ACME_AMS360_PASSWORD"):
        agencies.secret(agencies.get("acme"), "ams360.password_env", "ACME_AMS360_PASSWORD")


def test_no_file_and_no_agency_say_what_to_do(tmp_path: Path) -> None:
    """An error ends with the next step."""
    with pytest.raises(ConfigError, match="make demo"):
        load_agencies(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="no agency 'zzz'; the file has: acme"):
        load_agencies(written(tmp_path, GOOD)).get("zzz")
