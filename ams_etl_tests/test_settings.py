"""agencies.yaml: every mistake names the file, the path inside it and what was expected."""

import os
import time
from pathlib import Path

import pytest

from ams_etl.errors import ConfigError
from ams_etl.rules.accounts.plan_codes import CodeMapping
from ams_etl.rules.settings import Ownership, ProspectsWithin, RuleSettings
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

BENEFITPOINT = "benefitpoint: {wsdl: a, login_wsdl: b, username: c, password_env: D}"


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
        ("tags: [carrier]", "tags: [colour]", "agencies.acme.settings.tags.0: expected"),
        ("tags: [carrier]", "tgas: [carrier]", "agencies.acme.settings.tgas: unknown key"),
        ("name: Acme Insurance", "nme: Acme", "agencies.acme.nme: unknown key"),
        ("login_id: etl, ", "", "agencies.acme.ams360.login_id: this key is required"),
        ("agency_no: 5551234-1", "agency_no: 12", "agencies.acme.ams360.agency_no: "),
        (
            "prospects: {within_days: 365}",
            "prospects: sometimes",
            "agencies.acme.settings.prospects: expected all, none or {",
        ),
        ('version: "2.0"', 'version: "4"', "agencies.acme.notifications.version: expected 1, 2.0 or 3, found 4"),
        ("agencies:", "agencies: [", "not valid YAML (line"),
        (
            "prospects: {within_days",
            "source_system: mycase\n      prospects: {within_days",
            "settings.source_system: the system",
        ),
        (
            "tags: [carrier]",
            "ownership: {personal: csr}",
            "agencies.acme: settings.ownership.personal: expected executive or",
        ),
        (
            "tags: [carrier]",
            "ownership_tags: [producer]",
            "settings.ownership_tags: expected executive or representative",
        ),
        (
            "benefitpoint: null",
            BENEFITPOINT.replace("}", ", carriers: {Anthem: 12}}"),
            "agencies.acme.benefitpoint.carriers: Anthem: expected AMS360's code in quotes, found 12",
        ),
        (
            "benefitpoint: null",
            BENEFITPOINT.replace("}", ", lines_of_business: [MED]}"),
            "agencies.acme.benefitpoint.lines_of_business: expected a mapping",
        ),
        (
            "benefitpoint: null",
            "mycase: {client_id: a, client_secret_env: B, redirect_uri: c, token_key_env: D}",
            "agencies.acme: expected exactly one of ams360, hawksoft, qq_catalyst, mycase; found ams360 and mycase",
        ),
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


def test_codes_of_plans_are_kept_as_written(tmp_path: Path) -> None:
    """Codes are three characters of any kind; ids and names may be mixed, and an empty list stays empty."""
    given = BENEFITPOINT.replace("}", ", carriers: {7: ' &<', Delta Dental: DEL}, lines_of_business: }")
    block = load_agencies(written(tmp_path, GOOD.replace("benefitpoint: null", given))).get("acme").benefitpoint
    assert block is not None
    assert (block.carriers.ids, block.carriers.names) == ({7: " &<"}, {"delta dental": "DEL"})
    assert block.plan_mappings.lines_of_business == CodeMapping()


def test_two_entries_of_one_agency_account_are_an_error(tmp_path: Path) -> None:
    """One entry is one AMS360 agency account."""
    entry = GOOD.split("agencies:\n", 1)[1]
    path = written(tmp_path, GOOD + entry.replace("id: acme", "id: other"))
    agencies = load_agencies(path)
    assert [agency.id for agency in agencies.all] == ["acme"], "the one that was there goes on"
    with pytest.raises(ConfigError, match=r"every ams360.agency_no once, but 5551234-1"):
        agencies.get("other")


