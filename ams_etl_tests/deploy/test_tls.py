"""A Postgres that takes nothing but TLS: every connection checks the server's certificate, Dagster's included."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ams_etl.errors import ConfigError
from ams_etl.store.database import connect, dagster_url
from ams_etl.store.embedded import server_root
from ams_etl.store.maintenance.backup import dump
from ams_etl.store.maintenance.move import move
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.end_to_end.published_rows import count
from ams_etl_tests.end_to_end.served import take_notifications
from ams_etl_tests.postgres import sibling
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.waiting import wait_for

TOOL = str(Path(sys.executable).parent / "dagster")
CONNECTIONS = """select count(*) filter (where s.ssl), count(*) filter (where not s.ssl) from pg_stat_ssl s
join pg_stat_activity a using (pid) where a.backend_type = 'client backend'"""


@dataclass(frozen=True, slots=True)
class Secured:
    """A server with `ssl = on`, and certificates of an authority of its own."""

    url: str
    """Without anything about TLS, by the name that the certificate has."""
    authority: Path
    another_authority: Path

    def verified(self, authority: Path | None = None) -> str:
        """The URL as a careful administrator writes it."""
        return f"{self.url}?sslmode=verify-full&sslrootcert={authority or self.authority}"


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.now(UTC)
    is_authority = name == issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture
def secured(oldest_server: str, short_home: Path, tmp_path: Path) -> Secured:
    """Debian's server, which from here on refuses every connection without TLS."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    authority, another, server = keys
    written = {
        "authority.pem": certificate("Our CA", authority, "Our CA", authority),
        "another.pem": certificate("Another CA", another, "Another CA", another),
    }
    for file, made in written.items():
        (tmp_path / file).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    data = server_root(short_home) / "postgres"
    owner = data.stat()
    for file, content in (
        ("tls.crt", certificate("localhost", server, "Our CA", authority).public_bytes(serialization.Encoding.PEM)),
        (
            "tls.key",
            server.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        ),
        ("pg_hba.conf", b"hostssl all all 127.0.0.1/32 scram-sha-256\n"),
    ):
        (data / file).write_bytes(content)
        (data / file).chmod(0o600)
        os.chown(data / file, owner.st_uid, owner.st_gid)
    with connect(oldest_server) as connection:
        for name, value in (("ssl_cert_file", "tls.crt"), ("ssl_key_file", "tls.key"), ("ssl", "on")):
            connection.execute(f"alter system set {name} = '{value}'")
        connection.execute("select pg_reload_conf()")
    found = Secured(
        oldest_server.replace("127.0.0.1", "localhost"), tmp_path / "authority.pem", tmp_path / "another.pem"
    )
    wait_for(lambda: answers(found.verified()), 90)
    return found


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_server_that_cannot_be_checked_is_refused_in_one_sentence(secured: Secured) -> None:
    """Without TLS, by another authority, by another name; and the URL's password is in none of the messages."""
    by_address = secured.verified().replace("localhost", "127.0.0.1")
    for url, said in (
        (f"{secured.url}?sslmode=disable", "Postgres refused the login"),
        (secured.verified(secured.another_authority), "set sslrootcert to the file of the authority"),
        (by_address, "set sslrootcert to the file of the authority"),
    ):
        with pytest.raises(ConfigError, match=said) as refused:
            connect(url)
        assert str(psycopg.conninfo.conninfo_to_dict(url)["password"]) not in str(refused.value)


def test_every_process_works_over_verified_tls(secured: Secured, short_home: Path, tmp_path: Path) -> None:
    """Commands, Dagster's tables and runs, Great Expectations' checks, the follower: the server takes nothing else."""
    url = secured.verified()
    with running_sandbox(size=30, more=("--benefitpoint",)) as sandbox, connect(url) as connection:
        line = command_line(tmp_path / "line", url, sandbox)
        take_notifications(line)
        line.environment.update(
            AMS_ETL_DAGSTER_URL=dagster_url(url), DAGSTER_HOME=str(line.home / "dagster"),
            AMS_ETL_BODY_KEY=Fernet.generate_key().decode(),
        )  # fmt: skip
        line.run("sync", "demo")
        line.run("doctor", "demo")
        assert count(connection, "select count(*) from mart.contacts") > 10
        assert count(connection, "select count(*) from public.runs") == 1
        assert count(connection, "select count(*) from public.asset_check_executions") > 0
        command = [TOOL, "job", "execute", "-m", "ams_etl.definitions", "-j", "retention"]
        done = subprocess.run(command, env=line.environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        follower = line.start("follow")
        try:
            wait_for(lambda: count(connection, "select count(*) from ops.followers") == 1, 90)
            encrypted, plain = connection.execute(CONNECTIONS).fetchone() or (0, 1)
            assert encrypted >= 2
            assert plain == 0
        finally:
            os.killpg(follower.pid, signal.SIGTERM)
            follower.communicate(timeout=30)


def test_a_database_moves_over_verified_tls(
    secured: Secured, database: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also out of the embedded server, whose own psql knows no TLS, and back, by this machine's pg_dump."""
    rows = move(database, secured.verified(), tmp_path)
    assert rows["ops.schema_migrations"] > 50
    with connect(postgres_server) as connection:
        connection.execute("create database moved_back")
    try:
        assert move(secured.verified(), sibling(postgres_server, "moved_back"), tmp_path) == rows
    finally:
        with connect(postgres_server) as connection:
            connection.execute("drop database moved_back with (force)")
    # Without one that is new enough, the sentence says what to install.
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="asks for TLS: install its client programs, version 15 or newer"):
        dump(secured.verified(), tmp_path / "new.dump", tmp_path)
