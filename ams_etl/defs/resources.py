"""The code location's resources: each builds a plain object of the lower rooms and holds no state of its own.

This module has the one `@dg.definitions` function that binds them; assets live elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, cast, get_args
from uuid import UUID

import dagster as dg
import psycopg

from ams_etl.errors import ConfigError
from ams_etl.settings import Agencies, Agency, home, load_agencies
from ams_etl.sources.ams360 import Ams360Connection
from ams_etl.sources.benefitpoint.client import BenefitPointConnection
from ams_etl.sources.connections import ams360_connection, benefitpoint_connection
from ams_etl.store.database import connect, database_url
from ams_etl.store.login_refusals import PostgresLoginGate
from ams_etl.sync.scope import Lane, SyncScope


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Postgres that holds raw, stage, mart and ops: `AMS_ETL_DATABASE_URL`, else the embedded one."""

    def url(self) -> str:
        """The Postgres URL in use."""
        return database_url(home())

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """An autocommit connection, closed afterwards."""
        with connect(self.url()) as connection:
            yield connection


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
            agencies, agencies.get(agency_id), PostgresLoginGate(database_url(home()), agency_id, "ams360")
        )

    def benefitpoint(self, agency_id: str) -> BenefitPointConnection:
        """Return the connection to this agency's BenefitPoint, its password read from the environment.

        Raises:
            ConfigError: the agency has no BenefitPoint, or its password is not set.
        """
        agencies = self.read()
        return benefitpoint_connection(
            agencies, agencies.get(agency_id), PostgresLoginGate(database_url(home()), agency_id, "benefitpoint")
        )


class SyncScopeConfig(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What this run is asked to do; the schedule, sensors, command line and Launchpad all set this."""

    customers: list[str] = []  # noqa: RUF012 - Dagster reads the default, and copies it
    """AMS360 CustomerIds; empty means a full sync."""
    fresh: bool = False
    """Begin a full sync anew instead of going on with one that was cut off."""
    apply_plan: str = ""
    """The id of a plan that a person looked at: publish exactly that one, past the brake."""

    batch: str = ""
    """The notifications that this run serves: `ops.notification_batches.batch_id`."""
    sweep: bool = False
    """Read only the customers whose row in the customer list is new, changed or gone."""
    reference: bool = False
    """Read the lists of codes too, though only some customers are read."""
    lane: str = "person"
    """What asked for it: notifications, daily, weekly or person."""

    def scope(self) -> SyncScope:
        """The plain object that `sync` takes."""
        return SyncScope(
            tuple(self.customers), UUID(self.batch) if self.batch else None, self.sweep, self.reference, self._lane()
        )

    def _lane(self) -> Lane:
        for lane in get_args(Lane):
            if self.lane == lane:
                return cast(Lane, lane)
        raise ConfigError(f"sync_scope.lane: {self.lane!r} is none of {', '.join(get_args(Lane))}")


@dg.definitions
def resources() -> dg.Definitions:
    """Bind every resource under the name that assets ask for it by."""
    return dg.Definitions(
        resources={
            "warehouse": Warehouse(),
            "agencies": AgenciesFile(),
            "sync_scope": SyncScopeConfig.configure_at_launch(),
        }
    )
