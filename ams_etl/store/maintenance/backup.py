"""Write a database, or only what people decided, to a file, and load such a file."""

from pathlib import Path

from ams_etl.errors import ConfigError, TransientError
from ams_etl.store.database import connect, redacted
from ams_etl.store.maintenance.postgres_programs import (
    contents,
    dumped,
    first_line,
    load,
    newest_pg_restore,
    pg_dump_for,
    restored,
)

DECISIONS = (
    "ops.user_mappings", "ops.name_overrides", "ops.suppressions", "ops.consents", "ops.forgotten", "ops.customer_merge_decisions",
    "ops.account_links", "ops.policy_shells", "ops.readers", "ops.page_users", "ops.page_roles", "ops.oauth_tokens",
)  # fmt: skip
"""What no sync brings back: a person decided it, or granted it."""


def dump(source: str, file: Path, home: Path, *, decisions: bool = False) -> int:
    """Write a dump in Postgres' custom format, readable by its owner alone, and return its bytes.

    Args:
        source: the database; it is only read, and may be in use.
        file: where to write; it must not exist.
        home: where the embedded server's programs are found.
        decisions: only the rows of the tables that no sync brings back, without the schema.

    Raises:
        ConfigError: the file exists already, or no pg_dump here is as new as the server.
        TransientError: pg_dump failed; no file is left.
    """
    with connect(source) as connection:
        program = pg_dump_for(connection, home)
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise ConfigError(f"{file}: exists already") from None
    chosen = ["-a", *(f"--table={table}" for table in DECISIONS)] if decisions else []
    with dumped(program, "-Fc", *chosen, "-f", str(file), database=source) as running:
        _, said = running.communicate()
    if running.returncode:
        file.unlink()
        raise TransientError(f"pg_dump failed: {first_line(said, running.returncode)}")
    return file.stat().st_size


def restore(target: str, file: Path, home: Path) -> None:
    """Load a dump in one transaction: a whole one into an empty database, decisions into one with the schema and none of them.

    Raises:
        ConfigError: there is no such file, or a whole dump is loaded where tables are already.
        TransientError: it is no dump, or loading failed; the target is as it was.
    """
    if not file.is_file():
        raise ConfigError(f"{file}: no such file")
    program = newest_pg_restore(home)
    with connect(target) as connection:
        has_tables = connection.execute("select to_regclass('ops.schema_migrations') is not null").fetchone() == (True,)
    if has_tables and "SCHEMA - ops" in contents(program, file):
        raise ConfigError(f"{redacted(target)}: expected an empty database; create a new one")
    with restored(program, file) as running:
        load(running, target)
