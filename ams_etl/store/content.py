"""A record's content as bytes and its hash: serialised once, for comparing and for COPY."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic_core import from_json

from ams_etl.errors import DataError

parse_json: Callable[[str | bytes], Any] = partial(from_json, cache_strings="keys")
"""Return what a JSON text or bytes say. pydantic's parser takes half the time of Python's; deriving reads some four a customer.

Keys come again and again and are kept by the parser; values do not.
"""
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
# The escape of a NUL, but not the end of an escaped backslash that happens to precede "u0000".
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def canonical_json(payload: Mapping[str, object]) -> bytes:
    """The payload as JSON bytes, the same for equal payloads whatever the order of their keys.

    Members without a value are left out, for nil, empty and absent mean the same and most members have none. A NUL
    character, which jsonb cannot hold, becomes U+FFFD: visible, and never a lost record.

    Raises:
        DataError: it holds a value that JSON has no word for, such as NaN.
    """
    try:
        text = _encode({name: value for name, value in payload.items() if value is not None})
    except (TypeError, ValueError) as error:
        raise DataError(f"a payload is not JSON: {error}") from None
    if "\\u0000" in text:
        # Twice, since of two NULs in a row the second begins where the first match ended.
        text = _NUL.sub("\\1\ufffd", _NUL.sub("\\1\ufffd", text))
    return text.encode("utf-8", "replace")


def content_hash(content: bytes) -> bytes:
    """16 bytes that differ when the content differs."""
    return hashlib.blake2b(content, digest_size=16).digest()
