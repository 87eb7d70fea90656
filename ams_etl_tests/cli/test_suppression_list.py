"""A suppression list, whatever is in the file: what it says is kept, or one sentence names the line and the column."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.cli import main
from ams_etl.store.database import connect
from ams_etl.store.sending.consents import Consent, store_consents
from ams_etl_tests.cli.test_odd_arguments import AGENCIES

_HASH = hashlib.sha256(b"quincy@example.com").hexdigest()
_BIG5 = "quincy@example.com,\u5f35".encode("big5")

KEPT: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "upper case and spaces around": ("email", b"email\n  Quincy@Example.COM  \n", {"quincy@example.com": "no"}),
    "a name around it": ("email", b"email\nQuincy Quincyston <quincy@example.com>\n", {"quincy@example.com": "no"}),
    "invisible letters": ("email", "email\n\u200bquincy@example.com\u00a0\n".encode(), {"quincy@example.com": "no"}),
    "a mark of the byte order": ("email", "\ufeffemail\nquincy@example.com\n".encode(), {"quincy@example.com": "no"}),
    "a header in any case": ("email", b" EMail ,Answer\nquincy@example.com,NO\n", {"quincy@example.com": "no"}),
    "lines of Windows and of old Macs": ("email", b"email\r\na@b.co\r\nc@d.co\rquincy@example.com",
                                         {"a@b.co": "no", "c@d.co": "no", "quincy@example.com": "no"}),
    "empty lines": ("email", b"email,answer\n\n,\nquincy@example.com,\n\n", {"quincy@example.com": "no"}),
    "no line at all": ("email", b"email\n", {}),
    "cells that are missing": ("email", b"email,answer,at\nquincy@example.com\n", {"quincy@example.com": "no"}),
    "a formula and bytes beside it": ("email", b"email,note\nquincy@example.com,=cmd|'/c calc'!A1\n" + _BIG5 + b"\n",
                                      {"quincy@example.com": "no"}),
    "a note over two lines": ("email", b'note,email\n"one\ntwo",quincy@example.com\n', {"quincy@example.com": "no"}),
    "a yes and a no at one moment": ("email", b"email,answer\nquincy@example.com,no\nQUINCY@example.com,yes\n",
                                     {"quincy@example.com": "no"}),
    "a later yes of the same list": (
        "email", b"email,answer,at\nquincy@example.com,no,2026-01-01\nquincy@example.com,yes,2026-01-02T08:00:00+02:00\n",
        {"quincy@example.com": "yes"}),
    "hashes": ("email", f"email_sha256\n{_HASH.upper()}\nsha256:{'0' * 64}\n".encode(),
               {f"sha256:{_HASH}": "no", f"sha256:{'0' * 64}": "no"}),
    "numbers": ("text", b"address\n(415) 555-0142\n+44 20 7946 0958\n", {"+14155550142": "no", "+442079460958": "no"}),
    "a contact": ("mail", b"address\n00000000-0000-0000-0000-00000000000A\n",
                  {"00000000-0000-0000-0000-00000000000a": "no"}),
}  # fmt: skip

REFUSED: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("email", b"", "line 1: expected a column address"),
    "another column": ("email", b"mail\nquincy@example.com\n", "line 1: expected a column address"),
    "semicolons": ("email", b"email;answer\nquincy@example.com;no\n", "line 1: expected a column address"),
    "a column twice": ("email", b"email,answer,Email\nquincy@example.com,no,x@y.co\n", "line 1: email: is there twice"),
    "an answer twice": ("email", b"email,answer,answer\nquincy@example.com,no,yes\n", "line 1: answer: is there twice"),
    "two columns of addresses": ("email", b"email,email_sha256\nquincy@example.com,\n", "line 1: email_sha256: "),
    "a formula": ("email", b"email\na@b.co\n=1+1\n", "line 3: email: begins as a formula"),
    "a formula that is an address": ("email", b"email\n=quincy@example.com\n", "line 2: email: begins as a formula"),
    "a formula in a text channel": ("text", b"address\n@SUM(1)\n", "line 2: address: begins as a formula"),
    "a formula as an answer": ("email", b'email,answer\nquincy@example.com,"=HYPERLINK(""http://x"")"\n', "line 2: answer: "),
    "a space inside": ("email", b"email\nquincy @example.com\n", "line 2: email: not an address"),
    "two addresses": ("email", b"email\nquincy@example.com; x@y.co\n", "line 2: email: not an address"),
    "a name alone": ("email", b"email\na@b.co\n\nQuincy Quincyston\n", "line 4: email: not an address"),
    "no address": ("email", b"email,answer\n,no\n", "line 2: email: not an address"),
    "a huge line": ("email", b"email\n" + b"quincy" * 100_000 + b"@example.com\n", "line 2: longer than"),
    "a huge cell of a quote that nobody closes": ("email", b'email,note\nquincy@example.com,"a\n' + b"x,y\n" * 50_000,
                                                  "line 2: a quoted cell"),
    "a quote that nobody closes": ("email", b'email\na@b.co\n"quincy@example.com\nx@y.co\n', "line 3: a quoted cell"),
    "UTF-16": ("email", "email\nquincy@example.com\n".encode("utf-16"), "line 1: expected UTF-8"),
    "UTF-16 without a mark": ("email", "email\nquincy@example.com\n".encode("utf-16-le"), "line 1: expected UTF-8"),
    "an encoding of the last century": ("email", "email\na@b.co\nquincy\u00e9@example.com\n".encode("cp1252"),
                                        "line 3: email: not UTF-8"),
    "a lone surrogate": ("email", b"email\nquincy\xed\xa0\x80@example.com\n", "line 2: email: not UTF-8"),
    "a NUL": ("email", b"email,answer\na@b.co,no\nquincy@exam\0ple.com,no\n", "line 3: email: holds a NUL"),
    "a NUL as an answer": ("email", b"email,answer\nquincy@example.com,n\0o\n", "line 2: answer: holds a NUL"),
    "a NUL for mail": ("mail", b"address,answer\n00000000-0000-0000-0000-00000000000a\0,no\n", "line 2: address: holds a NUL"),
    "a hash of MD5": ("email", b"email_sha256\n" + _HASH[:32].encode() + b"\n", "line 2: email_sha256: expected a SHA-256"),
    "a hash that is too long": ("email", b"email_sha256\n" + _HASH.encode() + b"0\n", "line 2: email_sha256: "),
    "no hexadecimal digits": ("email", b"email_sha256\n" + b"g" * 64 + b"\n", "line 2: email_sha256: "),
    "an address among hashes": ("email", b"email_sha256\nquincy@example.com\n", "line 2: email_sha256: "),
    "hashes for another channel": ("text", b"email_sha256\n" + _HASH.encode() + b"\n", "line 1: email_sha256: "),
    "an answer that is neither": ("email", b"email,answer\nquincy@example.com,maybe\n", "line 2: answer: expected yes or no"),
    "a value that went one column on": ("email", b"email,answer\nquincy@example.com,,no\n", "line 2: column 3: "),
    "a day as people write it": ("email", b"email,at\nquincy@example.com,5/3/2026\n", "line 2: at: expected an ISO 8601"),
    "a time that is to come": ("email", b"email,answer,at\nquincy@example.com,yes,2999-01-01\n", "line 2: at: expected a time"),
    "the first moment": ("email", b"email,at\nquincy@example.com,0001-01-01T00:00:00+14:00\n", "line 2: at: expected a time"),
    "the last moment": ("email", b"email,at\nquincy@example.com,9999-12-31T23:59:59-14:00\n", "line 2: at: expected a time"),
    "a number that lost digits": ("phone", b"address\n4.15555E+09\n", "line 2: address: not an address for phone"),
    "a number with decimals": ("phone", b"address\n4155550142.0\n", "line 2: address: not an address for phone"),
    "hardly a number": ("phone", b"address\n911\n", "line 2: address: not an address for phone"),
    "an email for mail": ("mail", b"email\nquincy@example.com\n", "line 2: email: not an address for mail"),
}  # fmt: skip


@pytest.fixture
def stored(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The database behind the command line; a page's no is in it already."""
    (tmp_path / "agencies.yaml").write_text(AGENCIES)
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    monkeypatch.setenv("ACME_PASSWORD", "a-password-of-the-tests")
    with connect(database) as connection:
        store_consents(connection, "acme", "page", [Consent("email", "page@example.com", "no", datetime.now(UTC))])
        yield connection


