"""What people do in HawkSoft, QQ Catalyst and MyCase, chance by chance."""

import random
from typing import Any

from ams_etl_tests.sandbox_process import Sandbox

EDITS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "hawksoft": [("clients", {"details": {"producer": "NEW", "csr": "jd"}}), ("clients", {"people": []}),
                 ("clients", {"details": {"status": "Deceased"}})],
    "qq_catalyst": [("account_infos", {"CsrID": 9002, "CSR": "Luis Ortega"}), ("contacts", {"Email": "new@example.com"}),
                    ("policies", {"Status": "Cancelled"}), ("contacts", {"Status": "D"}), ("policies", {"IsDeleted": True})],
    "mycase": [("cases", {"staff": [{"id": 7, "lead_lawyer": True, "originating_lawyer": False}]}),
               ("cases", {"clients": [{"id": 501}], "companies": []}), ("clients", {"email": "new@example.com"}),
               ("cases", {"status": "closed"}), ("staff", {"last_name": "Renamed"}), ("companies", {"name": "Renamed Inc"})],
}  # fmt: skip
KEYS = {"clients": {"hawksoft": "clientNumber"}, "contacts": {"qq_catalyst": "EntityID"},
        "account_infos": {"qq_catalyst": "CustomerID"}, "policies": {"qq_catalyst": "PolicyId"}}  # fmt: skip


def edit(others: Sandbox, system: str, chance: random.Random, *, deleting: bool) -> None:
    entity, fields = chance.choice(EDITS[system])
    rows = others.ask(f"{system}/state/{entity}")
    key = str(chance.choice(rows)[KEYS.get(entity, {}).get(system, "id")])
    if deleting and chance.random() < 0.3 and (system, entity) != ("mycase", "staff"):
        others.ask(f"{system}/edit", {"entity": entity, "op": "delete", "key": key})
    else:
        others.ask(f"{system}/edit", {"entity": entity, "op": "update", "key": key, "fields": fields})
