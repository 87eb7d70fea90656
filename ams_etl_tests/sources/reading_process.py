"""A process that reads an agency's AMS360 as a run does: `WSDL DATABASE MOST [CUSTOMERS]`; without a number it never ends."""

import asyncio
import sys
from collections.abc import Iterator
from itertools import count

from ams_etl.sources.ams360 import Ams360, Ams360Connection, open_ams360
from ams_etl.store.shared_access.access import SharedAccess
from ams_etl_tests.sandbox_process import AGENCY_NO


async def _read(wsdl: str, database: str, most: str, customers: str | None = None) -> None:
    shared = SharedAccess(database, "demo", "ams360")
    connection = Ams360Connection(wsdl, AGENCY_NO, "etl", "sandbox", max_concurrency=int(most), shared=shared)
    async with open_ams360(connection) as ams360:
        ids = [row["CustomerId"] for letter in "ABCDEFGM" for row in (await ams360.customers_by_prefix(letter)).records]
        turns: Iterator[int] = iter(range(int(customers))) if customers else count()
        await asyncio.gather(*(_work(ams360, ids, turns) for _ in range(12)))
        print(ams360.counts.logins, flush=True)


async def _work(ams360: Ams360, ids: list[str], turns: Iterator[int]) -> None:
    for number in turns:
        if number == 20:
            print("reads", flush=True)
        await ams360.customer(ids[number % len(ids)])


if __name__ == "__main__":
    asyncio.run(_read(*sys.argv[1:]))
