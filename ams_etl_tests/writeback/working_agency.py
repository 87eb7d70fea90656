"""An agency with an AMS360 sandbox and a database, and its writeback, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg

from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.settings import Agency, Ams360Settings
from ams_etl.writeback.drain.ams360 import DrainReport, drain
from ams_etl.writeback.events.accept import Accepted, accept_events
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox

ZONE = ZoneInfo("America/Chicago")
QUICK = WritebackSettings(first_retry_seconds=0.05, longest_retry_seconds=0.2, look_up_after_seconds=0.1)


@dataclass(frozen=True, slots=True)
class Office:
    """What a test works with."""

    connection: psycopg.Connection[Any]
    sandbox: Sandbox
    agency: Agency

    def tell(self, *events: dict[str, Any]) -> list[Accepted]:
        """Accept events; none may be refused."""
        answers = accept_events(self.connection, self.agency.id, list(events))
        assert [answer.reason for answer in answers if answer.outcome == "refused"] == []
        return answers

    def drain(self, **more: Any) -> DrainReport:
        """Plan and deliver what is due."""
        return drain(
            self.connection, self.agency, self.sandbox.connection(**more), ZONE, linger_seconds=3.0, lease_seconds=30.0
        )

    def state(self, kind: str, customer: str | None = None) -> list[dict[str, Any]]:
        """The sandbox's own records."""
        found: list[dict[str, Any]] = self.sandbox.ask(f"state/{kind}" + (f"?customer={customer}" if customer else ""))
        return found

    def customer(self, place: int = 0, **wanted: Any) -> dict[str, Any]:
        """A customer of the sandbox, as it is."""
        found = [
            customer
            for customer in self.state("customers")
            if all(customer.get(name) == value for name, value in wanted.items())
        ]
        return found[place]

    def outbox(self, columns: str = "operation, status", where: str = "true") -> list[Any]:
        """Rows of the outbox, in their order."""
        rows = self.connection.execute(
            f"select {columns} from ops.writebacks where {where} order by position"
        ).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def with_settings(self, **settings: Any) -> "Office":
        """The same with other choices about writeback."""
        changed = replace(self.agency.writeback, **settings)
        return replace(self, agency=self.agency.model_copy(update={"writeback": changed}))

    def with_merging(self, merge_by: Literal["email", "source_id"]) -> "Office":
        """The same with another choice of what makes one contact (M1)."""
        settings = replace(self.agency.settings, merge_by=merge_by)
        return replace(self, agency=self.agency.model_copy(update={"settings": settings}))


def office(connection: psycopg.Connection[Any], sandbox: Sandbox) -> Office:
    """The agency `demo` of a sandbox."""
    reach = Ams360Settings(wsdl=sandbox.wsdl, agency_no=AGENCY_NO, login_id="etl", password_env="UNUSED")
    return Office(connection, sandbox, Agency(id="demo", name="Demo", ams360=reach, writeback=QUICK))


@contextmanager
def faults(sandbox: Sandbox, **switches: Any) -> Iterator[None]:
    """Faults for a while."""
    sandbox.faults(**switches)
    try:
        yield
    finally:
        sandbox.faults(off=True)
