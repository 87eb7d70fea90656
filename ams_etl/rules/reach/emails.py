"""Reads email addresses, and what an email field says about using them."""

import re
from collections.abc import Iterable
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from ams_etl.rules.names.marks import DECEASED, DO_NOT_CONTACT
from ams_etl.rules.records.ams360 import Customer, CustomerContact, Source

_SEPARATORS = re.compile(r"[;,|/\\\s]+")
_AROUND = "<>\"'()[]{}.:*!-"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# Nearly every address looks like this and needs no parser; a property test compares the two.
_PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*\.[a-z]{2,24}\Z"
)
_PLACEHOLDER_LOCALS = frozenset(
    [
        "none", "noemail", "noemails", "noemailaddress", "noemailgiven", "noemailonfile", "noemailavailable", "noaddress",
        "nomail", "nomailaddress", "noname", "donthaveone", "doesnothaveemail", "noneprovided", "nonegiven", "notprovided",
        "notavailable", "notapplicable", "notgiven", "nothing", "unknown", "unk", "declined", "emaildeclined",
        "customerdeclined", "refusedemail", "needemail", "noemailprovided", "null", "test", "testing", "test1", "test123",
        "fake", "fakeemail", "donthave", "dontemail", "hasnoemail", "refused", "refusedtogive", "deceased", "invalid", "noone",
        "invalidemail", "bademail", "nosuchemail", "doesnothave", "noemailaddressgiven", "optout", "optedout", "unsubscribe",
        "asdf", "xxx", "xxxx", "tbd", "nobody", "noreply", "donotreply", "donotemail", "bounce", "bounced", "bounces",
        "bouncedback", "undeliverable", "undelivered", "returned", "returnedmail", "mailerdaemon", "notanemail",
        "dontuse", "donotuse", "dummy", "placeholder", "wontgive", "nothanks", "badaddress", "wrongemail", "wrongaddress",
        "oldemail", "inactive", "notvalid", "notworking", "doesnotwork", "deadaddress", "blank", "unavailable", "askforemail",
        "getemail",
    ]
)  # fmt: skip
"""Local parts, without signs, that say there is no address."""
_SAME_ON_BOTH_SIDES = frozenset(
    [
        "na", "n", "x", "xx", "no", "a", "aa", "abc", "email", "mail", "user", "123", "me", "none", "nope", "example",
        "name", "nobody", "bogus", "blank", "sample", "dummy", "default", "someone", "somebody", "anybody", "domain",
        "asd", "xyz", "customer", "client", "noone", "nada", "unlisted", "qwerty", "abcd", "pending", "temp",
    ]
)  # fmt: skip
_PAIRS = frozenset(
    [
        ("n", "a"), ("abc", "123"), ("foo", "bar"), ("user", "domain"), ("name", "domain"), ("email", "domain"), ("me", "domain"),
        ("someone", "domain"), ("your", "email"), ("youremail", "domain"), ("yourname", "domain"), ("firstlast", "domain"),
        ("not", "available"), ("not", "provided"),
        ("someone", "example"), ("user", "example"), ("yourname", "example"), ("someone", "somewhere"), ("yourname", "email"),
        ("no", "one"), ("no", "where"), ("email", "address"), ("x", "y"), ("x", "xx"),
    ]
)  # fmt: skip
"""Local part and first label that say so together: `n@a.com` is written for n/a."""
_TOO_SHORT = frozenset(["a", "n", "x", "na", "no", "xx", "abc", "123"])
_PROVIDERS = frozenset(
    [
        "gmail", "yahoo", "hotmail", "outlook", "aol", "icloud", "msn", "live", "email", "mail", "ymail", "comcast", "att",
        "verizon",
    ]
)  # fmt: skip
"""First labels of the large providers' domains, where nobody has one of the addresses `_TOO_SHORT`."""
_NO = (
    r"(?:client|customer|insured|cust|he|she|they)?(?:no|not|dont|doesnt|doesnot|donot|didnot|didnt|wont|willnot|wouldnt|wouldnot|"
    r"refuse[sd]?|decline[sd]?|cannot|cant|never|without|lacks|needs?|hasno|haveno|hasnot|missing)"
)
_FILLER = r"(?:to|an|any|a|valid|current|good|own|on|yet|at|all|for|this|time|client|customer|the|of|in|is|by|his|her|their|you)"
_WANTED = (
    r"(?:e?mails?|address|addr|provide[ds]?|have|has|had|give[s]?|gave|given|uses?|used|wants?|internet|computer|pc|thanks?|"
    r"applicable|available|listed|obtained|recorded|file|sharing|share[ds]?|disclosed?|supplied|collected)"
)
_SAYS_NONE = re.compile(rf"{_NO}{_FILLER}*{_WANTED}(?:{_FILLER}|{_WANTED}|one)*")
"""Local parts that say so only where the domain repeats them: `na@na.com`."""
_PLACEHOLDER_DOMAINS = frozenset(
    ["none", "noemail", "noemails", "nomail", "noaddress", "noemailaddress", "notprovided", "unknown", "noname", "fake",
     "notavailable", "donotemail", "nowhere", "noemailatall", "noneprovided", "nonegiven"]
)  # fmt: skip
"""First labels of domains, without signs, that say there is no address."""
_NUMBERED = ("noemail", "none", "nomail", "noname", "noaddress", "test")
"""What people number so that each placeholder is another one: `noemail123@`."""
_SIGNS = str.maketrans("", "", "._+-")
_REFUSAL = re.compile(
    r"\b(?:do\s*not|don['’]?t|never|stop)\s+(?:e-?mail|contact|use|send|call|market|solicit|text)(?:s|ing)?\b|\bdnc\b|\bdne\b|"
    r"\bopt(?:s|ed|ing)?[\s-]?out\b|\bunsub(?:scribed?)?\b|\bremove(?:d)?\s+from\b|\b(?:refuses|declines)\b|"
    r"\bdo-not-(?:e-?mail|contact|use|send)\b|\bno\s+longer\s+wants?\b|\b(?:wants|prefers)\s+no\b|\bdoes\s*n[o'’]?t\s+want\b",
    re.IGNORECASE,
)
_SAYS_MORE = re.compile(r"dn[ce]|opt|unsub|refuses|declines|do-not|dece|decd")
"""What a plain address has in it wherever one of the patterns of refusals and deaths finds something in it."""
_DOMAIN = re.compile(r"(?<=\w)@(?:[\w-]+\.)+?[^\W\d_]{2,24}")
"""As short as may be: in `a@b.com.Do not use` a sentence follows."""
_NO_EMAIL = re.compile(r"\bno\s+e-?mails?\b", re.IGNORECASE)
_DEATH = re.compile(r"\b(?:deceased|decd|dec'd|passed away)\b", re.IGNORECASE)
_NOT_AVAILABLE = re.compile(r"(?<![\w.@])n[/\\]a(?:@(?:n[/\\]a|[\w.-]*))?(?![\w@])", re.IGNORECASE)
"""`n/a`, `n/a@n/a.com`: a slash separates addresses everywhere else."""
_RESERVED = ("local", "localhost", "invalid", "test", "arpa", "onion")


