"""Where each HawkSoft record type is stored."""

from ams_etl.store.merge import RawTable
from ams_etl.sync.raw.source_table import SourceTable

CLIENTS = SourceTable(RawTable("raw_hawksoft", "clients"))
OFFICES = SourceTable(RawTable("raw_hawksoft", "offices"), "everybody")