def test_a_missing_secret_names_the_variable_and_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are never in the file; the file says where they are."""
    monkeypatch.delenv("ACME_AMS360_PASSWORD", raising=False)
    agencies = load_agencies(written(tmp_path, GOOD))
    with pytest.raises(ConfigError, match=r"agencies.acme.ams360.password_env: .*ACME_AMS360_PASSWORD"):
        agencies.secret(agencies.get("acme"), "ams360.password_env", "ACME_AMS360_PASSWORD")


def test_the_file_is_read_once_for_each_change_and_at_once_after_one(tmp_path: Path) -> None:
    """Every sensor tick asks for it, and must see each edit: in place, of one length, renamed over, or with the old time kept."""
    path = written(tmp_path, GOOD)
    time.sleep(0.06)  # a file that was edited just now is not remembered: its next edit might have the same time
    first = load_agencies(path)
    assert load_agencies(path) is first
    kept = path.stat()
    path.write_text(GOOD.replace("Acme Insurance", "Bcme Insurance"))
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert load_agencies(path).get("acme").name == "Bcme Insurance"
    (tmp_path / "new.yaml").write_text(GOOD.replace("Acme Insurance", "Ccme Insurance"))
    os.replace(tmp_path / "new.yaml", path)  # noqa: PTH105
    assert load_agencies(path).get("acme").name == "Ccme Insurance"
    path.write_text("agencies: [")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_agencies(path)
    path.unlink()
    with pytest.raises(ConfigError, match="no agencies file"):
        load_agencies(path)


def test_no_file_and_no_agency_say_what_to_do(tmp_path: Path) -> None:
    """An error ends with the next step."""
    with pytest.raises(ConfigError, match="make demo"):
        load_agencies(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="no agency 'zzz'; the file has: acme"):
        load_agencies(written(tmp_path, GOOD)).get("zzz")


HAWKSOFT = "hawksoft: {agency_id: 7, client_id: us, client_secret_env: HAWK_SECRET}"
OTHERS = f"""
agencies:
  - id: hawk
    name: Hawk Insurance
    {HAWKSOFT}
  - id: cat
    name: Cat Insurance
    qq_catalyst: {{username: cat, password_env: CAT_PASSWORD, client_id: us, client_secret_env: CAT_SECRET}}
    settings: {{ownership: {{personal: producer}}, tags: [city]}}
  - id: firm
    name: Firm LLP
    mycase: {{client_id: us, client_secret_env: FIRM_SECRET, redirect_uri: "https://x/callback", token_key_env: FIRM_KEY}}
    settings:
"""


def test_an_agency_may_have_another_system(tmp_path: Path) -> None:
    """Its roles and their defaults are the system's own, and the rules know which system it is."""
    agencies = load_agencies(written(tmp_path, OTHERS))
    assert [(agency.system, agency.settings.source_system) for agency in agencies.all] == [
        ("hawksoft", "hawksoft"), ("qq_catalyst", "qq_catalyst"), ("mycase", "mycase"),
    ]  # fmt: skip
    assert [agency.settings.ownership for agency in agencies.all] == [
        Ownership("producer", "csr"), Ownership("producer", "producer"), Ownership("lead_attorney", "lead_attorney"),
    ]  # fmt: skip
    assert agencies.get("hawk").hawksoft.agency_id == 7
    assert agencies.get("cat").settings.tags == ("city",)
    with pytest.raises(ConfigError, match=r"agencies\.hawk\.ams360: needed for this, but the agency has hawksoft"):
        _ = agencies.get("hawk").ams360


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (HAWKSOFT, "notes: 1", "agencies.hawk.notes: unknown key"),
        (f"    {HAWKSOFT}\n", "", "agencies.hawk: expected exactly one of ams360"),
        ("agency_id: 7", "agency_id: seven", "agencies.hawk.hawksoft.agency_id: "),
        ("personal: producer", "personal: executive", "agencies.cat: settings.ownership.personal: expected producer or csr"),
        (HAWKSOFT, f"{HAWKSOFT}\n    benefitpoint: {{wsdl: a, login_wsdl: b, username: c, password_env: D}}",
         "agencies.hawk: benefitpoint: only with ams360"),
        ("username: cat, ", "", "agencies.cat.qq_catalyst.username: this key is required"),
        ("token_key_env: FIRM_KEY", "calls_per_second: 30, token_key_env: K", "agencies.firm.mycase.calls_per_second: "),
    ],
)  # fmt: skip
def test_a_mistake_about_another_system_is_told_with_its_place(
    tmp_path: Path, wrong: str, right: str, said: str
) -> None:
    """As with AMS360; and it stops nobody else."""
    assert wrong in OTHERS
    agencies = load_agencies(written(tmp_path, OTHERS.replace(wrong, right)))
    mistaken = said.split(".")[1].partition(":")[0]
    assert [agency.id for agency in agencies.all] == [name for name in ("hawk", "cat", "firm") if name != mistaken]
    assert list(agencies.unusable) == [mistaken]
    with pytest.raises(ConfigError) as error:
        agencies.get(mistaken)
    assert said in str(error.value)


def test_a_mistake_in_what_all_share_or_in_every_entry_stops_all(tmp_path: Path) -> None:
    """With every mistake in one message; an entry that is no mapping or has no id is named by its place."""
    shared = OTHERS.replace("username: cat, ", "") + "\nretention: {run_days: 3}\n"
    with pytest.raises(ConfigError, match=r"(?s)2 mistakes.*agencies.cat.qq_catalyst.username.*retention.run_days"):
        load_agencies(written(tmp_path, shared))
    with pytest.raises(ConfigError, match=r"agencies\.acme\.ams360\.login_id"):
        load_agencies(written(tmp_path, GOOD.replace("login_id: etl, ", "")))
    agencies = load_agencies(
        written(tmp_path, f"{OTHERS}\n  - nonsense\n  - name: No id\n    {HAWKSOFT.replace('7', '9')}\n")
    )
    assert len(agencies.all) == 3
    assert list(agencies.unusable) == ["entry 4", "entry 5"]