@lru_cache(maxsize=1 << 16)
def emails_in(field: str) -> tuple[tuple[str, ...], int]:
    """C7: Return a field's addresses in lower case, each once, and how many were invalid or placeholders (M5).

    `;`, `,`, `|`, `/` and blanks separate addresses. Zero-width characters are dropped.
    """
    if _is_one_address(field):
        return ((), 1) if is_placeholder_email(field) else ((field,), 0)
    return _emails_among(field)


def _is_one_address(field: str) -> bool:
    """Return whether a field is a single valid address in lower case, as nearly every one is, so that nothing separates any."""
    return _is_plain(field) and not field.startswith("-")


def _emails_among(field: str) -> tuple[tuple[str, ...], int]:
    good: dict[str, None] = {}
    invalid = 0
    for written in _written_in(field):
        address = _valid(written)
        if address and not is_placeholder_email(address):
            good[address] = None
        else:
            invalid += 1
    return tuple(good), invalid


def _written_in(field: str) -> list[str]:
    """Return what is between the separators of an email field; `n/a`, which a separator is part of, is `na@na`."""
    field = field if field.isascii() else _INVISIBLE.sub("", field)
    parts = _SEPARATORS.split(_NOT_AVAILABLE.sub("na@na", field) if "/" in field or "\\" in field else field)
    return [written for part in parts if (written := part.strip(_AROUND).lower().removeprefix("mailto:"))]


