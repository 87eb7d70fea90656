"""Sync the office of a test as a run does."""

from datetime import date

from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.writeback.working_agency import Office

TODAY = date(2026, 6, 2)


def sync(demo: Office) -> None:
    """A full sync of the sandbox into the mart."""
    connection, agency = demo.connection, demo.agency
    extract_reference(connection, "demo", demo.sandbox.connection())
    extract(connection, "demo", demo.sandbox.connection(), SyncScope(), fresh=True)
    mark_due(connection, "demo", agency.settings, TODAY)
    derive_dirty(connection, "demo", agency.settings, TODAY)
    make_plan(connection, "demo", agency.settings, agency.brake, TODAY)
    publish(connection, "demo")
