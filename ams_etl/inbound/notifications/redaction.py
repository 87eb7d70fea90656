"""Who may send, and what of a body may be stored: the authentication code is checked and taken out of the bytes.

This happens before anything is parsed, on the bytes as they came, so that a body nobody can read is still stored
without its secrets. Everything else of the body stays as it was.
"""

import hmac
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from ams_etl.errors import ConfigError

MASK = b"***"
SECRETS = ("SSN", "SocialSecurityNumber", "DriversLicense", "DriversLicenseNumber", "FederalTaxIdNumber", "FederalTaxId",
           "TaxId", "TaxIdNumber")  # fmt: skip
"""Members of AMS360 records that are never stored; versions 1 and 2 may send some of a record's data."""
_CODE = re.compile(r"[A-Za-z0-9._~-]{12,256}")
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class Presented(Enum):
    """What a body presents as its authentication code."""

    RIGHT = "right"
    WRONG = "wrong"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A body without its secrets, and what it presented."""

    body: bytes
    presented: Presented


class Gate:
    """Knows one agency's authentication code.

    Args:
        code: the agency's authentication code.
        names: how a member that holds the code may be called.
    """

    def __init__(self, code: str, names: Iterable[str]) -> None:
        self._code = code.encode("ascii")
        self._spellings = [(code.encode(name), MASK.decode().encode(name)) for name in ("ascii", *_UTF16.values())]
        names = [re.sub("[_.-]", "", name) for name in names]
        self._code_names, self._secret_names = _Names(names), _Names(SECRETS)
        # A name as it is written: any case, an optional prefix, and separators anywhere.
        self._code_member = _member(names)
        self._secret_member = _member(SECRETS)
        self._candidate = re.compile(rb"(?<![A-Za-z0-9._~-])[A-Za-z0-9._~-]{%d}(?![A-Za-z0-9._~-])" % len(code))

    def admits(self, token: str) -> bool:
        """Whether the token of the address is the code; takes the same time wherever they differ."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._code)

    def redact(self, body: bytes) -> Redacted:
        """The body without the code and without secret members, and whether it presented the code."""
        encoding = _wide(body)
        if encoding is None:
            done = self._redact(body)
            return Redacted(self.without_code(done.body), done.presented)
        # A wide encoding is made narrow for the search and wide again, an odd last byte kept.
        odd = len(body) % 2
        text = body[: len(body) - odd].decode(encoding, "surrogatepass")
        done = self._redact(text.encode("utf-8", "surrogatepass"))
        wide = done.body.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")
        return Redacted(self.without_code(wide + body[len(body) - odd :]), done.presented)

    def without_code(self, body: bytes) -> bytes:
        """Return the body without the code in any encoding: a broken body may be in several."""
        for code, mask in self._spellings:
            body = body.replace(code, mask)
        return body

    def _redact(self, body: bytes) -> Redacted:
        # Most bodies hold no secret: a look without the pattern costs a tenth of one with it.
        plain = body.lower().translate(None, b"_.-")
        named: list[bool] = []
        if self._code_names.absent_from(plain):
            done = body
        else:
            found = [_value(match) for match in self._code_member.finditer(body)]
            named = [hmac.compare_digest(value, self._code) for value in found if value and value != MASK]
            done = self._code_member.sub(_masked, body)
        if not self._secret_names.absent_from(plain):
            done = self._secret_member.sub(_masked, done)
        if named:
            return Redacted(done, Presented.RIGHT if all(named) else Presented.WRONG)
        anywhere = [hmac.compare_digest(match[0], self._code) for match in self._candidate.finditer(body)]
        return Redacted(done, Presented.RIGHT if any(anywhere) else Presented.NOTHING)


class _Names:
    """Names in their plainest spelling, to be looked for in a body that was made so."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = [name.lower().encode() for name in names]

    def absent_from(self, plain: bytes) -> bool:
        return not any(name in plain for name in self._names)


def check_code(code: str, where: str) -> str:
    """Return the code if it can be part of an address and is long enough not to be guessed.

    Args:
        code: the value of the environment variable.
        where: what to name in the message; never the value.

    Raises:
        ConfigError: it is not.
    """
    if not _CODE.fullmatch(code):
        raise ConfigError(
            f"{where}: expected 12 to 256 letters, digits or . _ ~ - (it is part of an address); make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return code


def _member(names: Iterable[str]) -> re.Pattern[bytes]:
    """Finds an XML element, an XML attribute or a JSON member of one of these names, and its value."""
    spelled = "|".join(sorted({"[_.-]?".join(re.escape(name)) for name in names}, key=len, reverse=True))
    quote = r"\\{0,2}[\"']"
    # Possessive throughout: on hostile bodies a match must cost no more than reading them once.
    return re.compile(
        rf"(?P<before>(?:<|&lt;)(?:[\w.-]{{1,60}}+:)?(?:{spelled})(?:\s[^<>&]*+)?(?:>|&gt;)(?:\s|<!\[CDATA\[){{0,20}}+)"
        rf"(?P<element>(?:[^<>&\]]|&(?!lt;)|\](?!\]>))*+)"
        rf"|(?P<named>(?:[\s:]|{quote})(?:{spelled})(?:{quote})?\s{{0,20}}+[=:]\s{{0,20}}+)"
        rf"(?:(?P<open>{quote})(?P<quoted>[^\"'\\<>]*+)|(?P<bare>[\w.+-]++))".encode(),
        re.IGNORECASE,
    )


def _value(match: re.Match[bytes]) -> bytes:
    raw = match["element"] or match["quoted"] or match["bare"] or b""
    return html.unescape(raw.decode("utf-8", "replace")).strip().encode()


def _masked(match: re.Match[bytes]) -> bytes:
    if match["before"] is not None:
        return match["before"] + (MASK if match["element"] else b"")
    if match["bare"] is not None:
        return match["named"] + b'"' + MASK + b'"'
    return match["named"] + match["open"] + (MASK if match["quoted"] else b"")


def _wide(body: bytes) -> str | None:
    if body[:2] in _UTF16 and body[:4] != b"\xff\xfe\0\0":
        return _UTF16[body[:2]]
    if len(body) >= 4 and body[0] == 0 and body[1] != 0:
        return "utf-16-be"
    return "utf-16-le" if len(body) >= 4 and body[1] == 0 and body[0] != 0 and body[2] != 0 else None