def emails_of(record: Source) -> tuple[str, ...]:
    """Return a record's email addresses; where its email field has none, those in its name fields."""
    if record.email:
        emails, _ = emails_in(record.email)
        if emails:
            return emails
    if isinstance(record, Customer):
        names: tuple[str | None, ...] = (record.first_name, record.last_name, record.firm_name)
    elif isinstance(record, CustomerContact):
        names = (record.contact_name,)
    else:
        names = (record.first_name, record.last_name)
    for name in names:
        if name and "@" in name:
            emails, _ = emails_in(name)
            if emails:
                return emails
    return ()


def is_placeholder_email(address: str) -> bool:
    """M5: Return whether an address says that there is none: `none@none.com`, `noemail@...`, `na@na.com`, `test@...`."""
    local, _, domain = address.partition("@")
    local = local.translate(_SIGNS)
    local = local.rstrip("0123456789") if local.startswith(_NUMBERED) else local
    first = domain.partition(".")[0]
    return (
        local in _PLACEHOLDER_LOCALS
        or (local, first) in _PAIRS
        or (local in _TOO_SHORT and first in _PROVIDERS)
        or bool(_SAYS_NONE.fullmatch(local))
        or (
            local == first
            and (local in _SAME_ON_BOTH_SIDES or local.isdigit() or (len(set(local)) == 1 and len(local) < 4))
        )
        or first.translate(_SIGNS) in _PLACEHOLDER_DOMAINS
    )


def without_listed(emails: tuple[str, ...], listed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses that the setting `placeholder_emails` does not list: itself, its domain or its local part."""
    names = _listed(listed)
    return tuple(
        email for email in emails if names.isdisjoint((email, *email.split("@", 1), "@" + email.split("@", 1)[1]))
    )


@lru_cache(maxsize=64)
def _listed(listed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in listed)


def dropped_in(field: str) -> tuple[tuple[str, str], ...]:
    """Return the texts in an email field that are not emails, with the rule: a placeholder (M5), or not an address (C7)."""
    dropped = []
    for written in _written_in(field):
        address = _valid(written)
        if address is None or is_placeholder_email(address):
            dropped.append((written, "M5" if is_placeholder_email(written) else "C7"))
    return tuple(dict.fromkeys(dropped))


def email_flags(records: Iterable[Source]) -> tuple[str, ...]:
    """Return the flags that email fields raise in words (N10): `DO NOT EMAIL a@b.com`, `a@b.com - do not use`.

    A local part that says so raises them too (`do-not-email@b.com`); a domain does not, as a firm's name does not (`a@dnc.com`).
    """
    flags: tuple[str, ...] = ()
    for record in records:
        if record.email:
            flags += _flags_in(record.email)
    return flags


@lru_cache(maxsize=1 << 14)
def _flags_in(field: str) -> tuple[str, ...]:
    if field.isascii() and _PLAIN.match(address := field.lower()) and not _SAYS_MORE.search(address):
        return ()
    # `DNC` may be part of a firm's own name, so nothing in a domain is a mark.
    field = _DOMAIN.sub("@", field)
    flags = (DECEASED,) if _DEATH.search(field) else ()
    # Alone, `no email` says that there is no address, not that it must not be used.
    refused = _REFUSAL.search(field) or ("@" in field and _NO_EMAIL.search(field))
    return (*flags, DO_NOT_CONTACT) if refused else flags


def _is_plain(address: str) -> bool:
    """Return whether the library would accept an address and change nothing in it."""
    return bool(_PLAIN.match(address)) and len(address) <= 60 and address.rpartition(".")[2] not in _RESERVED


def _valid(address: str) -> str | None:
    if _is_plain(address):
        return address
    try:
        return validate_email(address, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
