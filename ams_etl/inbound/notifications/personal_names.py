"""Which member names hold what is never stored: SSN, driver's licence, tax id, however they are spelt."""

import re
from functools import lru_cache

_WORDS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_TOKENS = {"ssn", "ssns", "fein", "ein", "tin", "itin", "dln", "driverlic"}
_PARTS = re.compile(
    r"socials?ec|socialinsurance|drivers?licen[cs]e|drivers?lic(?:no|num|nbr|$)|licen[cs]e(?:no|num|nbr|number|id)$"
    r"|federaltax|taxid|taxpayer|taxident|employeridentification"
)
# "ssn" inside a longer word is no proof: BusinessName contains it.
_ENDS = re.compile(r"^(?:ssn|fein|dln)|(?:ssn|fein)$|^ein$|^tin$")
SOCIAL_SECURITY_NUMBER = re.compile(r"(?<![\w-])\d{3}[- ]\d{2}[- ]\d{4}(?![\w-])")
"""Its usual shape; phone numbers are parted 3-3-4."""


@lru_cache(maxsize=4096)
def is_personal(name: str) -> bool:
    """Whether a member of this name holds an SSN, a driver's licence or a tax id; a prefix such as `i:` does not count."""
    local = name.rpartition("}")[2].rpartition(":")[2].strip()
    if len(local) > 60:
        return False
    words = [word.lower() for word in _WORDS.findall(local)]
    if _TOKENS.intersection(words):
        return True
    plain = re.sub(r"[\W_\d]+", "", local).lower()
    return bool(_PARTS.search(plain) or _ENDS.search(plain))
