"""`ams-etl forget --proof`: an auditor sees that this person was forgotten, and of nobody else that they were."""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.cli import main
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.privacy.tombstones import KEY_VARIABLE
from ams_etl_tests.sync.source_history import Source, customer, customer_id, refresh, store_reference

_AGENCIES = "agencies:" + "".join(
    f"""
  - id: {agency}
    name: {agency}
    ams360: {{wsdl: "https://x.invalid/?wsdl", agency_no: 5551234-{number}, login_id: etl, password_env: ACME_PASSWORD}}
"""
    for number, agency in enumerate(("acme", "other"), 1)
)
_QUINCY = ("quincy@example.com", "QUINCY@example.com", "415-555-0199", f"raw_ams360.customers/{customer_id(1)}")
_OTHERS = (
    "bob@example.com", "415-555-0200", f"raw_ams360.customers/{customer_id(2)}", "nobody@example.com", "quincy@example.co",
    "house@example.com", customer_id(1),
)  # fmt: skip
"""Bob, nobody at all, what is not quite Quincy's, and what the two share."""


@pytest.fixture
def stored(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """Quincy, who was forgotten by the command, and Bob, who has the same second address and is still there."""
    (tmp_path / "agencies.yaml").write_text(_AGENCIES)
    for name, value in (
        ("AMS_ETL_HOME", str(tmp_path)), ("AMS_ETL_DATABASE_URL", database), ("ACME_PASSWORD", "a-password-of-the-tests"),
        (KEY_VARIABLE, "a key of the tests, long enough"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    with connect(database) as connection:
        store_reference(connection)
        source = Source()
        for number, name, phone in ((1, "quincy", "415-555-0199"), (2, "bob", "415-555-0200")):
            emails = f"{name}@example.com; house@example.com"
            source.put(customer(number, FirstName=name, LastName=f"{name}ston", HomePhone=phone, Email=emails))
        source.store(connection)
        refresh(connection, RuleSettings(), date(2026, 6, 1))
        assert _run("acme", "1", "--apply") == 0
        yield connection


def _run(*arguments: str) -> int:
    try:
        main(["forget", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.usefixtures("stored")
def test_it_proves_the_right_person_and_nobody_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in _QUINCY:
        assert _run("acme", text, "--proof") == 0, text
        assert "it was forgotten, and no table and no file of home holds it" in capsys.readouterr().err
    for agency, text in (*(("acme", text) for text in _OTHERS), ("other", _QUINCY[0]), ("other", _QUINCY[3])):
        assert _run(agency, text, "--proof") == 1, text
        assert "nobody was forgotten by this text" in capsys.readouterr().err
    # The tombstones are hashes with a key: who has the database and another key proves nothing of anybody.
    monkeypatch.setenv(KEY_VARIABLE, "another key of the tests, also long")
    assert _run("acme", _QUINCY[0], "--proof") == 1
    capsys.readouterr()
    monkeypatch.delenv(KEY_VARIABLE)
    assert _run("acme", _QUINCY[0], "--proof") == 1
    assert f"ams-etl: {KEY_VARIABLE}: " in capsys.readouterr().err


def test_it_fails_where_the_text_is_stored_again(
    stored: psycopg.Connection[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a table that no sync keeps it out of, or in a file of home; it says where."""
    (tmp_path / "export.txt").write_text("Quincy@Example.com")
    assert _run("acme", "quincy@example.com", "--proof") == 1
    said = capsys.readouterr()
    assert "it is stored again" in said.err
    assert "export.txt" in said.out.replace("\n", "")
    (tmp_path / "export.txt").unlink()
    stored.execute(
        "insert into ops.notifications (agency, body, state) values ('acme', %s, 'parked')",
        (b"<Email>quincy@example.com</Email>",),
    )
    assert _run("acme", "quincy@example.com", "--proof") == 1
    assert "ops.notifications" in capsys.readouterr().out.replace("\n", "")
    assert _run("acme", "415-555-0199", "--proof") == 0


@pytest.mark.usefixtures("stored")
def test_what_is_kept_for_the_proof_names_nobody(database: str) -> None:
    """Nor does a plain hash of the texts: without the key nothing can be tried out."""
    with connect(database) as connection:
        rows = connection.execute("select kind, hash from ops.forgotten").fetchall()
    assert {kind for kind, _ in rows} == {"record", "policies_of", "email", "phone"}
    plain = {hashlib.sha256(text.encode()).digest() for text in (*_QUINCY, customer_id(1))}
    assert plain.isdisjoint(bytes(stored) for _, stored in rows)
