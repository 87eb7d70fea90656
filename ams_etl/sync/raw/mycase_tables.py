"""Where each MyCase record type is stored."""

from ams_etl.store.merge import RawTable
from ams_etl.sync.raw.source_table import SourceTable

STAFF = SourceTable(RawTable("raw_mycase", "staff"), "everybody")
CLIENTS = SourceTable(RawTable("raw_mycase", "clients"))
COMPANIES = SourceTable(RawTable("raw_mycase", "companies"))
CASES = SourceTable(RawTable("raw_mycase", "cases"), "raw_mycase.customers_of")
