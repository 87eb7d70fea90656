"""Key facts (K): birthdays and renewals."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from ams_etl.rules.model import KeyFact
from ams_etl.rules.records.ams360 import Policy, Reference
from ams_etl.rules.settings import RuleSettings

# The "no date" of SQL Server, Excel, Access and others; AMS360's own, year 1, is handled where dates are read.
_DEFAULT_DATES = frozenset(
    [date(1753, 1, 1), date(1800, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1)]
)
_OLDEST = 120


def birthday_of(born: date | None, settings: RuleSettings, today: date) -> date | None:
    """K1, K3: Return the date of birth; year 1, a database's default date and one after today are not birthdays.

    Neither is a date of birth more than 120 years ago. Setting `birthday_key_facts`.
    """
    if not settings.birthday_key_facts or born is None or born > today or born in _DEFAULT_DATES:
        return None
    return born if today < too_old_on(born) else None


@lru_cache(maxsize=1 << 14)
def too_old_on(born: date) -> date:
    """Return the first day on which a date of birth is more than 120 years ago, and so no birthday (K3); at most 9999-12-31."""
    day_before = (born.year + _OLDEST, born.month, born.day)
    if day_before >= (date.max.year, date.max.month, date.max.day):
        return date.max
    try:
        return date(*day_before) + timedelta(days=1)
    except ValueError:
        # 29 February of a year that has none.
        return date(born.year + _OLDEST, 3, 1)


def birthday_fact(birthday: date | None) -> list[KeyFact]:
    """The birthday as a key fact."""
    return [KeyFact("birthday", birthday, "Birthday")] if birthday else []


def renewal_facts(policies: Iterable[Policy], reference: Reference, settings: RuleSettings) -> list[KeyFact]:
    """K2: one a policy in force or upcoming: its expiration date, its lines of business and number; continuous says so.

    A date in year 1 or 9999 says that there is none; such a policy has a fact only when it is continuous.
    """
    if not settings.renewal_key_facts:
        return []
    facts = []
    for policy in policies:
        ends = policy.expiration if policy.expiration and 1 < policy.expiration.year < 9999 else None
        if ends is None and not policy.is_continuous:
            continue
        lines = ", ".join([reference.lines_of_business.get(line, line) for line in policy.lines_of_business])
        label = " ".join([part for part in (lines, policy.policy_number) if part]) or "Policy"
        facts.append(KeyFact("renewal", ends, label, policy.policy_id, policy.is_continuous))
    return facts
