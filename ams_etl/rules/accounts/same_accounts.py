"""When an account that BenefitPoint has already is the one that the platform wants made there."""

import re
from collections.abc import Iterable

from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.names import account_name_key
from ams_etl.rules.immutable import immutable

_WORD = re.compile(r"[^\W_]+")


@immutable(frozen=True, slots=True)
class SameAccount:
    """An account that is the wanted one; or that may be, where `sure` is False, and a person must say."""

    account_id: int
    sure: bool
    reason: str


def same_account(wanted: BenefitPointAccount, found: BenefitPointAccount) -> SameAccount | None:
    """B9: one by AMS360's id; else by name and email, or name and ZIP where no email speaks against it.

    A name alone decides nothing. It may be the same where nothing but the name can be compared, or where the ZIP speaks
    for it and the email against it: then a person is asked. Any other email or ZIP makes it somebody else, and so does
    another customer of AMS360.
    """
    if wanted.ams_customer_id and found.ams_customer_id:
        if wanted.ams_customer_id != found.ams_customer_id:
            return None
        return SameAccount(found.account_id, True, "same AMS360 customer")
    name = account_name_key(wanted.name)
    if not name or name != account_name_key(found.name) or wanted.classification != found.classification:
        return None
    email = _agree(wanted.email, found.email)
    postcode = _agree((wanted.address.postal_code or "")[:5], (found.address.postal_code or "")[:5])
    if email:
        return SameAccount(found.account_id, True, "same name and email")
    if postcode and email is None:
        return SameAccount(found.account_id, True, "same name and ZIP")
    if postcode:
        return SameAccount(found.account_id, False, "same name and ZIP, another email")
    if email is None and postcode is None:
        return SameAccount(found.account_id, False, "same name, and nothing else to compare")
    return None


def the_same_account(wanted: BenefitPointAccount, found: Iterable[BenefitPointAccount]) -> list[SameAccount]:
    """The best that is surely the wanted one, alone; else all that may be; none: it is new.

    Best is: by id before email before ZIP, an active account before an inactive one, the lowest id.
    """
    order = ("same AMS360 customer", "same name and email", "same name and ZIP")
    alike = [(account, verdict) for account in found if (verdict := same_account(wanted, account))]
    sure = [pair for pair in alike if pair[1].sure]
    if sure:
        best = min(sure, key=lambda pair: (order.index(pair[1].reason), not pair[0].is_active, pair[0].account_id))
        return [best[1]]
    return sorted((verdict for _, verdict in alike), key=lambda one: one.account_id)


def word_to_search(name: str) -> str:
    """The longest word of a name: findAccounts looks for what it is given anywhere in the name."""
    return max(_WORD.findall(name), key=len, default=name)


def may_be_named(wanted: str, listed: str | None) -> bool:
    """Whether a listed account deserves to be read whole: the same words, in whichever order the list has them."""
    return sorted(account_name_key(wanted).split()) == sorted(account_name_key(listed).split())


def _agree(one: str | None, other: str | None) -> bool | None:
    """None: one of them is not known."""
    return one == other if one and other else None
