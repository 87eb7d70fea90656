"""Run the rules over customers; a customer that they fail on holds up no other."""

import logging
import traceback
from collections.abc import Sequence

import psycopg

from ams_etl.rules.model import Derivation
from ams_etl.sync.interpret.interpreter import Interpretation

_log = logging.getLogger(__name__)
LONGEST_INDEXED = 500
"""Characters of a value that an index holds: Postgres refuses index rows beyond 2,700 bytes, and ends the whole run."""


def derive_each(
    interpretation: Interpretation, chunk: Sequence[str]
) -> tuple[list[tuple[str, Derivation]], dict[str, str]]:
    """Derive these customers; return the derivations, and the reason for each customer that the rules fail on."""
    try:
        found = interpretation.derive(chunk)
        if not any(longest_over(derivation) for _, derivation in found):
            return found, {}
    except psycopg.Error:
        raise
    except Exception:  # noqa: BLE001 - whatever a rule fails on, the others go on
        _log.info("deriving %s customers one by one, to find the one that fails", len(chunk))
    found, failed = [], {}
    for customer_id in chunk:
        try:
            derived = interpretation.derive([customer_id])
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001
            # Its words may quote the record; its type and place do not.
            place = traceback.extract_tb(error.__traceback__)[-1]
            failed[customer_id] = f"{type(error).__name__} in {place.name}, line {place.lineno}"
            continue
        too_long = next(filter(None, (longest_over(derivation) for _, derivation in derived)), None)
        if too_long:
            failed[customer_id] = too_long
        else:
            found += derived
    return found, failed


def longest_over(derivation: Derivation) -> str | None:
    """Return which indexed value of a derivation is longer than Postgres can index, or None; never the value."""
    for candidate in derivation.candidates:
        for member, values in (
            ("an email", candidate.emails),
            ("a phone", (phone.number for phone in candidate.phones)),
            ("a tag", (tag.tag for tag in candidate.tags)),
            ("a Key Fact's label", (fact.label for fact in candidate.key_facts)),
            ("an employee code", (connection.employee_code for connection in candidate.connections)),
        ):
            longest = max((len(value) for value in values if value), default=0)
            if longest > LONGEST_INDEXED:
                return f"{member} holds {longest:,} characters; at most {LONGEST_INDEXED}"
    return None
