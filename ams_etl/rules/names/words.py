"""The words by which a name field is read: titles, suffixes, particles, and words that no person's name has."""

import re

TITLES = frozenset(
    [
        "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "rev", "reverend", "fr", "hon", "honorable", "sir",
        "madam", "mme", "mister", "missus", "messrs", "mssrs", "drs", "sr", "sra", "srta", "señor", "señora", "señorita",
    ]
)  # fmt: skip
"""Titles, which are no part of a name; nor are they a nickname in parentheses (N14)."""
TITLES_ONLY = frozenset(
    ["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "mister", "messrs", "drs", "señor", "señora", "señorita"]
)
"""Those titles that are nobody's given name: they never begin a First Name."""
PLURAL_TITLES = frozenset(["messrs", "mssrs", "drs"])
"""Titles that apply to every family name after them: `Drs. Davids and Burr`."""
RANKS = frozenset(
    [
        "father", "capt", "captain", "col", "colonel", "maj", "major", "sgt", "sergeant", "lt", "lieutenant", "gen",
        "general", "judge", "pastor", "rabbi", "sister", "brother",
    ]
)  # fmt: skip
"""Titles that are names too (Major Jones, Judge Reinhold): a title only where a given and a family name follow."""
RANKS_ONLY = frozenset(
    ["father", "captain", "colonel", "sergeant", "sgt", "lieutenant", "pastor", "rabbi", "sister", "capt"]
)
"""Those ranks that are nobody's given name: a title before any other name, as every rank with a stop is (`Col. Jon`)."""
SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "2nd", "3rd", "4th", "5th"])
_DEGREES = frozenset(
    [
        "md", "phd", "esq", "esquire", "cpa", "dds", "dvm", "jd", "rn", "dmd", "pe", "cfp", "mba", "ma", "ms", "bs", "ba",
        "msn", "bsn", "msc", "bsc", "med", "meng", "mdiv", "dmin", "rph", "aprn", "arnp", "fnp", "dnp", "crna",
        "lpn", "np", "pa", "pac", "edd", "psyd", "pharmd", "dpm", "od", "dc", "do", "llm", "mph", "msw",
        "lcsw", "pmp", "cfa", "cma", "ea", "aia", "ret", "retired", "usn", "usmc", "usaf", "usa",
    ]
)  # fmt: skip
_DESIGNATIONS = frozenset(
    [
        "clu", "chfc", "cic", "cisr", "cpcu", "aai", "arm", "lutcf", "rhu", "rebc", "crm", "cris", "ains", "ais", "are",
        "au", "api", "cprm", "cpia", "chc", "cebs", "gba", "rpa", "flmi", "fsa", "asa", "acas", "fcas", "cltc", "casl",
        "cap", "ricp", "aic", "aam", "aim", "acsr", "cpiw", "cwca", "cbia", "lia", "mlis", "rplu", "ndp", "crps", "cima",
        "afis", "tracs", "cwcp", "phr", "sphr", "shrm", "arm-e", "arm-p", "au-m", "cpsr",
         "ctfa", "crpc", "chfp", "hia", "mhp",
    ]
)  # fmt: skip
"""Designations of the insurance business."""
_LETTERS = frozenset(
    [
        "md", "phd", "esq", "esquire", "cpa", "dds", "dvm", "jd", "rn", "do", "dc", "dmd", "pe", "cfp", "clu", "chfc",
        "cic", "cisr", "mba", "ret", "cpcu", "lutcf", "rhu", "rebc", "psyd", "pharmd", "edd", "cfa", "pc",
    ]
)  # fmt: skip
_NUMERALS = frozenset(["v", "vi", "vii", "viii"])
LETTERS_AFTER = _LETTERS | _NUMERALS
"""Suffixes that are names too (Kim Do, Vi Doe): a suffix only after a given and a family name."""
AFTER_A_COMMA = (SUFFIXES | _LETTERS | _DEGREES | _DESIGNATIONS) - {
    "do", "pe", "ret", "retired", "ma", "usa", "ba", "pa", "are", "au", "api", "cap", "lia", "aim", "ea", "ms", "bs",
}  # fmt: skip
"""What a comma parts from a name without turning it round: `Bradley, Jr.`."""
LETTERS_IN_BRACKETS = LETTERS_AFTER | _DEGREES | _DESIGNATIONS
"""Degrees and designations, which are no nickname where parentheses hold nothing else."""
AFTER_A_WHOLE_NAME = LETTERS_IN_BRACKETS | SUFFIXES
"""What ends a name after a comma only if a given and a family name precede it."""
_ROLE = (
    r"(?:(?:vice|co|asst|assistant|assoc|associate|senior|sr|chief|general|managing|executive|successor|past|former|"
    r"office|branch|account|operations|financial|project|property|sales|human\s+resources|hr|regional|district|board|"
    r"executive|founding|acting|interim|limited|sole)\.?[\s-]+)*"
    r"(?:president|pres|vp|svp|evp|avp|ceo|cfo|coo|cto|cio|cmo|owner|co-?owner|proprietor|operator|principal|partner|"
    r"founder|director|dir|manager|mgr|supervisor|administrator|admin|secretary|sec|treasurer|treas|controller|"
    r"comptroller|bookkeeper|accountant|chair|chairman|chairwoman|chairperson|member|officer|trustees?|ttees?|"
    r"executor|executrix|guardian|conservator|attorney(?:\s+(?:at\s+law|in\s+fact))?|agent|producer|csr|poa|"
    r"receptionist|representative|rep|coordinator|foreman|superintendent|estimator|engineer|broker|realtor|cashier|"
    r"insured|hr|(?:human\s+)?resources)"
)
ROLES = rf"{_ROLE}(?:\s*(?:&|/|and|,)\s*{_ROLE})*(?:\s+(?:of|for)\s+[^,&+]+)?"
"""A pattern of business roles: `President`, `Vice President & CFO`, `Trustee of the Vale Trust`."""
ROLE_NOUNS = (
    r"(?:manager|mgr|director|supervisor|coordinator|administrator|officer|clerk|assistant|agent|chief|captain|pastor|notary|"
    r"superintendent|specialist|dean|provost|bishop|archbishop|chancellor|sheriff|mayor|governor|deacon|teacher|nurse|counsel|"
    r"registrar|warden|chaplain|assessor|consultant|contractor|leader|lead|administratrix|professor|lecturer|instructor|minister|"
    r"priest|commissioner|councilman|councilwoman|alderman|deputy|detective|constable|inspector|planner|advis[eo]r|architect|"
    r"designer|developer|programmer|paralegal|lawyer|physician|dentist|surgeon|pharmacist|therapist|veterinarian|"
    r"electrician|plumber|carpenter|mechanic|driver|dispatcher|installer|landlord|volunteer|caregiver|trainer|auditor|"
    r"adjuster|appraiser|underwriter|actuary|banker|executive|exec|associate|intern|buyer|scheduler|steward|custodian|"
    r"caretaker|librarian|curator|representative|analyst|technician|sales|accounting|purchasing|payroll|claims|operations|"
    r"maintenance|compliance)"
)
"""The last word of a role whose other words are on no list: `Fleet Manager`, `Town Clerk`. No given name is among them."""
PARTICLES = frozenset(
    [
        "de", "del", "della", "der", "den", "di", "da", "dos", "das", "du", "la", "le", "las", "los", "el", "al", "bin",
        "ibn", "van", "von", "vander", "ter", "ten", "st", "mac", "mc",
    ]
)  # fmt: skip
PLACEHOLDERS = frozenset(
    [
        "n/a", "n.a.", "n\\a", "unknown", "unknown unknown", "unk", "tbd", "tba", "to be determined", "no name", "noname",
        "no first name", "no last name", "first name", "last name", "firstname", "lastname", "not available",
        "not applicable", "not provided", "not given", "not listed", "none", "none given", "none listed", "nil", "xx",
        "null", "xxx", "xxxx", "zz", "zzz", "zzzz", "dnu", "fnu", "lnu", "name unknown", "undefined",
        "occupant", "resident", "tenant", "current occupant",
        "current resident", "current tenant", "current owner", "property owner", "home owner", "homeowner",
        "business owner", "new owner", "current homeowner", "or current resident", "our neighbor", "neighbor",
        "valued customer", "valued client", "valued member", "valued policyholder", "preferred customer", "customer",
        "policyholder", "policy holder", "insured", "the insured", "named insured", "accounts payable",
        "accounts receivable", "account payable", "account receivable", "acct payable", "accts payable",
        "accts receivable", "a/p", "a/r", "ap dept", "accounting", "accounting dept", "accounting department", "billing",
        "billing dept", "billing department", "payroll", "human resources", "hr department", "front desk",
        "main office", "office manager", "customer service", "general mailbox", "mailbox", "sir or madam",
        "to whom it may concern", "whom it may concern", "no contact name", "no contact listed", "same", "same as above",
        "see notes", "see note", "owner", "the owner", "manager", "general manager", "property manager", "hr", "ap", "ar",
        "unassigned", "vacant", "front office", "the office", "office", "claims", "claims department", "claims dept", "purchasing",
        "purchasing department", "reception", "receptionist", "info", "anonymous", "test test", "whoever", "anyone",
        "bookkeeping", "the manager", "store manager", "branch manager", "maintenance", "shipping", "sales department",
        "sales dept", "legal department", "finance department", "no contact", "primary contact", "main contact",
    ]
)  # fmt: skip
GENERIC = frozenset(
    [
        "test", "main", "contact", "contacts", "default", "account", "accounts", "acct", "accts", "primary",
        "secondary", "general", "admin", "administration", "administrative", "staff", "office", "offices", "billing",
        "accounting", "payable", "receivable", "dept", "department", "team", "desk", "front", "management", "manager",
        "managers", "scheduling", "information", "info", "sales", "service", "services", "customer", "customers",
        "client", "clients", "new", "old", "prospect", "prospects", "lead", "leads", "web", "website", "internet",
        "walk", "walk-in", "walkin", "call-in", "call", "in", "unlisted", "blank", "nobody", "anybody", "somebody", "someone",
        "anyone", "everyone", "unknown", "none", "na", "n/a", "name", "no", "hr", "human", "resources", "safety",
        "the", "of", "for", "and", "&", "company", "business", "corporate", "headquarters", "hq", "store", "branch",
        "location", "site", "person", "people", "owner", "owners", "insured", "policy", "holder", "policyholder",
        "member", "members", "tenant", "resident", "occupant", "support", "help", "helpdesk", "reception",
        "receptionist", "operator", "operations", "shipping", "receiving", "warehouse", "maintenance", "payroll",
        "purchasing", "procurement", "claims", "certificate", "certificates", "coi", "insurance", "risk", "legal",
        "finance", "financial", "marketing", "email", "mail", "mailing", "address", "phone", "fax", "number", "temp",
        "temporary", "placeholder", "dummy", "sample", "example", "tbd", "vacant", "emergency", "after", "hours",
        "dispatch", "records", "group", "benefits", "bookkeeping", "bookkeeper", "whoever", "whomever", "generic",
        "misc", "miscellaneous", "other", "additional", "alternate", "alt", "second", "first", "last", "backup",
        "house", "agency", "agent", "employee", "employees", "user", "self", "same", "above", "as", "see", "notes",
        "note", "not", "available", "provided", "given", "listed", "xx", "xxx", "president's",
    ]
)  # fmt: skip
"""Words that name a desk or nobody where a contact's whole name has no other: `Main Contact`, `Accounting Dept`, `Test`."""
_GENERIC_LAST = frozenset(["department", "dept", "desk", "division"])
_BEGINS_NO_NAME = GENERIC | {placeholder.partition(" ")[0] for placeholder in PLACEHOLDERS}
_FAMILY_NAMES_TOO = frozenset(
    [
        "church", "bank", "club", "center", "college", "school", "shop", "store", "market", "brothers", "sons", "co", "pc",
        "lp", "estate", "family", "trust",
    ]
)  # fmt: skip
_TRADE_NAME = re.compile(r"d\.?/?b\.?/?a\b", re.IGNORECASE)
GREETING = re.compile(r"^(?:dear|hi|hello)\b[\s,]*", re.IGNORECASE)
_IMPERSONAL = re.compile(
    r"(?:sir|sirs|madam|ladies|gentlemen|gentleman|friends?|neighbors?|customers?|clients?|insureds?|policy ?holders?|"
    r"members?|home ?owners?|team|all|everyone|folks|whom it may concern|valued customer|to whom it may concern)"
    r"(?:\s*(?:/|,|&|or|and)\s*(?:sir|madam|gentlemen|friends?))*",
    re.IGNORECASE,
)
_HOUSEHOLD = re.compile(r"^the\s.+", re.IGNORECASE)
_OF_A_FAMILY = re.compile(r"^the\s+\S+s\s*\Z|\s(?:family|household)\s*\Z", re.IGNORECASE)
LEGAL_FORMS = frozenset(
    [
        "llc", "inc", "incorporated", "corp", "corporation", "company", "ltd", "limited", "llp", "plc", "pllc", "trust",
        "association", "assn", "foundation", "department", "dept",
    ]
)  # fmt: skip
"""Words by which a name says that it is a company's; beside them there is `l.l.c`."""
_LEGAL_FORM = re.compile(rf"\b(?:l\.l\.c|{'|'.join(sorted(LEGAL_FORMS))})\b\.?", re.IGNORECASE)
_FIRM_WORDS = re.compile(
    r"\b(?:llc|l\.l\.c|inc|incorporated|corp|corporation|company|co|ltd|limited|llp|lp|plc|pllc|pc|trust|estate|"
    r"association|assn|assoc|foundation|church|ministries|school|university|college|bank|club|center|centre|group|"
    r"holdings|properties|enterprises|enterprise|services|service|partners|partnership|associates|management|"
    r"construction|insurance|agency|realty|restaurant|hoa|condominium|apartments|farms|industries|solutions|systems|"
    r"plumbing|electric|roofing|auto|motors|trucking|transport|logistics|shop|store|market|cafe|dental|clinic|"
    r"hospital|winery|vineyards?|wines|brewery|bakery|salon|spa|landscaping|painting|"
    r"county|city of|town of|department|brothers|bros|sons|family|household|residence)\b\.?",
    re.IGNORECASE,
)


