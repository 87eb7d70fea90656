"""Detect that stored derivations are outdated: a digest of the settings and of the source text of the rules."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pydantic import TypeAdapter

from ams_etl.rules.settings import RuleSettings

_SETTINGS = TypeAdapter(RuleSettings)


@cache
def _rules_digest() -> bytes:
    return source_digest(files("ams_etl.rules"))


def source_digest(folder: Traversable) -> bytes:
    """Return a digest of every Python file in a folder and in the folders below it.

    A file counts with its path, so a rule that moves to another folder changes the digest, too.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path, file in sorted(_python_files(folder, ""), key=lambda found: found[0]):
        digest.update(path.encode() + b"\0" + file.read_bytes())
    return digest.digest()


def _python_files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _python_files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{prefix}{entry.name}", entry


def fingerprint(settings: RuleSettings) -> str:
    """Return a hex digest that changes when a setting or a rule changes; then every customer is derived again."""
    digest = hashlib.blake2b(_rules_digest(), digest_size=16)
    digest.update(_SETTINGS.dump_json(settings))
    return digest.hexdigest()
