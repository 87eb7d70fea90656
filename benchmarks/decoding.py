"""Records a second out of the sandbox's own answers: zeep and our decoder, side by side.

    python benchmarks/decoding.py [--customers 200]

Both start from the reply's bytes and end with plain dicts; CPU time is measured, the best of three rounds counts.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import requests
from zeep.helpers import serialize_object

from ams_etl.sources.ams360 import SECRETS, open_ams360
from ams_etl.sources.http.connection import Reply
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.decoder import Decoder
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sources.zeep_answers import zeep_client

ROUNDS = 3


async def _answers(sandbox: Sandbox) -> dict[str, list[bytes]]:
    """The bytes of every answer of a sync, by operation."""
    kept: dict[str, list[bytes]] = {}
    async with open_ams360(sandbox.connection(max_concurrency=16)) as ams360:
        transport = ams360._client._transport  # noqa: SLF001
        post = transport.post

        async def keep(operation: str, action: str, envelope: bytes, *, fresh: bool = False) -> Reply:
            reply = await post(operation, action, envelope, fresh=fresh)
            kept.setdefault(operation, []).append(reply.body)
            return reply

        await ams360.read("AgencyInfoGet")
        transport.post = keep  # type: ignore[method-assign]
        for prefix in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            await ams360.customers_by_prefix(prefix)
        for customer_id, _ in sandbox.ask("customers"):
            await ams360.customer(customer_id)
            await ams360.customer_contacts(customer_id)
            await ams360.customer_dependents(customer_id)
            for row in (await ams360.policies(customer_id)).records:
                await ams360.policy(row["PolicyId"])
        await ams360.employees()
    return kept


def _zeep() -> Callable[[str, bytes], Any]:
    """What zeep does with a reply once it is here."""
    client = zeep_client()
    binding = next(iter(client.wsdl.bindings.values()))

    def decode(operation: str, answer: bytes) -> Any:
        reply = requests.Response()
        reply.status_code, reply._content = 200, answer  # noqa: SLF001
        reply.headers["Content-Type"] = "text/xml; charset=utf-8"
        return serialize_object(binding.process_reply(client, binding.get(operation), reply), dict)

    return decode


def _seconds(decode: Callable[[str, bytes], Any], operation: str, answers: list[bytes]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for answer in answers:
            decode(operation, answer)
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=200)
    with running_sandbox(size=parser.parse_args().customers) as sandbox:
        kept = asyncio.run(_answers(sandbox))
        contract = Contract(sandbox.wsdl, cache_folder=None)
    decoder = Decoder(contract, drop=SECRETS)

    by_zeep = _zeep()
    print(f"{'operation':<30}{'answers':>9}{'records':>9}{'zeep/s':>10}{'ours/s':>10}{'times':>8}")
    totals = [0, 0, 0.0, 0.0]
    for operation, answers in kept.items():
        records = sum(_records(decoder.decode(operation, answer).value) for answer in answers)
        ours, zeeps = _seconds(decoder.decode, operation, answers), _seconds(by_zeep, operation, answers)
        _print(operation, len(answers), records, zeeps, ours)
        totals = [totals[0] + len(answers), totals[1] + records, totals[2] + zeeps, totals[3] + ours]
    _print("all", int(totals[0]), int(totals[1]), totals[2], totals[3])


def _records(value: dict[str, Any] | None) -> int:
    return sum(len(entry) if isinstance(entry, list) else entry is not None for entry in (value or {}).values())


def _print(name: str, answers: int, records: int, zeeps: float, ours: float) -> None:
    print(f"{name:<30}{answers:>9}{records:>9}{records / zeeps:>10.0f}{records / ours:>10.0f}{zeeps / ours:>8.1f}")


if __name__ == "__main__":
    main()
