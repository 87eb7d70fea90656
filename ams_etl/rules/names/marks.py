"""The marks inside names (N10): which words are marks, and which flag each raises."""

import re
from collections.abc import Mapping
from functools import lru_cache

from ams_etl.rules.names.words import is_surely_firm

DECEASED = "deceased"
DO_NOT_CONTACT = "do_not_contact"
SUPPRESSING = (DECEASED, DO_NOT_CONTACT)
"""Flags that make a contact unsendable, the gravest first."""
PERSONAL = frozenset([DECEASED, "former", "minor"])
"""Flags of the person that they are written beside (M6); a refusal belongs to the address instead."""

LINES_OF_BUSINESS = frozenset(
    [
        "personal", "commercial", "personal lines", "commercial lines", "auto", "autos", "boat", "boats", "motorcycle", "rv",
        "rental", "rentals", "rental property", "rental properties", "rental house", "investment property", "condo", "umbrella",
        "homeowners", "renters", "flood", "farm", "business", "work comp", "workers comp", "life", "health", "medicare",
        "life estate", "trust", "living trust", "family trust", "pod", "tod",
    ]
)  # fmt: skip
"""What an agency writes in parentheses to tell a person's accounts apart; in a firm's name such words are its own."""
_MARKS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "deceased", "decd", "dec", "died", "dod", "rip", "passed", "passed away", "passed on", "dead", "late",
            "estate of", "estate", "death", "dec sd", "decsd", "decease", "dcd", "expired", "departed", "in memoriam",
            "in memory", "now deceased", "recently deceased", "heirs", "heirs of", "the late",
        ),
        DECEASED,
    ),
    **dict.fromkeys(
        (
            "dnc", "do not contact", "do not call", "do not email", "do not e mail", "do not mail", "do not text",
            "do not solicit", "no contact", "dont contact", "dont call", "dont email", "dnm", "dns", "do not market",
            "dont mail", "dont text", "dont e mail", "never contact", "never call", "never email", "no email", "no emails",
            "no e mail", "no e mails", "no emailing", "no call", "no calls", "no calling", "no phone calls", "no text",
            "no texts", "no texting", "no marketing", "no solicitation", "no soliciting", "no solicitations",
            "no newsletters", "no communication", "opt out", "opted out", "optout", "opts out", "opt out of email",
            "opt out of emails", "opted out of email", "opted out of emails", "email opt out", "unsubscribe",
            "unsubscribed", "unsubscribe me", "remove from list", "remove from mailing list", "remove from email list",
            "take off list", "take off mailing list", "does not want email", "does not want emails",
            "doesnt want email", "doesnt want emails", "wants no email", "wants no emails", "refuses email",
            "refuses emails", "do not send email", "do not send emails", "dont send email", "dont send emails",
            "stop emailing", "stop emails", "dne", "unsub", "stop", "do not disturb", "dont disturb",
        ),
        DO_NOT_CONTACT,
    ),
    **dict.fromkeys(("minor", "child"), "minor"),
    **dict.fromkeys(
        (
            "former", "formerly", "ex", "divorced", "separated", "moved", "moved away", "moved out", "sold", "closed",
            "cancelled", "canceled", "left", "no longer there", "no longer here", "no longer with company",
            "no longer with firm", "no longer employed", "no longer works there", "no longer with us", "left company",
            "has left", "gone", "quit", "terminated", "fired", "former owner", "previous owner", "old owner", "resigned",
            "transferred", "laid off", "let go", "relocated", "let go by company", "out of business", "dissolved", "merged",
        ),
        "former",
    ),
    **dict.fromkeys(
        (
            "inactive", "duplicate", "dup", "do not use", "dnu", "test", "old", "new", "prospect", "new owner", "new contact",
            "main contact", "primary contact", "retired", "on leave", "maternity leave", "part time", "seasonal", "vip",
            "see notes", "see note", "bad email", "bad address", "bad phone", "wrong number", "returned mail", "new email",
            "new address", "new phone", "new number", "do not use this one", "use other", "spanish", "spanish only",
            "spanish speaking", "deaf", "preferred", "returning", "bilingual", "hard of hearing", "male", "female", "m", "f",
            "temp", "temporary", "vacation", "dependent", "dependents", "cell", "work", "home", "mobile", "fax", "phone", "he him",
            "he him his", "she her", "she her hers", "they them", "they them theirs", "he they", "she they", "army", "navy",
            "air force", "marines", "marine corps", "coast guard", "us army", "us navy", "us air force", "us marines",
            "us marine corps", "us coast guard", "national guard", "veteran", "disabled", "blind", "homebound",
            "dupe", "dupes", "duplicates", "bounced", "email bounced", "bounces", "nursing home", "assisted living",
            "hospice", "incarcerated", "in jail", "deployed", "military", "bankrupt", "bankruptcy", "collections",
            "in collections", "nsf", "non pay", "cancelled non pay", "canceled non pay", "lead", "referral", "quote",
            "quotes", "quote only", "quoted", "lost", "lost business", "non renewed", "non renewal", "nonrenewed",
            "employee", "agency employee", "staff",
            *LINES_OF_BUSINESS,
        ),
        "note",
    ),
    **dict.fromkeys(
        (
            "owner", "spouse", "wife", "husband", "partner", "son", "daughter", "mother", "father", "trustee", "client",
            "executor", "poa", "widow", "widowed", "widower", "insured", "primary", "secondary", "dba", "hoh",
            "customer", "landlord", "tenant", "buyer", "seller", "co signer", "cosigner", "co owner", "mr", "mrs", "ms",
            "dr", "miss", "mom", "mum", "dad", "parent", "parents", "brother", "sister", "fiance", "fiancee",
        ),
        "role",
    ),
}  # fmt: skip
RELATIVE_DECEASED = "relative_deceased"
"""The flag of somebody else's death: the person is alive, but should not be greeted as if nothing had happened."""
_RELATIVES = frozenset(
    [
        "wife", "husband", "spouse", "partner", "son", "daughter", "mother", "father", "mom", "mum", "dad", "parent",
        "parents", "brother", "sister", "child", "fiance", "fiancee", "grandson", "granddaughter", "grandmother", "grandfather",
        "grandma", "grandpa", "uncle", "aunt", "nephew", "niece", "cousin", "stepson", "stepdaughter", "stepfather",
        "stepmother", "baby", "twin", "girlfriend", "boyfriend", "roommate", "friend", "dog", "cat",
    ]
)  # fmt: skip
_GRAVITY = ("deceased", "do_not_contact", "minor", "former", "note", "role")
_FILLERS = frozenset(
    [
        "on", "in", "as", "of", "is", "has", "was", "date", "since", "per", "about", "approx", "by", "the", "and", "his",
        "her", "their", "s", "a", "an", "please", "jan", "january", "feb", "february", "mar", "march", "apr", "april", "may", "jun",
        "june", "jul", "july", "aug", "august", "sep", "sept", "september", "oct", "october", "nov", "november", "december",
        "at", "age", "to", "client", "customer", "insured",
    ]
)  # fmt: skip
"""Words that may accompany a mark and change nothing: `Deceased on May 3rd`."""
_LONGEST = max(len(mark.split()) for mark in _MARKS)
_DATE_WORD = re.compile(r"\d+(?:st|nd|rd|th)?\Z")
# Without parentheses these can only be a mark; "Minor" or "Former" could be a name.
_WORDS = (
    r"deceased|dec'd|dec’d|decd|passed away|do[ -]not[ -](?:contact|call|e-?mail|mail|text|solicit|use|market)|"
    r"don['’]?t[ -](?:contact|call|e-?mail|text)|no[ -]e-?mails?|opt(?:ed)?[ -]out|unsubscribed?"
)
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DATE = rf"(?:\s*(?:on|in|as of|date|[-–—:,]))*\s*(?:{_MONTHS}\s+)?\d{{1,4}}(?:[/.-]\d{{1,4}}){{0,2}}(?:,?\s+\d{{4}})?(?![\w@])"
_AROUND, _AFTER = r"[\s*\-–—/,:~=#]*(?:\*+\s*)?", rf"\.?(?:{_DATE})?[\s*~=#]*"
_EVERYBODY = r"(?:\b(?:both|all) (?:are )?)?"
_NEAREST = r"(?:wife|husband|spouse|son|daughter|mother|father|mom|dad|brother|sister|partner)"
_RELATIVE = rf"{_EVERYBODY}(?:\b(?:his |her |their )?({'|'.join(sorted(_RELATIVES))}|{_NEAREST} \w+)(?:'s|’s)? (?:is |has |was )?)?"
_SET_OFF = (
    re.compile(r"\s*\*+\s*([^*\s][^*]*?)\s*(?:\*+|\Z)"),
    re.compile(r"\s+[-–—]+\s*([^\s–—-][^–—-]*?)\s*\Z"),
    re.compile(r"\A\s*([^\s–—-][^–—-]*?)\s*[-–—]+\s+(?=\w)"),
)
"""Words between asterisks, after a dash at the end, or before one at the beginning: `Vale *DUP*`, `Vale - INACTIVE`."""
_NEVER_SET_OFF = frozenset(["child", "minor", "late", "life", "farm", "trust"])
"""Marks that are family names or a firm's words too: `Smith - Child` is a name of two parts."""
_ACCOUNT_ENDED = frozenset(
    [
        "inactive", "duplicate", "dup", "do not use", "dnu", "closed", "out of business", "dissolved", "merged", "sold",
        "cancelled", "canceled", "terminated", "former",
    ]
)  # fmt: skip
"""What is said of an account after a dash or between asterisks, and is no part of a firm's name."""
_PERSONS_WORDS = rf"{_WORDS}|dnc|dnu|r\.i\.p|(?<=\w\s)(?-i:RIP)"
_WHOSE_DEATH = rf"(?:\s+(?:his |her |their )?({_NEAREST})\b)?"
"""Who died, after the mark: `Deceased spouse`."""
_BARE = re.compile(rf"{_AROUND}{_RELATIVE}\b({_PERSONS_WORDS})\b{_WHOSE_DEATH}{_AFTER}", re.IGNORECASE)
_BARE_IN_FIRM = re.compile(rf"{_AROUND}{_RELATIVE}\b({_WORDS})\b{_WHOSE_DEATH}{_AFTER}", re.IGNORECASE)
_MARK = re.compile(rf"\b(?:{_PERSONS_WORDS})\b", re.IGNORECASE)
"""What both of them need, found in a quarter of their time."""
_LATE = re.compile(r"^the\s+late\s+(?=\w)", re.IGNORECASE)
_ESTATE = re.compile(
    r"^(?:the\s+)?(?:est(?:ate|\.)?|heirs(?:\s+and\s+\w+)?|succession)\s+of\b[\s:]*(?:the\s+late\s+)?|"
    r"[\s,*–—-]*\b(?:the\s+)?est(?:ate|\.)?\s+of\s*$|"
    r"\s*[(\[{]\s*(?:the\s+)?estate(?:\s+of)?\s*[)\]}]\s*$|[\s,–—-]+(?P<last>estate)\s*$",
    re.IGNORECASE,
)
_PLACE_WORDS = frozenset(
    [
        "real", "the", "wine", "hill", "hills", "country", "valley", "oak", "oaks", "park", "lake", "river", "creek", "green",
        "wood", "woods", "meadow", "meadows", "stone", "ridge", "house", "manor", "farm", "garden", "gardens", "view", "harbor",
        "spring", "springs", "mountain", "island", "grove", "royal", "grand", "historic", "private", "industrial", "trading",
        "housing", "village", "north", "south", "east", "west", "mobile", "home",
    ]
)  # fmt: skip
"""Words of a place or a trade before `Estate`: `Stone Hill Estate` is no person's."""
_CHANNEL = (
    r"(?:e-?mail(?:s|ing|ings)?|mailings?|calls?|calling|phone calls?|texts?|texting|sms|newsletters?|"
    r"solicit(?:ing|ations?)|marketing|contact(?:ing|s)?|mail|e?-?blasts?|promo(?:s|tions?)?|ads?|advertis(?:ing|ements?)|spam|"
    r"campaigns?|flyers?|postcards?|correspondence|communications?|messages?|voicemails?|contacted|called|emailed|e-mailed|texted|"
    r"mailed|solicited)"
)
_REFUSES = re.compile(
    r"(?:please\s+)?(?:no(?:\s+longer\s+wants?)?|stop|never|don['’]?t|do\s+not|(?:wants?|prefers?|asks?\s+for|requests?)\s+no|"
    r"(?:doesn['’]?t|does\s+not|don['’]?t|do\s+not)\s+(?:want|wish|like|care\s+for))"
    r"(?:\s+(?:more|any|further|marketing|promo\w*|sales|send|sending|to\s+(?:be|get|receive|have)|bulk|mass|junk|group|automated|"
    r"unsolicited|me|him|her|them))*"
    rf"\s+{_CHANNEL}(?:\s*(?:[/,&+]|or|and|nor)\s*(?:no\s+)?{_CHANNEL})*(?:\s+(?:please|me|him|her|them|list))*[\s!.]*",
    re.IGNORECASE,
)
"""A parenthesis that refuses by whatever way: `no marketing emails`, `no texts/calls`."""
_DEATH = r"(?:deceased|dec['’]?d|died|dead|passed(?:\s+(?:away|on))?)"
_RELATIVE_DIED = re.compile(
    rf"\b(?:{'|'.join(sorted(_RELATIVES))})(?:[-\s]in[-\s]law)?(?:['’]s)?[\s:]+(?:\w+\s+)?(?:(?:is|has|was)\s+)?{_DEATH}\b|"
    r"^(?:recently\s+)?(?:lost\s+(?:his|her|their)\b|(?:widow(?:er)?|survivor|surviving\s+(?:spouse|wife|husband))\s+of\b)",
    re.IGNORECASE,
)
_DEATH_TOLD_BY = re.compile(rf"^{_DEATH}\s*[-–,]?\s*(?:per|by|according\s+to|reported\s+by|says)\b", re.IGNORECASE)
_DIED_ON = re.compile(r"(?:d|died|death|dod|r\.?i\.?p)\.?[\s:]*\d", re.IGNORECASE)
_NOTE_BEGINS = re.compile(
    r"(?:(?:moved|relocated|transferred)\s+(?:to|away|out|back)|no\s+longer|left|quit|sold\s+(?:to|the|his|her|their|in)|"
    r"replaced\s+by|now\s+(?:at|with)|(?P<note>see|call(?!\s+(?:him|her|me|them)\b)|ask\s+for|works?\s+(?:at|for|with|in)|speaks|"
    r"new\s+(?:owner|contact)|in|on|at|with|from|per|until|since|under|via))\s",
    re.IGNORECASE,
)
"""How a note inside parentheses begins: `moved to Florida`, `no longer with Acme`, `see file`."""
_NOTE_WHOLE = re.compile(
    r"(?:(?:old|new|prior|previous|former|closed|inactive|duplicate|dup|test|other|main|wrong|bad|cancell?ed|dead|this|see\s+other|"
    r"see\s+new|use\s+(?:the\s+)?(?:other|new|main)|do\s+not\s+use\s+this)\s+"
    r"(?:accounts?|acc(?:oun)?ts?|records?|files?|entry|customer|client)|merged|(?:use|see)\s+#?\d+)\b.*|"
    r"(?:cell|phone|ph|tel|mobile|home|work|fax|office|ext|x)\.?[\s:#]*\+?\(?\d.*|(?:[\w/&-]+\s+){1,3}polic(?:y|ies)",
    re.IGNORECASE,
)
"""A note inside parentheses about the account, a policy or a number: `old account`, `boat policy`, `use #123`, `cell 555-0101`."""
_WHOSE_RELATIVE = re.compile(
    rf"\w+['’]s\s+(?:{'|'.join(sorted(_RELATIVES))})|"
    r"(?:wife|husband|spouse|son|daughter|mother|father|mom|dad|partner|fianc[eé]e?|poa|power\s+of\s+attorney|executor|executrix|"
    r"trustee|guardian|conservator|care\s?giver|assistant|attorney|atty)"
    r"(?:\s*[:–—-]+\s*|\s+(?:is\s+|of\s+)?)[\w.'’ -]+",
    re.IGNORECASE,
)
"""Who somebody is to another person: `Owner's son`, `wife Mary`, `POA: Mary`."""
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]|\{\s*\}|<\s*>")
_NOT_WORD = re.compile(r"[^\w\s]+")
_DASH = re.compile(r"[-–—/.,;:&+]+")
_ABBREVIATED = re.compile(r"(?<=\b[a-z])\.\s?(?=[a-z]\b)")
"""The stops inside `D.N.C.` and `R.I.P.`."""


