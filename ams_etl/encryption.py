"""The cipher of what is stored encrypted: tokens granted to us, and notifications that nobody can redact for certain."""

from cryptography.fernet import Fernet, MultiFernet

from ams_etl.errors import ConfigError


def cipher_of(key: str, setting: str) -> MultiFernet:
    """Return the cipher of Fernet keys (32 bytes in base64), parted by commas: the first encrypts, every one decrypts.

    Raises:
        ConfigError: a key is not valid; `setting` says where it comes from.
    """
    try:
        return MultiFernet([Fernet(part.strip()) for part in key.split(",")])
    except ValueError:
        raise ConfigError(
            f"{setting}: expected 32 bytes in URL-safe base64, such as `openssl rand -base64 32 | tr '+/' '-_'` prints"
        ) from None
