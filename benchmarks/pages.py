"""How long each page of the integration page takes with 50 agencies and 100,000 contacts, and which large table it reads whole.

    python -m benchmarks.pages [--contacts 100000] [--agencies 50] [--requests 40]

The records of the largest agency (a tenth of all contacts) and of a middling one go through the real derive, plan and publish; the
others are copies of the middling one with ids of their own. Every page of these two is then asked for over HTTP. Reading a table whole is counted by Postgres itself: rows that sequential scans read of
tables with more than 5,000 rows.
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psutil
import psycopg
import yaml

from ams_etl.pages.people.page_users import save_user
from ams_etl.pages.people.roles import EVERY_AGENCY, Role
from ams_etl.pages.screens.registry import SCREENS
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.database import connect
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.merge import Record, merge_records
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.raw.ams360_tables import CUSTOMERS, EMPLOYEES, POLICIES
from ams_etl_tests.pages.forms import form_of
from ams_etl_tests.pages.pages_process import Site, Visitor, running_pages
from ams_etl_tests.sync.source_history import refresh
from benchmarks.own_server import own_server

TODAY = date(2026, 6, 1)
SEEN = datetime(2026, 5, 1, tzinfo=UTC)
FIRST = (
    "Ada",
    "Ben",
    "Cara",
    "Dan",
    "Eli",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "Jon",
    "Kim",
    "Lea",
    "Max",
    "Nia",
    "Otto",
    "Pia",
)
LAST = (
    "Abbott",
    "Baker",
    "Castro",
    "Dunn",
    "Ebert",
    "Flynn",
    "Grant",
    "Hale",
    "Irwin",
    "Jansen",
    "Keller",
    "Lopez",
    "Meyer",
)
LARGE_ROWS = 5_000


def customers(agency: int, count: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(agency)
    for number in range(1, count + 1):
        key = f"{agency:04x}0000-0000-4000-8000-{number:012x}"
        first, last = draw.choice(FIRST), f"{draw.choice(LAST)}{draw.randrange(400)}"
        yield {
            "CustomerId": key, "CustomerNumber": number, "IsActive": draw.random() > 0.1, "IsPersonal": True,
            "FirstName": first, "LastName": last, "Email": f"{first}.{last}.{number}@example{agency}.com".lower(),
            "HomeAreaCode": "614", "HomePhone": f"555{draw.randrange(10_000):04}", "City": draw.choice(LAST), "State": "OH",
            "AccountExecCode": f"E{draw.randrange(40):02}", "AccountRepCode": f"R{draw.randrange(40):02}",
            "DateCustomerAdded": "2024-01-01T00:00:00",
        }  # fmt: skip


def fill_agency(connection: psycopg.Connection[Any], name: str, number: int, count: int) -> None:
    rows = list(customers(number, count))
    policies = [
        {"PolicyId": f"{row['CustomerId'][:-12]}{place:012x}", "CustomerId": row["CustomerId"], "PolicyNumber": f"P{place}",
         "PolicyStatus": "A", "PolicySubType": "P", "PolicyEffectiveDate": "2026-01-01T00:00:00",
         "PolicyExpirationDate": "2027-01-01T00:00:00", "IsContinuous": False}
        for place, row in enumerate(rows) if place % 3
    ]  # fmt: skip
    people = [
        {"EmployeeCode": f"{kind}{place:02}", "FirstName": "Em", "LastName": f"Ployee{place}", "EmployeeStatus": "A" if place % 6 else "I"}
        for kind in "ER" for place in range(40)
    ]  # fmt: skip
    with connection.transaction():
        merge_records(
            connection, EMPLOYEES, name, (Record(row["EmployeeCode"], None, row) for row in people), seen_at=SEEN
        )
        merge_records(
            connection,
            CUSTOMERS,
            name,
            (Record(row["CustomerId"], row["CustomerId"], row) for row in rows),
            seen_at=SEEN,
        )
        merge_records(
            connection,
            POLICIES,
            name,
            (Record(row["PolicyId"], row["CustomerId"], row) for row in policies),
            seen_at=SEEN,
        )
        mark_customers(AgencyDb(connection, name), {row["CustomerId"] for row in rows})
    connection.execute(
        """insert into ops.user_mappings select %s, t, k || lpad(n::text, 2, '0'), 'u' || n, 'User ' || n
        from (values ('Executive', 'E'), ('Representative', 'R')) x (t, k), generate_series(0, 34) n""",
        (name,),
    )
    refresh(connection, RuleSettings(), TODAY, agency=name)
    publish_accounts(connection, name)


_COPIED = (
    "mart.contacts", "mart.contact_emails", "mart.contact_phones", "mart.contact_sources", "mart.contact_tags", "mart.key_facts",
    "mart.connections", "mart.changes", "mart.skipped_contacts", "mart.accounts", "raw_ams360.customers", "raw_ams360.policies",
    "raw_ams360.employees", "stage.account_customers", "ops.user_mappings",
)  # fmt: skip


def copy_agency(connection: psycopg.Connection[Any], source: str, target: str) -> None:
    """Copy what pages read of an agency; contacts and accounts get ids of their own, as they have in the real data."""
    for table in _COPIED:
        columns = [
            row[0]
            for row in connection.execute(
                """select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped
                and attidentity = '' and attgenerated = '' order by attnum""",
                (table,),
            )
        ]
        own = {"contact_id", "account_id", *(["entity_id"] if table == "mart.changes" else [])}
        values = [
            "%(target)s" if name == "agency"
            else f"md5({name}::text || %(target)s)::uuid{'::text' if name == 'entity_id' else ''}" if name in own
            else name
            for name in columns
        ]  # fmt: skip
        connection.execute(
            f"""insert into {table} ({", ".join(columns)}) select {", ".join(values)} from {table} where agency = %(source)s""",
            {"source": source, "target": target},
        )


def fill_operations(connection: psycopg.Connection[Any], agencies: list[str]) -> None:
    """Two years of syncs, notifications, events, writes and acts, as far as a list may have to page through them."""
    scope = {"agencies": agencies}
    for statement in (
        """insert into ops.sync_runs (agency, sync_id, mode, state, started_at, extracted_at, published_at, counts)
        select a, gen_random_uuid(), case when n % 50 = 0 then 'full' else 'customers' end, 'published', now() - n * interval '2 hours',
            now() - n * interval '2 hours', now() - n * interval '2 hours', '{"customers_read": 12, "calls": 60}'
        from unnest(%(agencies)s::text[]) a, generate_series(1, 1000) n""",
        """insert into ops.notifications (agency, received_at, state, object_type, change, keys, settled_at)
        select a, now() - n * interval '20 minutes', case when n % 200 = 0 then 'parked' else 'done' end, 'customer', 'update',
            '{"CustomerId": "x"}', now() - n * interval '20 minutes' + interval '3 seconds'
        from unnest(%(agencies)s::text[]) a, generate_series(1, 2000) n""",
        """insert into ops.events (agency, kind, payload, state, received_at)
        select a, 'note_created', '{}', 'planned', now() - n * interval '1 hour'
        from unnest(%(agencies)s::text[]) a, generate_series(1, 1000) n""",
        """insert into ops.writebacks (agency, event_id, kind, operation, lane, customer_id, request, status, settled_at)
        select agency, event_id, kind, 'note', event_id::text, 'c-1', '{}',
            (array['failed', 'uncertain', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered'])[1 + seq %% 7], now()
        from ops.events where agency = any(%(agencies)s)""",
        """insert into ops.page_acts (agency, user_name, act, subject)
        select a, 'sam', 'map_user', 'Executive E01' from unnest(%(agencies)s::text[]) a, generate_series(1, 1000) n""",
        """insert into ops.account_links (agency, ams360_customer_id, benefitpoint_account_id, state, evidence, score)
        select agency, entity_id, (payload ->> 'CustomerNumber')::int, 'suggested', 'name', 0.8
        from raw_ams360.customers where agency = any(%(agencies)s) and (payload ->> 'CustomerNumber')::int %% 5 = 0""",
        """insert into ops.page_jobs (agency, kind, requested_by, state, seen_at) select a, 'sync', 'sam', 'running',
            now() + interval '1 day' from unnest(%(agencies)s::text[]) a""",
    ):
        connection.execute(statement if "%%" in statement else statement.replace(" % ", " %% "), scope)
    connection.execute("vacuum analyze")


def addresses(connection: psycopg.Connection[Any], agency: str) -> list[str]:
    """Every page that reads, and searches by a part of a name, an email and a number."""
    row = connection.execute(
        """select c.contact_id::text, (select job_id::text from ops.page_jobs j where j.agency = c.agency limit 1)
        from mart.contacts c where c.agency = %s order by c.contact_id offset 700 limit 1""",
        (agency,),
    ).fetchone()
    assert row is not None
    places = {"contact_id": row[0], "job_id": row[1]}
    # Lookup asks AMS360 itself; how long that takes is not this page's doing.
    screens = [screen.path for screen in SCREENS if screen.method == "GET" and screen.path != "/lookup"]
    more = ["/contacts?q=eller3", "/contacts?q=ada.keller", "/contacts?q=5551", "/contacts?q=700", "/contacts?sort=-updated_at&page=30",
            "/contacts?status=prospect&sort=email", "/users?type=Executive", "/missing?q=keller", "/accounts?q=keller",
            "/writeback?status=delivered&page=5", "/log?trigger=manual&page=10", "/log/notifications?state=parked"]  # fmt: skip
    return [f"/{agency}{path.format(**places)}" for path in [*screens, *more]]


def large_tables_read_whole(connection: psycopg.Connection[Any]) -> dict[str, int]:
    time.sleep(1.5)
    connection.execute("select pg_stat_clear_snapshot()")
    return dict(
        connection.execute(
            "select schemaname || '.' || relname, seq_tup_read from pg_stat_user_tables where n_live_tup > %s",
            (LARGE_ROWS,),
        ).fetchall()
    )


def processor_ms(site: Site, connection: psycopg.Connection[Any]) -> float:
    """What the page's process and its connections to Postgres have computed, which no other work on the machine lengthens."""
    pids = [
        row[0]
        for row in connection.execute("select pid from pg_stat_activity where application_name = 'ams_etl pages'")
    ]
    used = [psutil.Process(pid).cpu_times() for pid in [site.process.pid, *pids]]
    return sum(times.user + times.system for times in used) * 1000


def measure(
    site: Site, connection: psycopg.Connection[Any], visitor: Visitor, paths: list[str], requests: int
) -> list[tuple[float, float, float, str]]:
    measured = []
    for path in paths:
        visitor.page(path)
        took, computed = [], processor_ms(site, connection)
        for _ in range(requests):
            began = time.perf_counter()
            visitor.page(path)
            took.append((time.perf_counter() - began) * 1000)
        ordered = sorted(took)
        computed = (processor_ms(site, connection) - computed) / requests
        measured.append((ordered[int(len(ordered) * 0.95)], statistics.median(took), computed, path))
    return sorted(measured, reverse=True)


def see_effect(visitor: Visitor, agency: str) -> float:
    """Milliseconds to show what mapping one employee otherwise would do."""
    form = form_of(visitor.page(f"/{agency}/users?type=Executive&q=E07"), f"/{agency}/users/preview")
    began = time.perf_counter()
    assert visitor.post(form.action, {**form.values, "user_id": "somebody"}).status_code == 200
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--agencies", type=int, default=50)
    parser.add_argument("--requests", type=int, default=40)
    options = parser.parse_args()
    with own_server() as (home, url):
        names = [f"a{number:02}" for number in range(options.agencies)]
        (home / "agencies.yaml").write_text(yaml.safe_dump({"agencies": [
            {"id": name, "name": f"Agency {name}", "ams360": {
                "wsdl": "https://x/?wsdl", "agency_no": f"555{place:04}-1", "login_id": "etl", "password_env": "X"}}
            for place, name in enumerate(names)]}))  # fmt: skip
        with connect(url) as connection:
            upgrade(connection, sql_folder())
            began = time.perf_counter()
            largest = options.contacts // 10
            share = (options.contacts - largest) // max(len(names) - 1, 1)
            model = names[len(names) // 2]
            fill_agency(connection, names[0], 0, largest)
            fill_agency(connection, model, 1, share)
            for name in names[1:]:
                if name != model:
                    copy_agency(connection, model, name)
            fill_operations(connection, names)
            total = connection.execute("select count(*) from mart.contacts").fetchone()
            print(
                f"{total[0] if total else 0:,} contacts of {len(names)} agencies, filled in {time.perf_counter() - began:.0f} s"
            )
            save_user(connection, "sam", None, {EVERY_AGENCY: Role.ADMIN})
            with running_pages(home, url) as site:
                report(site, connection, names, options.requests)


def report(site: Site, connection: psycopg.Connection[Any], names: list[str], requests: int) -> None:
    visitor = site.visitor(connection, "sam")
    # The counter is worth believing only if a reading of a whole table moves it.
    before = large_tables_read_whole(connection)
    connection.execute("select count(*) from mart.contacts where city is distinct from 'nowhere'")
    assert large_tables_read_whole(connection)["mart.contacts"] > before["mart.contacts"]
    for agency in (names[0], names[len(names) // 2]):
        paths = addresses(connection, agency)
        before = large_tables_read_whole(connection)
        # What the smallest request takes just now: one query, no page. It waits for the processor as the pages do.
        [(_, baseline, _, _)] = measure(site, connection, visitor, ["/healthz"], 5 * requests)
        measured = measure(site, connection, visitor, paths, requests)
        after = large_tables_read_whole(connection)
        for p95, median, computed, path in measured:
            print(
                f"{p95:6.0f} ms p95  {median:6.0f} ms median  {median / baseline:5.1f} baselines  {computed:6.0f} ms of processor  {path}"
            )
        print(f"baseline: /healthz in {baseline:.1f} ms (median)")
        whole = {name: after[name] - count for name, count in before.items() if after.get(name, 0) > count}
        print(f"rows of large tables read by sequential scans: {whole or 'none'}")
        print(f"effect of one mapping: {see_effect(visitor, agency):.0f} ms\n")


if __name__ == "__main__":
    main()
