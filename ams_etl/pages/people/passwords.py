"""Hash and verify passwords with argon2id, a few at a time: each takes 64 MiB and tens of milliseconds."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ams_etl.errors import ConfigError

SHORTEST = 12
LONGEST = 200
"""Characters: hashing takes time that grows with the length."""
_hasher = PasswordHasher()
_at_once = threading.BoundedSemaphore(2)
_NOBODY = _hasher.hash("a password that nobody has")


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password.

    Raises:
        ConfigError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigError(f"a password needs {SHORTEST} to {LONGEST} characters")
    return _hasher.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Return whether the password has this hash; without a hash it takes just as long and is False."""
    with _at_once:
        try:
            _hasher.verify(password_hash or _NOBODY, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None
