"""Whether stored derivations still stand: a digest of the settings and of the rules' own text."""

import hashlib
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from ams_etl.rules.settings import RuleSettings

_SETTINGS = TypeAdapter(RuleSettings)


@cache
def _rules_digest() -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(files("ams_etl.rules").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    return digest.digest()


def fingerprint(settings: RuleSettings) -> str:
    """A hex digest that changes when a setting or a rule changes; then every customer is derived again."""
    digest = hashlib.blake2b(_rules_digest(), digest_size=16)
    digest.update(_SETTINGS.dump_json(settings))
    return digest.hexdigest()