def bare(word: str) -> str:
    """A word as it is compared: without case, stops and quotes."""
    return word.strip(".,;:'\"*!").casefold().replace(".", "")


def is_initial(word: str) -> bool:
    """Return whether a word is an initial, or several in one: `B.`, `B`, `J.R.`."""
    letters = word.split(".")
    return all(len(letter) <= 1 for letter in letters) and word.replace(".", "").isalpha()


def is_trade_name(written: str) -> bool:
    """Return whether a field begins with `dba`, so that it names a business and no person."""
    return written[:1] in {"d", "D"} and bool(_TRADE_NAME.match(written))


def names_no_middle(middle: str) -> bool:
    """Return whether a middle name says that there is none: `NMN`, `NMI`, `none`."""
    return bare(middle) in {"nmn", "nmi", "no middle name", "no middle initial", "no middle", "none", "na"}


def is_placeholder(name: str) -> bool:
    """Whether a field says that there is no name: `N/A`, `Unknown`, `TBD`."""
    return name == "NA" or name.casefold() in PLACEHOLDERS


def is_generic(whole: str) -> bool:
    """Return whether a whole name has nothing but words for a desk or nobody: `Main Contact`, `Safety Department`."""
    return not _surely_names_somebody(whole) and _has_only_generic_words(whole.casefold())


