"""Customers a second through the rules, on one core: payloads in, candidates out.

python -m benchmarks.rules [--customers 5000]
"""

import argparse
import time
from datetime import UTC, datetime
from typing import Any

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.contacts.merging import merge
from ams_etl.rules.records.ams360 import Customer, CustomerBundle, CustomerContact, CustomerDependent, Policy, Reference
from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.contacts.garbage_collection import collector_paused
from ams_etl_tests.sandbox_process import running_sandbox


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=5000)
    with running_sandbox(size=parser.parse_args().customers) as sandbox:
        customers = sandbox.ask("state/customers")
        beneath = {
            kind: _grouped(sandbox.ask(f"state/{kind}"))
            for kind in ("customer_contacts", "customer_dependents", "policies")
        }
    reference = Reference({}, {}, {}, {}, {}, {}, {})
    settings, today = RuleSettings(), datetime.now(UTC).date()
    for name in ("cold", "warm"):
        began = time.process_time()
        with collector_paused():
            derived = [derive(_bundle(customer, beneath), reference, settings, today) for customer in customers]
        seconds = time.process_time() - began
        print(f"read and derived, {name}: {len(customers) / seconds:,.0f} customers/s")
    candidates = [candidate for derivation in derived for candidate in derivation.candidates]
    began = time.process_time()
    for candidate in candidates:
        merge([candidate], settings, {}, {})
    print(f"merged: {len(candidates) / (time.process_time() - began):,.0f} contacts/s")


def _bundle(customer: dict[str, Any], beneath: dict[str, dict[str, list[dict[str, Any]]]]) -> CustomerBundle:
    key = customer["CustomerId"]
    return CustomerBundle(
        customer=Customer.from_payload(customer),
        contacts=tuple(map(CustomerContact.from_payload, beneath["customer_contacts"].get(key, ()))),
        dependents=tuple(map(CustomerDependent.from_payload, beneath["customer_dependents"].get(key, ()))),
        policies=tuple(map(Policy.from_payload, beneath["policies"].get(key, ()))),
    )


def _grouped(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["CustomerId"], []).append(row)
    return found


if __name__ == "__main__":
    main()