def mark_in(content: str, further: Mapping[str, str]) -> str | None:
    """Return the flag that a parenthesis raises, or None when it is a nickname.

    Several marks in one parenthesis (`former spouse`, `minor child`) raise the gravest flag; dates are passed over.
    A relative beside a death (`wife passed away`) raises `relative_deceased`.

    Args:
        content: the text between the parentheses.
        further: the agency's own marks (`name_marks`), mark -> flag.
    """
    plain = _plain(content)
    for mark, raised in further.items():
        if _plain(mark) == plain:
            return raised
    known = _MARKS.get(plain)
    if known:
        return known
    if _DEATH_TOLD_BY.match(content):
        return DECEASED
    marks = _marks_of(plain)
    if marks:
        flag = min((_MARKS[mark] for mark in marks), key=_GRAVITY.index)
        return RELATIVE_DECEASED if flag == DECEASED and not _RELATIVES.isdisjoint(marks) else flag
    if _DIED_ON.match(content):
        return DECEASED
    if _REFUSES.fullmatch(content):
        return DO_NOT_CONTACT
    if _RELATIVE_DIED.search(content):
        return RELATIVE_DECEASED
    if _NOTE_WHOLE.fullmatch(content):
        return "note"
    if _WHOSE_RELATIVE.fullmatch(content):
        return "role"
    if note := _NOTE_BEGINS.match(content):
        return "note" if note["note"] else "former"
    bare_mark = _BARE.search(content)
    return _bare_flag(*bare_mark.groups("")) if bare_mark else None


