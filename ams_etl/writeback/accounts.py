"""Accounts made or edited in the platform, into the outboxes of exactly the systems that they are synced with (B7)."""

from collections.abc import Collection, Mapping
from typing import Any, Literal
from uuid import UUID, uuid5

import psycopg

from ams_etl.errors import DataError
from ams_etl.rules.accounts import System, told_of_an_edit
from ams_etl.rules.platform_accounts import BenefitPointDefaults, account_members, customer_members, new_account
from ams_etl.writeback.enqueue import NewWrite, enqueue
from ams_etl.writeback.lanes import lock

_NAMESPACE = UUID("5f9c7f4e-9d0d-5b6a-8f38-6c7d2b9a4e11")


def enqueue_new_account(
    connection: psycopg.Connection[Any],
    agency: str,
    key: str,
    values: Mapping[str, str],
    classification: Literal["Group", "Individual"],
    systems: Collection[System],
    defaults: BenefitPointDefaults,
) -> int:
    """Have an account created in AMS360, in BenefitPoint or in both; in both, BenefitPoint's names AMS360's customer.

    Args:
        connection: autocommit.
        agency: the agency id.
        key: the platform's own for this account: the same key again is the same account.
        values: by the platform's names: first_name, last_name, company_name, email, address1, city, state, ….
        classification: of BenefitPoint; a group is a commercial customer of AMS360, an individual a personal one.
        systems: where to.
        defaults: what BenefitPoint wants besides.

    Returns:
        How many writes are new.

    Raises:
        ValueError: the account has no name, or there is no system.
    """
    if not systems:
        raise ValueError("expected ams360, benefitpoint or both")
    account = new_account(values, classification, defaults)
    in_ams360 = uuid5(_NAMESPACE, f"{agency}\x1f{key}\x1fams360")
    added = 0
    with connection.transaction():
        lock(connection, agency)
        lane = f"account:{key}"
        if "ams360" in systems:
            kind = {"IsCommercial": classification == "Group", "IsPersonal": classification == "Individual"}
            customer = {"CustomerType": "P", "IsActive": True, "IsBenefits": True, **kind, **customer_members(values)}
            write = NewWrite(in_ams360, "account_created", "customer", lane, {"Customer": customer})
            added += enqueue(connection, agency, "ams360", [write])
        if "benefitpoint" in systems:
            request = {"Account": account, "ams360_writeback": str(in_ams360) if "ams360" in systems else None}
            write = NewWrite(
                uuid5(_NAMESPACE, f"{agency}\x1f{key}\x1fbenefitpoint"), "account_created", "account", lane, request
            )
            added += enqueue(connection, agency, "benefitpoint", [write])
    return added


def enqueue_account_edit(
    connection: psycopg.Connection[Any], agency: str, edit_key: str, account_id: UUID, values: Mapping[str, str]
) -> int:
    """Have an edit of an account carried out in exactly the systems that it is synced with.

    Args:
        connection: autocommit.
        agency: the agency id.
        edit_key: the platform's own for this edit: the same key again is the same edit.
        account_id: as in `mart.accounts`, or a former one.
        values: what changed, by the platform's names; a blank value is left as it is.

    Returns:
        How many writes are new.

    Raises:
        DataError: there is no such account.
    """
    with connection.transaction():
        lock(connection, agency)
        row = connection.execute(
            """select ams360_customer_id, benefitpoint_account_id, classification from mart.accounts
            where agency = %(agency)s and %(id)s in (account_id, former_id) order by account_id <> %(id)s limit 1""",
            {"agency": agency, "id": account_id},
        ).fetchone()
        if row is None:
            raise DataError(f"no account {account_id} in mart.accounts")
        customer_id, benefitpoint_id, classification = row
        added = 0
        for system in told_of_an_edit(
            ams360_synced=customer_id is not None, benefitpoint_synced=benefitpoint_id is not None
        ):
            request: dict[str, Any]
            if system == "ams360":
                operation, lane, request = "update_customer", customer_id, {"Customer": customer_members(values)}
                changes = request["Customer"]
            else:
                changes = account_members(values, "Group" if classification == "group" else "Individual")
                operation, lane = "update_account", f"benefitpoint:{benefitpoint_id}"
                request = {"account_id": benefitpoint_id, "Account": changes}
            if changes:
                write = NewWrite(
                    uuid5(_NAMESPACE, f"{agency}\x1f{edit_key}\x1f{system}"), "account_edited", operation, lane, request,
                    customer_id if system == "ams360" else None,
                )  # fmt: skip
                added += enqueue(connection, agency, system, [write])
    return added
