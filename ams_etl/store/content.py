"""A record's content as bytes and its hash: serialised once, for comparing and for COPY."""

import hashlib
import json
from collections.abc import Mapping


def canonical_json(payload: Mapping[str, object]) -> bytes:
    """The payload as JSON bytes, the same for equal payloads whatever the order of their keys.

    Members without a value are left out, for nil, empty and absent mean the same and most members have none. A NUL
    character, which jsonb cannot hold, becomes U+FFFD: visible, and never a lost record.
    """
    given = {name: value for name, value in payload.items() if value is not None}
    text = json.dumps(given, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if "\\u0000" in text:
        text = text.replace("\\u0000", "\ufffd")
    return text.encode("utf-8", "replace")


def content_hash(content: bytes) -> bytes:
    """16 bytes that differ when the content differs."""
    return hashlib.blake2b(content, digest_size=16).digest()
