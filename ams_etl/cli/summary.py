"""What a sync did, in a table: counts, reasons, seconds."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from ams_etl.cli.tables import Form, Table, print_tables, remark
from ams_etl.rules.settings import SourceSystem
from ams_etl.settings import Agency
from ams_etl.store.agency_db import scalar

_READ: Mapping[SourceSystem, tuple[str, ...]] = {
    "ams360": ("customers", "customer_contacts", "customer_dependents", "policies"),
    "hawksoft": ("clients", "offices"),
    "qq_catalyst": ("contacts", "account_infos", "policies"),
    "mycase": ("clients", "companies", "cases", "staff"),
}
_PUBLISHED = (
    "mart.contacts", "mart.contact_emails", "mart.contact_phones", "mart.contact_sources", "mart.contact_tags",
    "mart.key_facts", "mart.connections", "mart.skipped_contacts",
)  # fmt: skip


def print_contacts(connection: psycopg.Connection[Any], agencies: Iterable[Agency]) -> None:
    """Several agencies in a line each: their system, customers or clients, contacts, and the kinds of connections."""
    rows = []
    for agency in agencies:
        read = f"select count(*) from raw_{agency.system}.{_READ[agency.system][0]} where agency = %s and deleted_at is null"
        kinds = connection.execute(
            "select connection_type, count(*) from mart.connections where agency = %s group by 1 order by 1",
            (agency.id,),
        ).fetchall()
        rows.append((
            agency.id, agency.system, _one(connection, read, agency.id),
            _one(connection, "select count(*) from mart.contacts where agency = %s", agency.id),
            ", ".join(f"{kind} {count:,}" for kind, count in kinds),
        ))  # fmt: skip
    columns = ("agency", "system", "customers", "contacts", "connections")
    print_tables("table", Table("agencies", columns, rows, title="agencies", ids=("agency",)))


def print_summary(
    connection: psycopg.Connection[Any], agency: str, system: SourceSystem, seconds: float, form: Form = "table"
) -> None:
    """Rows by table, skipped records by reason, what the last sync changed, and how long it took."""
    counted = []
    for name in (*(f"raw_{system}.{table}" for table in _READ[system]), *_PUBLISHED):
        live = " and deleted_at is null" if name.startswith("raw") else ""
        counted.append((name, _one(connection, f"select count(*) from {name} where agency = %s{live}", agency)))
    skipped = connection.execute(
        "select reason, rule, count(*) from mart.skipped_contacts where agency = %s group by 1, 2 order by 3 desc",
        (agency,),
    ).fetchall()
    last = connection.execute(
        "select counts from ops.sync_runs where agency = %s order by started_at desc limit 1", (agency,)
    ).fetchone()
    counts: dict[str, Any] = last[0] if last else {}
    names = ("inserted", "updated", "deleted", "customers_read", "calls")
    tables = [
        Table("rows", ("table", "rows"), counted, title=f"{agency} in Postgres"),
        Table("skipped", ("skipped because", "rule", "records"), skipped),
    ]
    if form != "table":
        tables.append(
            Table("sync", (*names, "seconds"), [(*(counts.get(name, 0) for name in names), round(seconds, 1))])
        )
    print_tables(form, *tables)
    quarantined = _one(connection, "select count(*) from ops.quarantine where agency = %s", agency)
    if quarantined:
        remark(form, f"{quarantined} records in quarantine, each with its reason in ops.quarantine")
    remark(
        form,
        f"contacts: {counts.get('inserted', 0):,} inserted, {counts.get('updated', 0):,} updated, "
        f"{counts.get('deleted', 0):,} deleted; {counts.get('customers_read', 0):,} customers read with "
        f"{counts.get('calls', 0):,} calls; {seconds:.1f} s",
    )


def print_accounts(connection: psycopg.Connection[Any], agency: str, form: Form = "table") -> None:
    """Accounts by the systems that have them, policies by origin, and the links."""
    accounts = [
        (name, _one(connection, f"select count(*) from mart.accounts where agency = %s and {condition}", agency))
        for name, condition in (
            ("AMS360 and BenefitPoint", "ams360_synced and benefitpoint_synced"),
            ("AMS360 alone", "not benefitpoint_synced"),
            ("BenefitPoint alone", "not ams360_synced"),
        )
    ]
    links = connection.execute(
        "select state, evidence, count(*) from ops.account_links where agency = %s group by 1, 2 order by 1, 3 desc",
        (agency,),
    ).fetchall()
    alone = _one(
        connection,
        """select count(*) from (select from mart.contact_sources where agency = %s
        group by contact_id having bool_and(system = 'benefitpoint')) alone""",
        agency,
    )
    print_tables(
        form,
        Table("accounts", ("accounts synced with", "rows"), accounts, title=f"{agency}: AMS360 and BenefitPoint"),
        Table("links", ("links", "because of", "pairs"), links),
    )
    if alone:
        remark(form, f"{alone:,} contacts come from accounts that BenefitPoint alone has")
    if _one(connection, "select count(*) from ops.account_links where agency = %s and state = 'suggested'", agency):
        remark(form, f"review the suggested links with `ams-etl links {agency} list --state suggested`")
    waiting = _one(
        connection, "select count(distinct benefitpoint_plan_id) from ops.waiting_plans where agency = %s", agency
    )
    if waiting:
        plans = "1 new plan waits for a code" if waiting == 1 else f"{waiting:,} new plans wait for codes"
        remark(form, f"{plans} of AMS360: `ams-etl links {agency} plans` says which")


def _one(connection: psycopg.Connection[Any], query: str, agency: str) -> int:
    return int(scalar(connection, query, (agency,)) or 0)
