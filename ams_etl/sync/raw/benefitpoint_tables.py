"""Where each BenefitPoint record type lies in raw."""

from ams_etl.store.merge import RawTable

SYSTEM = "benefitpoint"
ACCOUNTS = RawTable("raw_benefitpoint", "accounts")
CONTACTS = RawTable("raw_benefitpoint", "contacts")
PLANS = RawTable("raw_benefitpoint", "plans")
OFFICES = RawTable("raw_benefitpoint", "offices")
USERS = RawTable("raw_benefitpoint", "users")
CARRIERS = RawTable("raw_benefitpoint", "carriers")
PRODUCT_TYPES = RawTable("raw_benefitpoint", "product_types")

OF_ACCOUNT = (ACCOUNTS, CONTACTS, PLANS)
"""What is read account by account; `customer_id` is the account in all three."""
REFERENCE = {OFFICES: "officeID", USERS: "ID", CARRIERS: "carrierID", PRODUCT_TYPES: "productTypeID"}
"""The small lists, read whole every time, and the member that identifies a record of each."""
