"""A changed rule or setting derives every customer again, wherever the rule's file lies."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.contacts.fingerprint import fingerprint, source_digest


def test_a_changed_rule_in_a_subfolder_changes_the_digest(tmp_path: Path) -> None:
    deep = tmp_path / "names" / "words"
    deep.mkdir(parents=True)
    (tmp_path / "model.py").write_text("A = 1")
    (deep / "titles.py").write_text("B = 1")
    before = source_digest(tmp_path)
    (deep / "titles.py").write_text("B = 2")
    assert source_digest(tmp_path) != before


def test_a_rule_that_moves_to_another_folder_changes_the_digest(tmp_path: Path) -> None:
    (tmp_path / "names").mkdir()
    (tmp_path / "titles.py").write_text("B = 1")
    before = source_digest(tmp_path)
    (tmp_path / "titles.py").rename(tmp_path / "names" / "titles.py")
    assert source_digest(tmp_path) != before


def test_what_is_no_rule_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("A = 1")
    before = source_digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"x")
    assert source_digest(tmp_path) == before


def test_the_digest_covers_every_file_of_the_rules(tmp_path: Path) -> None:
    """Each file of a copy of the rules changes the digest when it changes."""
    for name, text in _all_rules():
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
    whole = source_digest(tmp_path)
    assert whole == source_digest(files("ams_etl.rules"))
    for name, text in _all_rules():
        (tmp_path / name).write_text(text + "\n")
        assert source_digest(tmp_path) != whole, name
        (tmp_path / name).write_text(text)


def test_a_changed_setting_changes_the_fingerprint() -> None:
    settings = RuleSettings()
    assert fingerprint(settings) != fingerprint(replace(settings, import_inactive=not settings.import_inactive))


def _all_rules() -> list[tuple[str, str]]:
    rules = Path(str(files("ams_etl.rules")))
    return [(str(file.relative_to(rules)), file.read_text()) for file in sorted(rules.rglob("*.py"))]
