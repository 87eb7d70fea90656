"""Reads a single name field: takes its parentheses, marks, roles, emails and placeholders out of the name."""

import re
from collections.abc import Sequence
from functools import lru_cache

from ams_etl.rules.immutable import immutable
from ams_etl.rules.names.marks import DECEASED, PERSONAL, estate_of, mark_in, without_bare_marks, without_set_off
from ams_etl.rules.names.persons import has_several, joined, separated, without_loose_ends
from ams_etl.rules.names.words import (
    LETTERS_IN_BRACKETS,
    PARTICLES,
    PLACEHOLDERS,
    RANKS,
    ROLE_NOUNS,
    ROLES,
    SUFFIXES,
    TITLES,
    bare,
    is_placeholder,
    looks_like_firm,
    says_there_is_no_name,
)

Marks = tuple[tuple[str, str], ...]
"""The agency's further marks (`name_marks`), mark and flag."""

PARENTHESIS = re.compile(r"\(+([^()]*)(?:\)+|\Z)|\[+([^\[\]]*)(?:\]+|\Z)|\{+([^{}]*)(?:\}+|\Z)|<+([^<>]*)(?:>+|\Z)")
_FIDUCIARY = re.compile(
    r"[^\W\d_][\w.'’-]*(?:\s+[\w.'’-]+){1,3}\s*,\s*(?:as\s+)?(?:co-?|successor\s+|legal\s+)?(?:trustees?|ttees?|executors?|"
    r"executrix|administrators?|administratrix|guardians?|conservators?|poa|attorney[\s-]in[\s-]fact|personal\s+representative)"
    r"(?:\s+(?:of|for)\s.+)?",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"[\"“”]+([^\"“”()\[\]]*[^\W\d_][^\"“”()\[\]]*)(?:[\"“”]+|\Z)|(?<!\w)['‘`]([^\W\d_][^'‘’`()\[\]]+)['’`](?!\w)"
)
_EMPTY_QUOTES = re.compile(r"[\"“”]\s*[\"“”]")
_EVERYBODY = re.compile(r"\b(?:both|all)\b", re.IGNORECASE)
_ANY_BRACKET = re.compile(r"[(\[{<]")
_STRAY = re.compile(r"[()\[\]{}<>*]|\"")
"""Brackets that nothing closes, asterisks and double quotes: no part of a name."""
_QUOTE = re.compile(r"[\"“”'‘’`]")
_PLACE = re.compile("\0(\\d+)\0")
_NICKNAME_FOLLOWS = re.compile(
    r"^(?:a\.?/?k\.?/?a\.?|also known as|(?:likes? to )?(?:go(?:es)? by|be(?:ing)? called)|known as|called|"
    r"prefer(?:s|red)?(?:\s+(?:to be called|name|nickname))?|likes|uses|answers to|"
    r"call (?:him|her|me|them)|nick(?:name)?(?:\s+is)?|"
    r"every(?:one|body) calls (?:him|her|me))(?:\s*:\s*|\s+)",
    re.IGNORECASE,
)
_FORMER_NAME = re.compile(r"^(?:n[eé]e|f\.?k\.?a\.?|f/k/a|formerly|maiden name|born)\b[\s.:]*\w", re.IGNORECASE)
_GOES_BY = r"(?:aka|a/k/a|a\.k\.a\.?|also known as|goes by)"
_CALLED = re.compile(
    rf"(?<=\w)\.?,?\s+({_GOES_BY}\s+([^\W\d_][^(),;&+\[{{<]*?))\s*"
    r"(?=\Z|[(,;&+\[{<]|\s(?:and|or)\s)",
    re.IGNORECASE,
)
"""By what somebody goes, outside of parentheses: `Thomas aka Tommy`."""
_CALLED_WORD = re.compile(rf"\b{_GOES_BY}\b", re.IGNORECASE)
_SORTED_LAST = re.compile(r"^(?:z{2,5}|x{2,4})[\s.,:*–—-]+(?=\w)", re.IGNORECASE)
"""What an agency begins a name with to have it at the end of a list."""
_BESIDE = re.compile(r"\s+[-–—|]+\s+|:\s+")
_ROLE_ALONE = re.compile(ROLES, re.IGNORECASE)
_ROLE_AFTER_A_NAME = re.compile(
    rf"(?:{ROLES}|(?:[\w/&'-]+\s+){{0,3}}{ROLE_NOUNS}(?:\s+(?:of|for)\s+.+)?|head\s+of\s.+|{ROLES}\s*[-–:]\s*[\w\s]+)\.?",
    re.IGNORECASE,
)
"""What is a role only after a given and a family name: any words before `Manager` or `Clerk`."""
_ROLE_AFTER = re.compile(
    rf"(?:\s*,\s*|\s+[-–—|/]+\s*|(?<=\w)/(?=\w{{3,}}))(?:as\s+)?(?:the\s+)?(?:{ROLES})\.?(?=\s*(?:[,&+;\0]|\band\b|\Z))",
    re.IGNORECASE,
)
_ATTENTION = re.compile(
    r"^(?:co-?)?trustee\s+(?=\w+\.?\s+\w)|"
    rf"^(?:{ROLES}|(?:main|primary|billing|business)\s+contact|contact|name|client|customer)\s*(?::\s*|\s[-–—]+\s+)(?=\w)|"
    r"^(?:president|ceo|cfo|coo|owner|executor|executrix|treasurer|chairman|director)\s+(?=\w+\.?\s+\w)|"
    r"^(?:(?:attn|attention|c/o|in care of|care of|d/?b/?a)\b[\s.:,-]*|%\s+)+(?=\w)",
    re.IGNORECASE,
)
_END_OF_NAME = re.compile(
    r"[\s,;–—-]+(?:(?:c/o|in care of|care of|attn|attention|dba|d/b/a|d\.b\.a\.?|t/a)(?!\w).*|%\s*\w.*|(?:@|w/)\s*\w.*|"
    r"et\s?\.?\s?(?:al\b\.?|(?:ux|vir)\b\.?(?:\s+\w+)?)|(?:fka|f/k/a|f\.k\.a\.|formerly|née|(?-i:nee))\s+\w.*)\s*\Z"
    r"|[\s,]+(?:as\s+)?(?:co-?|successor\s+)?(?:trustees?|ttees?|executor|executrix|poa)(?:\s+(?:of|for|under)\s.*)?\s*\Z"
    r"|[\s,–—-]+(?:life\s+estate|life\s+tenant|jtwros|jt\s+ten|h[/&]w)\s*\Z",
    re.IGNORECASE,
)
_END_WORD = re.compile(
    r"\b(?:c/o|care of|att|dba|d/b/a|d\.b\.a|t/a|et|(?:co-?)?(?:trustee|ttee|execut|poa)|life|jt|h[/&]w|w/|fka|f/k|f\.k|"
    r"formerly|n[eé]e)|[%@]",
    re.IGNORECASE,
)
_JOIN = r"(?:\s*[&+,;/]\s*|\s+(?:and|or)\s+)"
_UNNAMED = r"(?:wife|husband|spouse|fianc[eé]e?|girlfriend|boyfriend|significant\s+other)"
_COMPANIONS = re.compile(
    rf"{_JOIN}(?:(?:his|her|their|the|all|other)\s+)*(?:{_UNNAMED}|family|fam|children|kids|others?|guests?)\s*\Z|"
    rf"(?P<join>{_JOIN})(?:(?:his|her)\s+)?{_UNNAMED}\s*[:,]?\s+(?=\w)(?!(?:is|has|was|dec|died|dead|passed|dnc|do\s*n|no\s)\w*)",
    re.IGNORECASE,
)
"""People without a name: `Tom & wife`, `Tom and family`; before a name, what they are to the other: `Tom & wife Ann`."""
_COMPANION_MARKED = re.compile(
    rf"{_JOIN}(?:(?:his|her)\s+)?({_UNNAMED})\s*[(\[{{]([^()\[\]{{}}]*)[)\]}}]", re.IGNORECASE
)
_COMPANION_WORD = re.compile(rf"\b(?:{_UNNAMED}|fam|family|children|kids|others?|guests?)\b", re.IGNORECASE)
# `++` takes a run of digits whole: in pieces, a long number after `Tr` takes time that doubles with every digit.
_TRUST = re.compile(
    r"^(?:the\s+)?(.+?)[\s,]+((?:(?:revocable|rev|irrevocable|irrev|living|liv|lvg|family|fam|inter\s+vivos)\b\.?[\s,]*)*)"
    r"(trust|tr|trst)\b\.?(?:[\s,]*(?:dtd|dated|u/?a|u/?d|under|agreement|date|[\d/.-]++))*\s*\Z",
    re.IGNORECASE,
)
_INSTITUTIONS = frozenset(
    [
        "first", "national", "united", "federal", "american", "community", "northern", "southern", "western", "eastern",
        "land", "charitable", "educational", "investment", "scholarship", "pension", "benefit", "employee", "real",
        "union", "savings", "public", "state", "city", "unit", "title", "business",
    ]
)  # fmt: skip
"""Words of a bank's or a fund's trust."""
_TRUST_WORD = re.compile(r"\btr(?:u?st)?\b", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:\b(?:cell|phone|ph|tel|mobile|home|work|fax|office)\b[\s.:#]*)?(?<!\w)\+?(?:1[\s.-]?)?(?:\d{3}[\s./-]?)?\d{3}[\s.-]?\d{4}(?!\d)"
    r"(?:\s*(?:x|ext\.?)\s*\d+)?|(?<!\w)(?:x|ext\.?|extension)\s*\d+(?!\w)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<!\S)#?\s?\d+(?!\S)")
"""A number by itself, as agencies count a person's accounts: `Tom 2`, `Vale #2`."""
_DIGIT = re.compile(r"\d")
_CROSSES = re.compile("[†‡✝✞✟☨☦]+")
_TRADE_MARKS = re.compile("[®™℠©]+")
_VARIANT = re.compile(r"\b(CISR|CPIA|CIC)\s+(?:Elite|Ruble)\b", re.IGNORECASE)
_LOOSE_QUOTE = re.compile(r"(?<!\w)['‘’`](?![ts]\s\w)|(?<!\w)['‘’`](?=[ts]\s.*\w['’`](?!\w))")
"""A single quote that begins no word of a name, as that of `van 't Hoff` does."""


@immutable(frozen=True, slots=True)
class NameField:
    """A name field without what is no name.

    `nicknames` holds one entry for each person where a field names several. `estate` says that only the words
    `Estate of` were in the field, so that the whole name is in the other field. `marked` holds the personal flags of each
    person of a field that names several; it is empty where a mark is everybody's.
    """

    name: str | None = None
    nickname: str | None = None
    nicknames: tuple[str | None, ...] = ()
    flags: tuple[str, ...] = ()
    estate: bool = False
    marked: tuple[tuple[str, ...], ...] = ()


EMPTY = NameField()
SINGLE_WORDS = PLACEHOLDERS | {"deceased", "decd", "dnc", "unsubscribe", "unsubscribed"}
"""The single words that are not a name; every other single word is taken as it is."""
_LETTERS = r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?"
_PLAIN = re.compile(rf"{_LETTERS}(?: (?:& )?{_LETTERS})*")
_WORD = re.compile(r"[^\W\d_]+")
MEANINGFUL = frozenset(
    [
        *(word for placeholder in PLACEHOLDERS for word in _WORD.findall(placeholder)), "na", "deceased", "decd", "dec", "dnc",
        "passed", "do", "don", "dont", "no", "opt", "opted", "unsubscribe", "unsubscribed", "est", "estate", "attn",
        "attention", "att", "care", "in", "dba", "et", "etal", "etux", "etvir", "trust", "tr", "trst", "trustee", "trustees",
        "ttee", "ttees", "cotrustee", "cotrustees", "cottee", "cottees", "coexecutor", "coexecutrix", "copoa", "executor",
        "executrix", "poa", "elite", "ruble", "president", "ceo", "cfo", "coo", "owner", "treasurer",
        "chairman", "director", "late", "heirs", "succession", "life", "jtwros", "jt", "h", "wife", "husband", "spouse", "fiance",
        "fiancee", "fiancé", "fiancée", "girlfriend", "boyfriend", "significant", "family", "fam", "children", "kids", "other",
        "others", "guest", "guests", "aka", "also", "goes", "fka", "formerly", "nee",
        "née", "rip", "zzzzz",
    ]
)  # fmt: skip
"""Words outside of parentheses that `_read_closely` does something about; it reads every field that has one of them."""
_LOOSE = " ,;:*-–—/_~=|#"
"""What is cut off a name at both ends."""


def read_field(value: str | None, marks: Marks) -> NameField:
    """N10: Take the marks out of a name field and keep them as flags; an email or a placeholder is not a name."""
    return _read(value, marks) if value else EMPTY


@lru_cache(maxsize=1 << 16)
def _read(value: str, marks: Marks) -> NameField:
    if value.isalpha() and value.casefold() not in SINGLE_WORDS and value != "NA":
        return NameField(value)
    return NameField(value) if is_plain(value) else _read_closely(value, marks)


def is_plain(value: str) -> bool:
    """Return whether a field has nothing but words of letters, none of which has a meaning here: nearly every name."""
    if not _PLAIN.fullmatch(value):
        return False
    words = _WORD.findall(value.casefold())
    return MEANINGFUL.isdisjoint(words) and words[0] != "and" and words[-1] != "and"


def _read_closely(value: str, marks: Marks) -> NameField:
    flags: list[str] = []
    nicknames: list[str] = []
    value = value.replace("\0", "")
    if not value.isascii():
        value = _TRADE_MARKS.sub("", _CROSSES.sub(" deceased ", value))
    # A pattern without case takes a dotless i for an i, so only in ASCII do these two words say where it can match.
    if not value.isascii() or "elite" in (lowered := value.lower()) or "ruble" in lowered:
        value = _VARIANT.sub(r"\1", value)
    if _COMPANION_WORD.search(value):
        # `Tom & wife (Deceased)`: the mark is hers.
        value = _COMPANION_MARKED.sub(r" (\1 \2)", value)
    further = dict(marks)

    def take(parenthesis: re.Match[str]) -> str:
        content = next((group for group in parenthesis.groups() if group), "")
        stopped = content.strip(_LOOSE + "\"'")
        content = " ".join(stopped.strip(_LOOSE + "\"'.").split())
        if "." in content and stopped.endswith("."):
            # `T.J.`: the stop is part of the initials.
            content = f"{content}."
        words = [bare(word) for word in content.split()]
        flag = mark_in(content, further) if words else None
        if flag:
            flags.append(flag)
        elif words and all(word in SUFFIXES for word in words):
            return f" {content} "
        elif nickname := _nickname_in(content, words):
            nicknames.append(nickname)
            return f" \0{len(nicknames) - 1}\0 "
        return " "

    rest = _quotes_as_parentheses(value) if _QUOTE.search(value) else value
    if _CALLED_WORD.search(rest):
        # A second whole name is nobody's nickname.
        rest = _CALLED.sub(lambda found: f" ({found[1]}) " if found[2].isalpha() else " ", rest)
    rest = PARENTHESIS.sub(take, rest) if _ANY_BRACKET.search(rest) else rest
    if ")" in rest or "(" in rest:
        rest = _without_stray_parentheses(rest, further, flags)
    rest, set_off = without_set_off(_name_alone(rest))
    flags += set_off
    unmarked, bare_flags = without_bare_marks(_tidy(_PLACE.sub(" ", rest)))
    name = _tidy(_NUMBER.sub(" ", unmarked) if _DIGIT.search(unmarked) else unmarked)
    called, each = _nicknames_of(rest, name, nicknames) if nicknames else (None, ())
    estate = not name and not nicknames and DECEASED in bare_flags
    all_flags = (*flags, *bare_flags)
    marked = _marked(value, name, marks) if not PERSONAL.isdisjoint(all_flags) and has_several(name) else ()
    return NameField(name or None, called, each, all_flags, estate, marked)


def is_role(words: str) -> bool:
    """Return whether a text is nothing but a business role: `President`."""
    return bool(_ROLE_ALONE.fullmatch(words))


def is_fiduciary(firm: str) -> bool:
    """Return whether a Firm Name is a person who acts for another: `Sue Hart, Executrix`."""
    return "," in firm and bool(_FIDUCIARY.fullmatch(firm.strip())) and not looks_like_firm(firm.partition(",")[0])


def _marked(value: str, name: str, marks: Marks) -> tuple[tuple[str, ...], ...]:
    """Return the personal flags of each person in a field that names several; () where they are everybody's (M6)."""
    if _EVERYBODY.search(value) or estate_of(value) is not None:
        return ()
    brackets = [bracket[0] for bracket in PARENTHESIS.finditer(value)]
    places = iter(range(len(brackets)))
    parts = separated(PARENTHESIS.sub(lambda _: f"\0{next(places)}\0", value))[0]
    if len(parts) != len(separated(name)[0]):
        return ()
    people = [_PLACE.sub(lambda place: brackets[int(place[1])], part) for part in parts]
    return tuple(tuple(flag for flag in _read(person, marks).flags if flag in PERSONAL) for person in people)


def _quotes_as_parentheses(value: str) -> str:
    """Write a quoted nickname in parentheses; a field that is quoted as a whole holds no nickname (N14)."""
    value = _EMPTY_QUOTES.sub("", value)
    outside = _QUOTED.sub(" ", value)
    if not any(map(str.isalpha, outside)):
        return value.strip(" \"“”'‘’") if outside.strip() == "" else value
    return _QUOTED.sub(lambda quoted: f" ({quoted[1] or quoted[2]}) ", value)


def _nickname_in(content: str, words: list[str]) -> str | None:
    """N14: Return the nickname in a parenthesis, or None where its words are listed as something else.

    `aka Tommy` and `goes by Tommy` name the nickname; suffixes, titles, ranks, degrees, roles, former names, emails and whatever
    has a digit are no nickname.
    """
    if "@" in content or _DIGIT.search(content) or not any(map(str.isalpha, content)) or _FORMER_NAME.match(content):
        return None
    if all(word in TITLES or word in RANKS or word.replace("/", "") in LETTERS_IN_BRACKETS for word in words if word):
        return None
    if is_role(content):
        return None
    return _tidy(_NICKNAME_FOLLOWS.sub("", content)) or None


def _name_alone(rest: str) -> str:
    """N16: Return a field without roles, phone numbers and the words that end or part a name.

    `Attn: Jon Roe` is Jon Roe, `Tom Vale dba Vale Plumbing` and `Tom Vale Rev Tr` are Tom Vale.
    """
    if "," in rest or " " in rest or "/" in rest:
        rest = _ROLE_AFTER.sub("", rest)
        before, comma, after = rest.partition(",")
        if comma and len([word for word in before.split() if bare(word) not in PARTICLES]) > 1 and not before.isupper():
            rest = before if _ROLE_AFTER_A_NAME.fullmatch(after.strip()) else rest
        if len(before.split()) > 1 and says_there_is_no_name(after.strip(" .")):
            rest = before
    if rest[:2].casefold() in {"zz", "xx"} and (sorted_last := _SORTED_LAST.match(rest)) and not looks_like_firm(rest):
        rest = rest[sorted_last.end() :]
    if attention := _ATTENTION.match(rest):
        rest = rest[attention.end() :]
    if _BESIDE.search(rest):
        rest = _without_desk(rest)
    if _END_WORD.search(rest):
        rest = _END_OF_NAME.sub("", rest)
    if _TRUST_WORD.search(rest):
        rest = _without_trust(rest)
    if _COMPANION_WORD.search(rest):
        # After a comma another person follows, no given name.
        rest = _COMPANIONS.sub(
            lambda found: " & " if (found["join"] or "").strip() == "," else found["join"] or " ", rest
        )
    return _PHONE.sub(" ", rest) if _DIGIT.search(rest) else rest


def _without_desk(rest: str) -> str:
    """Return the person of a field that names a desk beside: `Accounts Payable - Tom Vale`, `Billing: Tom Vale`."""
    parts = [part.strip() for part in _BESIDE.split(rest)]
    if len(parts) != 2 or not all(parts):
        return rest
    desks = [is_placeholder(part) or (" " in part and says_there_is_no_name(part)) for part in parts]
    return parts[desks.index(False)] if desks.count(True) == 1 else rest


def _without_trust(name: str) -> str:
    """Return the person whose trust a name names; a bank's or a family's trust keeps its name (N16)."""
    trust = _TRUST.match(name)
    if not trust:
        return name
    person, kind = trust[1].strip(" ,"), trust[2].casefold()
    named = len(person.split()) > 1 and not kind.startswith("fam")
    abbreviated = bool(kind) and not kind.startswith("fam")
    named = named and _INSTITUTIONS.isdisjoint(person.casefold().split())
    return person if (named or abbreviated) and not looks_like_firm(person) and person.casefold() != "the" else name


def _tidy(name: str) -> str:
    """Return the words that can belong to a name; nothing where there is no letter, or only a placeholder."""
    if _STRAY.search(name):
        name = _STRAY.sub(" ", name)
    if _QUOTE.search(name):
        name = _LOOSE_QUOTE.sub("", name)
    words = " ".join(word for word in name.split() if "@" not in word).strip(_LOOSE)
    tidied = without_loose_ends(words).strip(_LOOSE) if words else ""
    while tidied != words:
        words, tidied = tidied, without_loose_ends(tidied).strip(_LOOSE)
    return words if any(map(str.isalpha, words)) and not is_placeholder(words) else ""


def _without_stray_parentheses(rest: str, further: dict[str, str], flags: list[str]) -> str:
    """Drop a parenthesis that was closed and never opened, with the mark before it: `John Deceased)`."""
    before, closed, after = rest.partition(")")
    if closed:
        words = before.split()
        while length := next((n for n in (1, 2, 3) if n <= len(words) and mark_in(" ".join(words[-n:]), further)), 0):
            flags.append(mark_in(" ".join(words[-length:]), further) or "")
            del words[-length:]
        rest = f"{' '.join(words)} {after}"
    return rest.replace("(", " ").replace(")", " ")


def _nicknames_of(rest: str, name: str, nicknames: list[str]) -> tuple[str | None, tuple[str | None, ...]]:
    """Return one nickname for the field, or one for each of its people: `Jonathan (Jon) & Johanna` is Jon & Johanna."""
    if not name or not has_several(name) or (len(nicknames) == 1 and has_several(nicknames[0])):
        return nicknames[0], ()
    each = []
    for part in separated(_PLACE.sub(lambda place: f"\0{place[1]}\0", rest))[0]:
        place = _PLACE.search(part)
        each.append(nicknames[int(place[1])] if place else None)
    if len(each) != len(separated(name)[0]):
        return nicknames[0], ()
    return None, tuple(each)


def called(field: NameField, givens: Sequence[str | None], separators: Sequence[str]) -> str | None:
    """Return the nicknames of a field's people, with the given names of those who have none."""
    if field.nickname or not any(field.nicknames):
        return field.nickname
    if len(givens) != len(field.nicknames):
        return next((nickname for nickname in field.nicknames if nickname), None)
    return joined([nick or given for nick, given in zip(field.nicknames, givens, strict=True)], separators)
