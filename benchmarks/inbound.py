"""Notifications a second, each durable before its answer, beside a bare endpoint that stores nothing.

    python -m benchmarks.inbound [--clients 32] [--seconds 10] [--rate 0]

The service and the bare endpoint are uvicorn processes of the same settings, Postgres is the embedded one, and the
clients keep their connections, in a process of their own. With --rate the clients send at that pace, else as fast as
they are answered.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from ams_etl.store.database import connect
from ams_etl_tests.inbound.bodies import assumed_soap
from ams_etl_tests.inbound.service_process import CODE, running_service, write_agencies
from benchmarks.own_server import own_server

_BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def take(request):
    await request.body()
    return Response(b"OK", media_type="text/xml")

uvicorn.run(Starlette(routes=[Route("/notifications/{agency}/{token}", take, methods=["POST"])]), port=int(sys.argv[1]),
            access_log=False, log_level="error", loop="uvloop", http="httptools", ws="none")
"""


async def _client(url: str, name: str, until: float, pause: float, took: list[float]) -> int:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    number = failed = 0
    # Clients at a pace are out of step with each other.
    begins = time.perf_counter() - pause * random.random()
    while time.perf_counter() < until:
        number += 1
        if pause:
            begins += pause
            await asyncio.sleep(max(0.0, begins - time.perf_counter()))
        body = assumed_soap(f"{name}-{number}")
        head = f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        began = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        took.append(time.perf_counter() - began)
        failed += not answer.startswith(b"HTTP/1.1 200")
    writer.close()
    return failed


def _load(
    url: str, clients: int, seconds: float, rate: float, out: "multiprocessing.Queue[tuple[list[float], int, float]]"
) -> None:
    async def run() -> None:
        took: list[float] = []
        began = time.perf_counter()
        pause = clients / rate if rate else 0.0
        failed = await asyncio.gather(
            *(_client(url, f"{os.getpid()}-{number}", began + seconds, pause, took) for number in range(clients))
        )
        out.put((took, sum(failed), time.perf_counter() - began))

    import uvloop

    uvloop.run(run())


def _measure(url: str, clients: int, seconds: float, rate: float) -> tuple[float, float, float, int, int]:
    """Requests a second, p50 and p99 in ms, requests, failures."""
    out: multiprocessing.Queue[tuple[list[float], int, float]] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_load, args=(url, clients, seconds, rate, out))
    process.start()
    took, failed, lasted = out.get()
    process.join()
    took.sort()
    return len(took) / lasted, took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3, len(took), failed


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=0)
    given = parser.parse_args()
    with own_server() as (home, url):
        write_agencies(home)
        print(f"{'':<10}{'requests':>10}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}")
        with running_service(home, None) as service:
            _measure(service.address, given.clients, 1.0, 0)
            stored = _measure(service.address, given.clients, given.seconds, given.rate)
            metrics = {
                line.split()[0]: float(line.split()[1])
                for line in service.ask("GET", "/metrics")[1].decode().splitlines()
                if line and not line.startswith("#")
            }
        with connect(url) as connection:
            (rows,) = connection.execute("select count(*) from ops.notifications").fetchone() or (0,)
        bare = _measure_bare(given.clients, given.seconds, given.rate)
    for name, row in (("stored", stored), ("bare", bare)):
        print(f"{name:<10}{row[3]:>10,}{row[0]:>10,.0f}{row[1]:>9.2f}{row[2]:>9.2f}{row[4]:>8}")
    each = metrics["ams_etl_notifications_stored_total"] / metrics["ams_etl_notification_commits_total"]
    print(
        f"stored / bare: {stored[0] / bare[0]:.2f} of its rate; {each:.1f} requests a commit; {rows:,} rows in the table"
    )
    print(json.dumps({"rate": stored[0], "p50_ms": stored[1], "p99_ms": stored[2], "bare_rate": bare[0]}))


def _measure_bare(clients: int, seconds: float, rate: float) -> tuple[float, float, float, int, int]:
    port = 18361
    process = subprocess.Popen([sys.executable, "-c", _BARE, str(port)])
    try:
        time.sleep(1.5)
        url = f"http://127.0.0.1:{port}/notifications/demo/{CODE}"
        _measure(url, clients, 1.0, 0)
        return _measure(url, clients, seconds, rate)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
