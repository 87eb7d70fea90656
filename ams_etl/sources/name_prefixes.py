"""Which name prefixes a sweep asks for.

`CustomerGetListByNamePrefix` is the only way to enumerate, and names start with anything: the letters of the Latin
alphabets, digits, every printable symbol, and whatever else the rows found so far begin with.
"""

import string
import unicodedata
from collections.abc import Iterable, Mapping

_NAME_MEMBERS = ("LastName", "FirmName", "DoingBusinessAs")


def _latin_letters() -> Iterable[str]:
    for code in range(0xC0, 0x180):
        letter = chr(code)
        if letter.isalpha() and letter == letter.upper() and unicodedata.category(letter) == "Lu":
            yield letter


STANDARD = (*string.ascii_uppercase, *string.digits, *string.punctuation, *_latin_letters())
"""Asked for in every sweep. One letter of each case pair: the service compares without case."""


def prefixes_of(row: Mapping[str, object]) -> set[str]:
    """Return the one-character prefixes that find a list row by one of its names, upper case."""
    found = set()
    for member in _NAME_MEMBERS:
        name = row.get(member)
        if isinstance(name, str) and name.strip():
            found.add(name.strip()[0].upper())
    return found
