"""A whole sync against the sandbox, beside the plain way to do it.

    python -m benchmarks.sync [--customers 2000] [--latency 50] [--concurrency 16] [--large 50000]

Ours: sweep, extract, derive, plan, publish. The baseline: zeep, one call at a time, and pandas' `to_sql`. Each part
runs in a process of its own; the sandbox is another process and is counted apart. `--large` also runs an agency of
that size, to show that memory does not grow with it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.database import connect, sqlalchemy_url
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox, running_sandbox
from benchmarks.own_server import own_server

BASELINE_CUSTOMERS = 150


def ours(url: str, sandbox: Sandbox, concurrency: int) -> dict[str, Any]:
    """A full sync, then another one with nothing changed."""
    from datetime import UTC, datetime

    from ams_etl.sync.contacts.derive import derive_dirty, mark_due
    from ams_etl.sync.contacts.plan import make_plan
    from ams_etl.sync.contacts.publish import publish
    from ams_etl.sync.extract.ams360 import extract
    from ams_etl.sync.extract.reference import extract_reference
    from ams_etl.sync.scope import SyncScope

    found: dict[str, Any] = {}
    today, settings = datetime.now(UTC).date(), RuleSettings()
    with connect(url) as connection:
        reach = sandbox.connection(max_concurrency=concurrency)
        extract_reference(connection, "bench", reach)
        began, cpu = time.monotonic(), time.process_time()
        report = extract(connection, "bench", reach, SyncScope())
        found["extract_seconds"] = time.monotonic() - began
        found["extract_cpu"] = time.process_time() - cpu
        found["calls"], found["peak"] = report.calls, report.peak_in_flight
        found["customers"] = report.customers_read
        found["rows"] = sum(counts.inserted for counts in report.tables.values())
        began, cpu = time.monotonic(), time.process_time()
        mark_due(connection, "bench", settings, today)
        derive_dirty(connection, "bench", settings, today)
        make_plan(connection, "bench", settings, BrakeSettings(), today)
        published = publish(connection, "bench")
        found["derive_seconds"] = time.monotonic() - began
        found["derive_cpu"] = time.process_time() - cpu
        found["contacts"] = published.inserted
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def baseline(url: str, sandbox: Sandbox, concurrency: int) -> dict[str, Any]:
    """The same reads by zeep, one after the other, and `to_sql`."""
    import pandas as pd
    import sqlalchemy
    import zeep
    from zeep.helpers import serialize_object

    wanted = [key for key, _ in sandbox.ask("customers")[:BASELINE_CUSTOMERS]]
    client = zeep.Client(sandbox.wsdl)
    service = client.create_service(next(iter(client.wsdl.bindings)), sandbox.wsdl.split("?")[0])
    login = {"AgencyNo": AGENCY_NO, "LoginId": "etl", "Password": "sandbox", "EmployeeCode": ""}
    reply = service.Login(Request=login)
    header = {"WSAPISession": {"Ticket": reply.header.WSAPISession.Ticket}}
    engine = sqlalchemy.create_engine(sqlalchemy_url(url))
    rows: dict[str, list[Any]] = {"customers": [], "contacts": [], "dependents": [], "policies": []}
    began, cpu, calls = time.monotonic(), time.process_time(), 0
    for key in wanted:
        by_id = {"CustomerId": key}
        rows["customers"].append(serialize_object(service.CustomerGetById(Request=by_id, _soapheaders=header), dict))
        for table, name in (("contacts", "CustomerContactGetList"), ("dependents", "CustomerDependentGetList")):
            rows[table] += _rows(serialize_object(getattr(service, name)(request=by_id, _soapheaders=header), dict))
        every = dict.fromkeys(("IncludeMultiEntity", "IncludeAccountingSubType", "IncludeSubmissionSubType"), True)
        answer = service.PolicyGetListByCustomerId(Request={**by_id, **every}, _soapheaders=header)
        listed = _rows(serialize_object(answer, dict))
        for row in listed:
            policy = service.PolicyGet(Request={"PolicyId": row["PolicyId"]}, _soapheaders=header)
            rows["policies"].append(serialize_object(policy, dict))
        calls += 4 + len(listed)
    fetched = time.monotonic() - began
    loaded = time.monotonic()
    for table, records in rows.items():
        frame = pd.DataFrame([{name: _flat(value) for name, value in record.items()} for record in records])
        frame.to_sql(f"baseline_{table}", engine, if_exists="replace", index=False)
    return {
        "customers": len(wanted),
        "calls": calls,
        "extract_seconds": fetched,
        "load_seconds": time.monotonic() - loaded,
        "extract_cpu": time.process_time() - cpu,
        "rows": sum(map(len, rows.values())),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def load(url: str, sandbox: Sandbox, concurrency: int) -> dict[str, Any]:
    """Rows a second into Postgres: our merge, first and again, and `to_sql` of the same records."""
    from datetime import UTC, datetime

    import pandas as pd
    import sqlalchemy

    from ams_etl.store.merge import RawTable, Record, merge_records

    payloads = [{"CustomerId": str(n), **{f"Member{m}": f"value {n * m}" for m in range(20)}} for n in range(20_000)]
    seconds = []
    with connect(url) as connection:
        for _ in range(2):
            began = time.monotonic()
            with connection.transaction():
                records = (Record(payload["CustomerId"], None, payload) for payload in payloads)
                merge_records(
                    connection, RawTable("raw_ams360", "customers"), "load", records, seen_at=datetime.now(UTC)
                )
            seconds.append(time.monotonic() - began)
    began = time.monotonic()
    pd.DataFrame(payloads).to_sql("baseline_load", sqlalchemy.create_engine(sqlalchemy_url(url)), if_exists="replace")
    return {"first": 20_000 / seconds[0], "again": 20_000 / seconds[1], "to_sql": 20_000 / (time.monotonic() - began)}


def _rows(answer: Any) -> list[Any]:
    """The list inside zeep's answer, however many levels it left around it."""
    while isinstance(answer, dict):
        answer = next(iter(answer.values()), None)
    return answer or []


