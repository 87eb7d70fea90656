"""CPU of one call by our HTTP client beside aiohttp's, in one run, against one server in a process of its own.

    python benchmarks/http_client.py [--calls 3000]

Both post the same 700 bytes and read the same 2,000, eight calls at a time over kept-open connections; client CPU is measured,
the best of three rounds counts. docs/decisions/0006-own-http-client.md says what the figure decides.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import aiohttp

from ams_etl.sources.http.client import HttpClient

ROUNDS, AT_ONCE = 3, 8
_BODY = b"<Envelope>" + b"x" * 680 + b"</Envelope>"
_SERVER = """
import asyncio
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/xml\\r\\nContent-Length: 2000\\r\\n\\r\\n" + b"y" * 2000
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            length = next(int(line.split(b":")[1]) for line in head.split(b"\\r\\n") if line.lower().startswith(b"content-length"))
            await reader.readexactly(length)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


async def _many(calls: int, call: Callable[[], Awaitable[bytes]]) -> float:
    """Seconds of client CPU per call."""

    async def worker() -> None:
        for _ in range(calls // AT_ONCE):
            assert len(await call()) == 2000

    await worker()
    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return (time.process_time() - began) / (calls // AT_ONCE * AT_ONCE)


async def _ours(address: str, calls: int) -> float:
    client = HttpClient(address, {"Content-Type": "text/xml"}, 30.0)

    async def call() -> bytes:
        return (await client.post("", _BODY)).body

    try:
        return await _many(calls, call)
    finally:
        client.close()


async def _aiohttp(address: str, calls: int) -> float:
    async with aiohttp.ClientSession(headers={"Content-Type": "text/xml"}) as session:

        async def call() -> bytes:
            async with session.post(address, data=_BODY) as answer:
                return await answer.read()

        return await _many(calls, call)


def main() -> None:
    """Run both and print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3000)
    calls = parser.parse_args().calls
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = f"http://127.0.0.1:{server.stdout.readline().strip()}/service"
        ours = min(asyncio.run(_ours(address, calls)) for _ in range(ROUNDS))
        theirs = min(asyncio.run(_aiohttp(address, calls)) for _ in range(ROUNDS))
    finally:
        server.kill()
    print(f"ours    {ours * 1e6:7.0f} µs of client CPU a call")
    print(f"aiohttp {theirs * 1e6:7.0f} µs of client CPU a call")
    print(f"ours / aiohttp = {ours / theirs:.2f} (kept below 0.67)")


if __name__ == "__main__":
    main()