def _marks_of(plain: str) -> list[str]:
    """Return the marks of which a text consists, dates and fillers passed over; none where another word is in it."""
    words, marks, at = plain.split(), [], 0
    while at < len(words):
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            mark = " ".join(words[at : at + length])
            if mark in _MARKS:
                marks.append(mark)
                at += length
                break
        else:
            if not _DATE_WORD.match(words[at]) and words[at] not in _FILLERS:
                return []
            at += 1
    return marks


def without_bare_marks(name: str, *, firm: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the name without the marks outside parentheses, and their flags.

    `DNC` may be part of a company's own name, so it is no mark in a firm's name.
    """
    flags: tuple[str, ...] = ()
    pattern = _BARE_IN_FIRM if firm else _BARE
    bare_marks = pattern.findall(name) if _MARK.search(name) else []
    if bare_marks:
        name = " ".join(pattern.sub(" ", name).split())
        flags = tuple(_bare_flag(*bare_mark) for bare_mark in bare_marks)
    if not firm and (late := _LATE.match(name)):
        name = name[late.end() :]
        flags = (*flags, DECEASED)
    if not firm and (rest := estate_of(name)) is not None:
        name = rest
        flags = (*flags, DECEASED)
    if "(" in name or "[" in name or "{" in name or "<" in name:
        name = " ".join(_EMPTY_BRACKETS.sub(" ", name).split())
    return name, flags


def without_set_off(name: str, *, firm: bool = False) -> tuple[str, list[str]]:
    """Return the name without the marks that a dash or asterisks set off, and their flags: `Vale - INACTIVE`, `Vale *DUP*`.

    A firm keeps all but what says that its account has ended; such words may be its own.
    """
    flags: list[str] = []
    if "*" not in name and "-" not in name and "–" not in name and "—" not in name:
        return name, flags

    def take(found: re.Match[str]) -> str:
        plain = _plain(found[1])
        flag = None if plain in _NEVER_SET_OFF else _MARKS.get(plain)
        if not flag or flag == "role" or (firm and plain not in _ACCOUNT_ENDED):
            return found[0]
        flags.append(flag)
        return " "

    for pattern in _SET_OFF:
        name = pattern.sub(take, name)
    return (" ".join(name.split()) if flags else name), flags


def estate_of(name: str) -> str | None:
    """Return whose estate a name names, possibly nobody's (`Estate of`); None where it names no person's estate.

    `Estate of Mind Winery LLC` is a firm.
    """
    # Without one of these no alternative matches; the pattern also takes a long s for one, which no ASCII text holds.
    folded = name.lower()
    may_be = not name.isascii() or "est" in folded or "heirs" in folded or "succession" in folded
    estate = _ESTATE.search(name) if may_be else None
    if not estate:
        return None
    rest = f"{name[: estate.start()]} {name[estate.end() :]}".strip(" ,:-–—")
    if estate["last"]:
        words = rest.casefold().replace(",", " ").split()
        # Nothing but letters and more than one word: `Tom Vale Estate`, not `Oak Estate` and not `Stone Hill Estate`.
        if len(words) < 2 or not _PLACE_WORDS.isdisjoint(words) or any(map(str.isdigit, rest)):
            return None
    return None if is_surely_firm(rest) else rest


@lru_cache(maxsize=4096)
def _plain(content: str) -> str:
    return " ".join(_NOT_WORD.sub("", _DASH.sub(" ", _ABBREVIATED.sub("", content.lower()))).split())


def _bare_flag(relative: str, words: str, whose: str) -> str:
    flag = _MARKS.get(_plain(words), DO_NOT_CONTACT)
    return RELATIVE_DECEASED if (relative or whose) and flag == DECEASED else flag


def suppressed_by(flags: tuple[str, ...]) -> str | None:
    """Return the reason that forbids sending, or None."""
    return next((flag for flag in SUPPRESSING if flag in flags), None) if flags else None