def _flat(value: Any) -> Any:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else value


PARTS = {"ours": ours, "baseline": baseline, "load": load}


def _apart(part: str, url: str, sandbox: Sandbox, concurrency: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sync", "--part", part, url, sandbox.url, sandbox.wsdl, str(concurrency)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print a table."""
    if sys.argv[1:2] == ["--part"]:
        _, _, part, url, at, wsdl, concurrency = sys.argv
        print(json.dumps(PARTS[part](url, Sandbox(at, wsdl), int(concurrency))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=50)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--large", type=int, default=0)
    given = parser.parse_args()
    with own_server() as (_, url):
        _measure(given, url)


def _fresh(url: str, name: str) -> str:
    with connect(url) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
        connection.execute(f"create database {name}")
    fresh = url.rsplit("/", 1)[0] + f"/{name}"
    with connect(fresh) as connection:
        upgrade(connection, sql_folder())
    return fresh


def _measure(given: argparse.Namespace, url: str) -> None:
    with running_sandbox(size=given.customers) as sandbox:
        fast = _apart("ours", _fresh(url, "fast"), sandbox, given.concurrency)
        plain = _apart("baseline", _fresh(url, "plain"), sandbox, 1)
        loads = _apart("load", _fresh(url, "load"), sandbox, 1)
        sandbox.ask("faults", {"latency_ms": given.latency})
        sandbox.ask("reset-stats", {})
        slow = _apart("ours", _fresh(url, "slow"), sandbox, given.concurrency)
        peak = sandbox.ask("stats")["peak_in_flight"]
    ideal = given.concurrency / (given.latency / 1000)
    rate = slow["calls"] / slow["extract_seconds"]
    cpu, plain_cpu = (1000 * run["extract_cpu"] / run["customers"] for run in (fast, plain))
    _line("measure", "ours", "baseline", "times")
    _line("calls/s, 0 ms", *_pair(fast["calls"] / fast["extract_seconds"], plain["calls"] / plain["extract_seconds"]))
    _line(
        "customers/s, 0 ms",
        *_pair(fast["customers"] / fast["extract_seconds"], plain["customers"] / plain["extract_seconds"]),
    )
    _line("CPU ms a customer, read and stored", f"{cpu:.2f}", f"{plain_cpu:.2f}", f"1/{plain_cpu / cpu:.1f}")
    _line("rows/s into Postgres, first", *_pair(loads["first"], loads["to_sql"]))
    _line("rows/s into Postgres, unchanged", *_pair(loads["again"], loads["to_sql"]))
    _line(
        f"calls/s at {given.latency:g} ms, {given.concurrency} in flight (ideal)",
        f"{rate:.0f}",
        f"{ideal:.0f}",
        f"{rate / ideal:.0%}",
    )
    _line("calls in flight at most, counted by the server", str(peak), str(given.concurrency), "")
    _line("customers/s derived, merged, published", f"{fast['customers'] / fast['derive_seconds']:.0f}", "", "")
    _line(f"peak memory MB, {given.customers} customers", f"{fast['peak_mb']:.0f}", f"{plain['peak_mb']:.0f}", "")
    if given.large:
        with running_sandbox(size=given.large) as sandbox:
            large = _apart("ours", _fresh(url, "large"), sandbox, given.concurrency)
        _line(
            f"peak memory MB, {given.large} customers",
            f"{large['peak_mb']:.0f}",
            f"{fast['peak_mb']:.0f}",
            f"+{large['peak_mb'] - fast['peak_mb']:.0f}",
        )
        _line(
            f"seconds, {given.large} customers (read; derive and publish)",
            f"{large['extract_seconds']:.0f}",
            f"{large['derive_seconds']:.0f}",
            "",
        )


def _pair(mine: float, theirs: float) -> tuple[str, str, str]:
    return f"{mine:,.0f}", f"{theirs:,.0f}", f"{mine / theirs:.1f}"


def _line(*cells: str) -> None:
    print("| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(cells, (58, 10, 10, 8), strict=True)) + " |")


if __name__ == "__main__":
    main()
