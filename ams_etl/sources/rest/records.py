"""Read the JSON of a service and leave out the members that never become part of a record."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ams_etl.sources.calling.source_record import Payload

_SECRET_WORDS = (
    "socialsecurity", "driverslicense", "driverlicense", "licensenumber", "taxid", "federaltax", "password", "passwd",
)  # fmt: skip
_SECRET_NAMES = frozenset({"ssn", "ein", "fein", "itin", "tin", "dln", "dlnumber", "dlno", "secret"})


def is_secret(name: str) -> bool:
    """Whether a member of this name is dropped at the edge: social security, licence and tax numbers, passwords.

    The names are told by nobody in full, so they are recognised however they are cased and joined.
    """
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS)


def reader(dropped: frozenset[str] = frozenset()) -> Callable[[bytes], Any]:
    """What reads JSON and leaves secrets out while it reads, so that they are in no object that anybody gets.

    Args:
        dropped: further names that this system's records lose, exactly as they are spelt.

    Returns:
        A function from bytes to the value; it raises ValueError where they are no JSON.
    """

    @lru_cache(maxsize=4096)
    def is_dropped(name: str) -> bool:
        return name in dropped or is_secret(name)

    def keep(pairs: list[tuple[str, Any]]) -> Payload:
        return {name: value for name, value in pairs if not is_dropped(name)}

    decoder = json.JSONDecoder(object_pairs_hook=keep)
    return lambda body: decoder.decode(body.decode("utf-8-sig"))