def says_there_is_no_name(whole: str) -> bool:
    """Return whether a whole name is a placeholder or generic."""
    return not _surely_names_somebody(whole) and (is_placeholder(whole) or _has_only_generic_words(whole.casefold()))


def _surely_names_somebody(whole: str) -> bool:
    """Return whether a name is neither a placeholder nor generic by its first word and its ending, as nearly every one is."""
    folded = whole.casefold()
    first = folded.partition(" ")[0]
    # Each word of `_GENERIC_LAST` has one of these in it.
    may_end_generic = "dep" in folded or "desk" in folded or "division" in folded
    return first not in _BEGINS_NO_NAME and first.isalpha() and not may_end_generic


def _has_only_generic_words(folded: str) -> bool:
    words = [word.strip(".,;:#*()") for word in folded.replace("-", " - ").split()]
    words = [word for word in words if word.strip("-")]
    return bool(words) and (
        (len(words) > 1 and words[-1] in _GENERIC_LAST and len(words) < 5) or all(word in GENERIC for word in words)
    )


def looks_like_firm(name: str) -> bool:
    """Whether a name has words or digits that no person's name has."""
    return bool(_FIRM_WORDS.search(name)) or any(letter.isdigit() for letter in name)


def is_surely_firm(name: str) -> bool:
    """Return whether a name has a firm's word that is no common family name: `Mind Winery`, not `Charlotte Church`."""
    words = _FIRM_WORDS.findall(name)
    return any(word.casefold() not in _FAMILY_NAMES_TOO for word in words)


def has_legal_form(name: str) -> bool:
    """Whether a name says that it is a company's: `Acme LLC`."""
    return bool(_LEGAL_FORM.search(name))


def is_household(whole: str) -> bool:
    """Return whether a whole name is a family's and no person's: `The Roes`, `The Roe Family`, `Roe Family`."""
    return bool(_OF_A_FAMILY.search(whole))


def names_nobody(salutation: str) -> bool:
    """Whether a salutation is for no one in particular: `Sir or Madam`, `The Doe Family`, a company."""
    plain = GREETING.sub("", salutation).strip(" ,;:.!*")
    return bool(_IMPERSONAL.fullmatch(plain) or _HOUSEHOLD.match(plain) or has_legal_form(plain))
