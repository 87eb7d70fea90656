"""Where a source system's record type is stored, and which customers a changed record affects."""

from dataclasses import dataclass

from ams_etl.store.merge import RawTable


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Names a raw table and the customers to derive again when one of its records changes.

    Args:
        raw: the table.
        touches: `customer` (the one in the record's `customer_id`), `everybody` (the record names a code), or
            the SQL function that returns the customers of a payload.
    """

    raw: RawTable
    touches: str = "customer"
