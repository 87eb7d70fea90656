"""Where each QQ Catalyst record type is stored."""

from ams_etl.store.merge import RawTable
from ams_etl.sync.raw.source_table import SourceTable

CONTACTS = SourceTable(RawTable("raw_qq_catalyst", "contacts"))
ACCOUNT_INFOS = SourceTable(RawTable("raw_qq_catalyst", "account_infos"))
POLICIES = SourceTable(RawTable("raw_qq_catalyst", "policies"))
