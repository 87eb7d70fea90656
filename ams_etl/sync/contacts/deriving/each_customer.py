"""Run the rules over customers; a customer that they fail on holds up no other."""

import traceback
from collections.abc import Sequence

from ams_etl.rules.model import Derivation
from ams_etl.sync.interpret.interpreter import ReadCustomer

LONGEST_INDEXED = 500
"""Characters of a value that an index holds: Postgres refuses index rows beyond 2,700 bytes, and ends the whole run."""


def derive_each(customers: Sequence[ReadCustomer]) -> tuple[list[tuple[str, Derivation]], dict[str, str]]:
    """Derive customers that were read; return the derivations, and the reason for each customer that the rules fail on."""
    found, failed = [], {}
    for customer_id, derive in customers:
        try:
            derivation = derive()
        except Exception as error:  # noqa: BLE001 - whatever a rule fails on, the others go on
            # Its words may quote the record; its type and place do not.
            place = traceback.extract_tb(error.__traceback__)[-1]
            failed[customer_id] = f"{type(error).__name__} in {place.name}, line {place.lineno}"
            continue
        too_long = longest_over(derivation)
        if too_long:
            failed[customer_id] = too_long
        else:
            found.append((customer_id, derivation))
    return found, failed


def longest_over(derivation: Derivation) -> str | None:
    """Return which indexed value of a derivation is longer than Postgres can index, or None; never the value."""
    for candidate in derivation.candidates:
        for member, values in (
            ("an email", candidate.emails),
            ("a phone", [phone.number for phone in candidate.phones]),
            ("a tag", [tag.tag for tag in candidate.tags]),
            ("a Key Fact's label", [fact.label for fact in candidate.key_facts]),
            ("an employee code", [connection.employee_code for connection in candidate.connections]),
        ):
            longest = max(map(len, filter(None, values)), default=0)
            if longest > LONGEST_INDEXED:
                return f"{member} holds {longest:,} characters; at most {LONGEST_INDEXED}"
    return None