def _import(file: Path, channel: str) -> int:
    """Run the command and return its code."""
    try:
        main(["consent", "import", "acme", str(file), "--channel", channel])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _imported(stored: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(
        stored.execute(
            "select address, answer from ops.consents where source = 'import' and agency = 'acme'"
        ).fetchall()
    )


def test_what_a_list_says_is_kept(stored: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    for name, (channel, content, wanted) in KEPT.items():
        stored.execute("delete from ops.consents where source = 'import'")
        file.write_bytes(content)
        assert _import(file, channel) == 0, name
        assert _imported(stored) == wanted, name


def test_what_does_not_fit_is_one_sentence_and_nothing_is_kept(
    stored: psycopg.Connection[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names line and column, and nothing of what is in the file."""
    file = tmp_path / "list.csv"
    for name, (channel, content, wanted) in REFUSED.items():
        file.write_bytes(content)
        assert _import(file, channel) == 1, name
        said = capsys.readouterr()
        assert said.err.startswith(f"ams-etl: {file}: {wanted}"), (name, said.err)
        assert said.err.count("\n") == 1, name
        assert not any(text in said.err.lower() + said.out for text in ("quincy", "0142", _HASH[:9], "traceback")), name
        assert _imported(stored) == {}, name


def test_a_hundred_thousand_lines_are_kept_and_of_two_thousand_with_a_bad_last_one_none(
    stored: psycopg.Connection[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    lines = [f"person{number}@example.com" for number in range(100_000)]
    file.write_text("\n".join(["email", *lines[:2000], "Quincy Quincyston"]))
    assert _import(file, "email") == 1
    assert "line 2002: email: not an address" in capsys.readouterr().err
    assert _imported(stored) == {}
    file.write_text("\n".join(["email", *lines]))
    assert _import(file, "email") == 0
    assert capsys.readouterr().out == "100000 answers read, 100000 new or changed\n"
    assert _imported(stored) == dict.fromkeys(lines, "no")


def test_a_yes_of_a_list_lifts_no_other_sources_no(stored: psycopg.Connection[Any], tmp_path: Path) -> None:
    """Not the page's, which is older; it is kept beside it."""
    file = tmp_path / "list.csv"
    file.write_text("email,answer\nPage@example.com,yes\n")
    assert _import(file, "email") == 0
    assert _imported(stored) == {"page@example.com": "yes"}
    assert stored.execute("select mart.may_send_to('acme', 'email', 'page@example.com')").fetchone() == (False,)
