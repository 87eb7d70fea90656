"""The code location's resources: each builds a plain object of the lower rooms and holds no state of its own.

`bound_resources.py` binds them; assets live elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

import dagster as dg
import psycopg
from pydantic import Field

from ams_etl.errors import ConfigError
from ams_etl.settings import Agencies, Agency, home, load_agencies
from ams_etl.sources.ams360 import Ams360Connection
from ams_etl.sources.benefitpoint.client import BenefitPointConnection
from ams_etl.sources.connections import ams360_connection, benefitpoint_connection
from ams_etl.store.database import connect, database_url
from ams_etl.store.lease import WAIT_SECONDS, Lease, Subject, leased
from ams_etl.store.shared_access.access import SharedAccess
from ams_etl.store.signs_of_life.run_heartbeats import keep_beating
from ams_etl.sync.scope import DEPRECATED_LANES, SyncScope, Trigger

LONG_WAIT_SECONDS = 600.0
"""How long a run waits for another one that reads or publishes: deriving a large agency for the first time takes minutes."""


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Postgres that holds raw, stage, mart and ops: `AMS_ETL_DATABASE_URL`, else the embedded one."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Give signs of life for the run that this process works for, from its first step until the process ends."""
        if context.run_id is not None:
            keep_beating(self.url(), context.run_id)

    def url(self) -> str:
        """The Postgres URL in use."""
        return database_url(home())

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """An autocommit connection, closed afterwards."""
        with connect(self.url()) as connection:
            try:
                yield connection
            except Exception:
                raise
            except BaseException:
                # Interrupted in the middle of a statement: the server must not go on with it and keep its locks.
                connection.cancel_safe(timeout=2)
                raise

    @contextmanager
    def lease(self, agency: str, subject: Subject, run_id: str) -> Iterator[Lease]:
        """Hold an agency's lease for a run, waiting a while for another holder.

        Raises:
            LeaseHeld: another one still has it; the message names it.
        """
        wait = WAIT_SECONDS if subject == "writeback" else LONG_WAIT_SECONDS
        with leased(self.url(), agency, subject, f"run {run_id}", wait_seconds=wait) as lease:
            yield lease


class AgenciesFile(dg.ConfigurableResource):  # type: ignore[type-arg]
    """agencies.yaml, read when a step asks, so that an edit counts from the next run on."""

    def read(self) -> Agencies:
        """All agencies and the schedule."""
        return load_agencies()

    def agency(self, agency_id: str) -> Agency:
        """The agency of this partition."""
        return self.read().get(agency_id)

    def today(self) -> date:
        """Today in the schedule's time zone: the date every rule is asked for."""
        return datetime.now(self.read().schedule.zone).date()

    def ams360(self, agency_id: str) -> Ams360Connection:
        """Return the connection to this agency's AMS360, its password read from the environment."""
        agencies = self.read()
        return ams360_connection(
            agencies, agencies.get(agency_id), SharedAccess(database_url(home()), agency_id, "ams360")
        )

    def benefitpoint(self, agency_id: str) -> BenefitPointConnection:
        """Return the connection to this agency's BenefitPoint, its password read from the environment.

        Raises:
            ConfigError: the agency has no BenefitPoint, or its password is not set.
        """
        agencies = self.read()
        return benefitpoint_connection(
            agencies, agencies.get(agency_id), SharedAccess(database_url(home()), agency_id, "benefitpoint")
        )


class SyncScopeConfig(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What this run is asked to do; the schedules, sensors, command line and Launchpad all set this."""

    customers: list[str] = Field(
        default=[], description="Customers by CustomerNumber, CustomerId or email; empty means a full sync."
    )
    fresh: bool = Field(default=False, description="Begin a full sync again instead of resuming one that was cut off.")
    apply_plan: str = Field(
        default="", description="Id of a contact plan that a user reviewed: publish exactly that plan, past the brake."
    )
    batch: str = Field(
        default="",
        description="Notifications that this run serves: ops.notification_batches.batch_id. Set by the sensor.",
    )
    sweep: bool = Field(
        default=False, description="Read only the customers whose row in the customer list is new, changed or gone."
    )
    reference: bool = Field(default=False, description="Read the code lists even if only some customers are read.")
    trigger: Trigger = Field(
        default="manual", description=f"What started the run: {', '.join(get_args(Trigger))}. For the statistics only."
    )
    lane: str = Field(
        default="",
        description=f"Deprecated: use trigger. Its values {', '.join(DEPRECATED_LANES)} still work and win over trigger.",
    )

    def scope_of(self, connection: psycopg.Connection[Any], agency: Agency) -> SyncScope:
        """Return the scope with customer ids in place of the numbers and emails that a person may have given.

        Raises:
            ConfigError: a customer is unknown, or has no form that names one; nothing was read yet.
        """
        from ams_etl.sync.interpret.customers_meant import customers_meant

        scope = self.scope()
        return replace(scope, customers=tuple(customers_meant(connection, agency.id, scope.customers, agency.settings)))

    def scope(self) -> SyncScope:
        """Return the plain object that `sync` takes, and warn if the configuration uses `sync_scope.lane`."""
        return SyncScope(
            tuple(self.customers), UUID(self.batch) if self.batch else None, self.sweep, self.reference, self._trigger()
        )

    def _trigger(self) -> Trigger:
        if self.lane:
            dg.get_dagster_logger().warning("sync_scope.lane is deprecated: use sync_scope.trigger")
            if self.lane not in DEPRECATED_LANES:
                raise ConfigError(f"sync_scope.lane: {self.lane!r}; expected one of {', '.join(DEPRECATED_LANES)}")
            return DEPRECATED_LANES[self.lane]
        return self.trigger
