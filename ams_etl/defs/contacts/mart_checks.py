"""Checks on the published tables: what a data engineer watches. They come after the publish and stop nothing.

What Great Expectations validates is in `expectations/`, a file per check.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ams_etl.defs.checks_in_one_step import Check, Evaluate, in_one_step
from ams_etl.defs.metadata import next_step
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.sync.contacts.quality import OVER_SHARED_EMAILS, skipped_of, volume_change

if TYPE_CHECKING:
    from ams_etl.sync.contacts.user_mappings import MappedEmployee

_WARN = dg.AssetCheckSeverity.WARN


_CHECKS: list[Check] = []


def _check(table: str, name: str, description: str) -> Callable[[Evaluate], Evaluate]:
    """Add a function to the checks of a table of the mart."""

    def add(evaluate: Evaluate) -> Evaluate:
        _CHECKS.append(Check(dg.AssetKey(["mart", table]), name, description, evaluate))
        return evaluate

    return add


def _nobody(name: str, found: Sequence["MappedEmployee"], what_to_do: str) -> dg.AssetCheckResult:
    """Return a check that passes when no employee was found; `name` is that of the metadata that lists them."""
    return dg.AssetCheckResult(
        passed=not found,
        severity=_WARN,
        metadata={
            "contacts": sum(row.contacts for row in found),
            name: [f"{row.connection_type} {row.employee_code}: {row.contacts}" for row in found],
            **next_step(what_to_do, passed=not found),
        },
    )


@_check("contact_emails", "no_email_is_everybodys", "M5: an address of many unrelated customers merges nobody.")
def no_email_is_everybodys(agency: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """Such an address is a placeholder or the agency's own: list it in `placeholder_emails`, or raise `shared_email_limit`."""
    with warehouse.connection() as connection:
        addresses, customers = connection.execute(OVER_SHARED_EMAILS, (agency,)).fetchone() or (0, 0)
    what_to_do = (
        f"select email, customers from stage.over_shared_emails where agency = '{agency}': list what is nobody's address in "
        "`placeholder_emails`, or raise `shared_email_limit`"
    )
    return dg.AssetCheckResult(
        passed=not addresses,
        severity=_WARN,
        metadata={
            "addresses": addresses, "customers": customers, **next_step(what_to_do, passed=not addresses),
        },
    )  # fmt: skip


@_check("connections", "most_employees_are_mapped", "O1: contacts depend on employees who are platform users.")
def most_employees_are_mapped(agency: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """Unmapped employees leave their contacts without an owner; the list is `ams-etl users list --unmapped`."""
    from ams_etl.sync.contacts.user_mappings import list_mappings

    with warehouse.connection() as connection:
        rows = list_mappings(connection, agency)
    held = sum(row.contacts for row in rows)
    unmapped = [row for row in rows if row.user_id is None]
    share = sum(row.contacts for row in unmapped) / held if held else 0.0
    passed = share <= agencies.agency(agency).checks.max_unmapped_share
    what_to_do = (
        f"map them on the page Users, or: ams-etl users list {agency} --unmapped, then ams-etl users map {agency} FILE"
    )
    return dg.AssetCheckResult(
        passed=passed,
        severity=_WARN,
        metadata={
            "unmapped_share": round(share, 4),
            "unmapped": [f"{row.connection_type} {row.employee_code}" for row in unmapped],
            **next_step(what_to_do, passed=passed),
        },
    )


@_check("contacts", "the_volume_is_as_usual", "The number of contacts moved no more than usual since the last sync.")
def the_volume_is_as_usual(agency: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """Half the contacts gone, or twice as many, deserves a look even below the brake."""
    with warehouse.connection() as connection:
        now, before = volume_change(connection, agency)
    share = abs(now - before) / before if before else 0.0
    passed = share <= agencies.agency(agency).checks.max_volume_change_share
    what_to_do = (
        "mart/changes shows the last publish by operation and field: was it a setting, or the source? If it is meant, the next "
        "publish ends this; else restore the setting or the records, and sync"
    )
    return dg.AssetCheckResult(
        passed=passed,
        severity=_WARN,
        metadata={
            "contacts": now, "contacts_before": before, "changed_share": round(share, 4),
            **next_step(what_to_do, passed=passed),
        },
    )  # fmt: skip


@_check(
    "skipped_contacts", "few_records_are_skipped", "Q3: not more records than usual become no contact of their own."
)
def few_records_are_skipped(agency: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """A setting that leaves most of an agency out is rarely meant; the reasons are in the asset's metadata."""
    with warehouse.connection() as connection:
        skipped, told = skipped_of(connection, agency)
    share = skipped / told if told else 0.0
    passed = share <= agencies.agency(agency).checks.max_skipped_share
    what_to_do = (
        "mart/skipped_contacts and the page Missing list the reasons with the setting that decides; try another value: "
        f"ams-etl preview {agency} --set KEY=VALUE"
    )
    return dg.AssetCheckResult(
        passed=passed,
        severity=_WARN,
        metadata={
            "skipped": skipped, "records": told, "skipped_share": round(share, 4),
            **next_step(what_to_do, passed=passed),
        },
    )  # fmt: skip


@_check(
    "connections",
    "codes_are_still_whose_they_were",
    "O1: an employee code that is given again gets a new owner's name.",
)
def codes_are_still_whose_they_were(agency: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """The user keeps the contacts until a person says whether it is another one: `ams-etl users list`, then `users map`."""
    from ams_etl.sync.contacts.user_mappings import list_mappings

    with warehouse.connection() as connection:
        renamed = [row for row in list_mappings(connection, agency) if row.mapped_name]
    return _nobody(
        "renamed",
        renamed,
        f"ams-etl users list {agency} says whose code it was; map it on the page Users (or ams-etl users map): to the same user "
        "where only the name changed, else to the new one",
    )


@_check("connections", "nobody_who_left_holds_contacts", "O1: whoever has left the agency sends nobody anything.")
def nobody_who_left_holds_contacts(agency: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """People leave, and AMS360 keeps their code on customers; `ams-etl users list` shows who, and how many contacts."""
    from ams_etl.sync.contacts.user_mappings import list_mappings

    with warehouse.connection() as connection:
        left = [
            row
            for row in list_mappings(connection, agency)
            if row.employee_status == "I" and row.contacts and row.user_id
        ]
    return _nobody(
        "left",
        left,
        f"map their codes to a successor on the page Users (or: ams-etl users list {agency}, then ams-etl users map), or give "
        "their customers another employee in the source",
    )


mart_checks = in_one_step("mart_checks", _CHECKS)