def test_one_hawksoft_agency_stands_once(tmp_path: Path) -> None:
    """Two entries of one account would publish every contact twice."""
    twice = f"{OTHERS}\n  - id: owl\n    name: Owl Insurance\n    {HAWKSOFT}\n"
    agencies = load_agencies(written(tmp_path, twice))
    assert [agency.id for agency in agencies.all] == ["hawk", "cat", "firm"]
    with pytest.raises(ConfigError, match=r"every hawksoft.agency_id once, but 7"):
        agencies.get("owl")
    again = load_agencies(
        written(tmp_path, f"{OTHERS}\n  - id: firm\n    name: Again\n    {HAWKSOFT.replace('7', '8')}\n")
    )
    assert again.get("firm").system == "mycase"
    assert again.unusable == {"firm (again)": "agencies: expected every id once, but firm is listed more than once"}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("login_id: etl", "logn_id: etl", "agencies.acme.ams360.logn_id: unknown key; did you mean `login_id`?"),
        ("within_days", "within", "agencies.acme.settings.prospects.within: unknown key; did you mean `within_days`?"),
        ("{within_days: 365}", "nome", "expected all, none or {within_days: …}, found nome; did you mean `none`?"),
        ("{within_days: 365}", "no", "found false; YAML takes yes, no, on and off for true and false: put the word in quotes"),
        ("[carrier]", "[carier]", "agencies.acme.settings.tags.0: expected line_of_business, "),
        ("[carrier]", "[carier]", "found carier; did you mean `carrier`?"),
        ("login_id: etl", "login_id: 1234", 'agencies.acme.ams360.login_id: expected text, found 1234; put it in quotes: "1234"'),
        ("include: [Client]", "inclde: [Client]", "settings.segments.inclde: unknown key; did you mean `include`?"),
        ("login_id: etl, ", "", "agencies.acme.ams360.login_id: this key is required"),
        ('version: "2.0"', "version: 4", "agencies.acme.notifications.version: expected 1, 2.0 or 3, found 4"),
        ("benefitpoint: null", "brake: {ignore_blow: 3}", "brake.ignore_blow: unknown key; did you mean `ignore_below`?"),
        ("agencies:", "schedul: {}\nagencies:", "schedul: unknown key; did you mean `schedule`?"),
        ("prospects: {within_days: 365}", "second_insured: maybe", "acme.settings.second_insured: expected a valid boolean"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_was_perhaps_meant(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    """Mistakes as people make them, each with the message that mends it."""
    assert wrong in GOOD
    with pytest.raises(ConfigError) as error:
        load_agencies(written(tmp_path, GOOD.replace(wrong, right)))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """A line each, whatever block they are in."""
    text = GOOD.replace("login_id: etl", "logn_id: etl").replace("[carrier]", "[carier]").replace("name:", "nam:")
    with pytest.raises(ConfigError) as error:
        load_agencies(written(tmp_path, f"{text}\nretention: {{run_days: 3}}\n"))
    first, *others = str(error.value).splitlines()
    assert first.endswith("agencies.yaml: 4 mistakes:")
    places = {line.strip().split(": ")[0] for line in others}
    assert places == {
        "agencies.acme.ams360.logn_id", "agencies.acme.settings.tags.0", "agencies.acme.nam", "retention.run_days",
    }  # fmt: skip


def test_an_unquoted_version_is_taken(tmp_path: Path) -> None:
    agency = load_agencies(written(tmp_path, GOOD.replace('"2.0"', "2.0"))).get("acme")
    assert agency.notifications is not None
    assert agency.notifications.version == "2.0"


def test_an_edited_env_file_counts_at_once_and_the_shell_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the process that read it before, and in its children, which inherit what it had read."""
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_FROM_ENV_FILE", "")
    monkeypatch.setenv("ACME_FROM_SHELL", "shell")
    for name in ("ACME_AMS360_PASSWORD", "ACME_LATER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    agencies = load_agencies(written(tmp_path, GOOD))
    file = tmp_path / ".env"

    def secret() -> str:
        return agencies.secret(agencies.get("acme"), "ams360.password_env", "ACME_AMS360_PASSWORD")

    file.write_text("ACME_AMS360_PASSWORD=first\nACME_FROM_SHELL=file\n")
    assert secret() == "first"
    file.write_text("ACME_AMS360_PASSWORD=second-one\nACME_FROM_SHELL=file\nACME_LATER=x\n")
    assert secret() == "second-one"
    assert (os.environ["ACME_FROM_SHELL"], os.environ["ACME_LATER"]) == ("shell", "x")
