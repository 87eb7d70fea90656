"""Keep a body that nobody can redact with certainty: encrypted, so that it can still be read once the mapping is mended.

The key is the environment's (`inbound.body_key_env`). Without one the digits of such a body are masked before it is
stored: it can be displayed and not replayed, and `ams-etl doctor` demands the key.
"""

import re

from cryptography.fernet import InvalidToken

from ams_etl.encryption import cipher_of

_SEALED = b"ams-etl sealed:"
_DIGIT = re.compile(rb"\d")


class BodySeal:
    """Encrypts and decrypts bodies.

    Args:
        key: Fernet keys (32 bytes in base64), parted by commas: the first encrypts, every one decrypts. None: no key.
        setting: where the key comes from, for messages.

    Raises:
        ConfigError: a key is not valid.
    """

    def __init__(self, key: str | None, setting: str) -> None:
        self._setting = setting
        self._cipher = cipher_of(key, setting) if key else None

    def seal(self, body: bytes) -> bytes:
        """Return the body as it may be stored."""
        if self._cipher is None:
            return _DIGIT.sub(b"#", body)
        return _SEALED + self._cipher.encrypt(body)

    def opened(self, stored: bytes) -> bytes | None:
        """Return a stored body as it was received; None where this key does not open it."""
        if not stored.startswith(_SEALED):
            return stored
        if self._cipher is None:
            return None
        try:
            return self._cipher.decrypt(stored.removeprefix(_SEALED))
        except InvalidToken:
            return None
