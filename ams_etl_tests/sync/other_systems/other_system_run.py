"""One agency of HawkSoft, QQ Catalyst or MyCase: its syncs against a sandbox, and what they make of the mart."""

from contextlib import suppress
from datetime import date
from typing import Any

import psycopg

from ams_etl.settings import Agencies, Agency, BrakeSettings
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.extract.extractor import Opening
from ams_etl.sync.extract.opening import opening_of
from ams_etl.sync.extract.run_extractor import Progress, SourceReport, extract_source
from ams_etl.sync.scope import SyncScope

TODAY = date(2026, 11, 21)
NO_BRAKE = BrakeSettings(max_deleted_share=1, max_owner_change_share=1)
SYSTEMS = ("hawksoft", "qq_catalyst", "mycase")
MART = (
    "contacts", "contact_emails", "contact_phones", "contact_sources", "contact_tags", "key_facts", "connections",
    "skipped_contacts",
)  # fmt: skip
STAGE = (
    "touched", "dirty_customers", "customers", "skips", "contacts", "engine", "plans", "planned_contacts",
    "planned_members", "planned_skips", "candidates",
)  # fmt: skip


class Run:
    """One agency's syncs."""

    def __init__(self, agencies: Agencies, system: str, connection: psycopg.Connection[Any], database: str) -> None:
        self.agency: Agency = agencies.get(system)
        self.connection = connection
        self.settings, self.today = self.agency.settings, TODAY
        self.opening, self.overlap = opening_of(agencies, self.agency, database)

    def extract(
        self, *customers: str, full: bool = True, opening: Opening | None = None, progress: Progress = lambda *_: None
    ) -> SourceReport:
        return extract_source(
            self.connection, self.agency.id, opening or self.opening, SyncScope(customers), system=self.agency.system,
            overlap=self.overlap, full=full, progress=progress,
        )  # fmt: skip

    def refresh(self) -> None:
        mark_due(self.connection, self.agency.id, self.settings, self.today)
        derive_dirty(self.connection, self.agency.id, self.settings, self.today)
        make_plan(self.connection, self.agency.id, self.settings, NO_BRAKE, self.today)
        publish(self.connection, self.agency.id)

    def mart(self) -> dict[str, list[str]]:
        return {
            table: [
                row[0]
                for row in self.connection.execute(
                    f"""select (to_jsonb(m) - 'created_at' - 'updated_at')::text from mart.{table} m
                    where agency = %s order by 1""",
                    (self.agency.id,),
                )
            ]
            for table in MART
        }

    def forget(self) -> None:
        """Empty all that is made of raw."""
        for schema, tables in (("mart", MART), ("stage", STAGE)):
            for table in tables:
                self.connection.execute(f"delete from {schema}.{table} where agency = %s", (self.agency.id,))

    def rebuilt(self) -> dict[str, list[str]]:
        """What the mart would be, from what raw holds alone; everything is taken back afterwards."""
        found: dict[str, list[str]] = {}
        with suppress(InterruptedError), self.connection.transaction():
            self.forget()
            self.refresh()
            found = self.mart()
            raise InterruptedError
        return found

    def one(self, query: str, *given: Any) -> Any:
        row = self.connection.execute(query, given).fetchone()
        return row[0] if row else None
