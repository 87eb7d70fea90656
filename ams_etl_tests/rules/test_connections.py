"""What has no customer to show it by."""

from ams_etl.rules.contacts.connections import CONNECTION_TYPES, of_type
from ams_etl.rules.model import Connection


def test_connections_are_filtered_by_type() -> None:
    """X3: the mapping table, one type at a time, without case."""
    eve, rob = Connection("Executive", "E 1"), Connection("Representative", "R<1")
    assert of_type([eve, rob], "executive") == [eve]
    assert of_type([eve, rob], "CSR") == []


def test_each_source_system_has_its_connection_types() -> None:
    """X1: as the document lists them."""
    assert CONNECTION_TYPES == {
        "ams360": ("Executive", "Representative"),
        "hawksoft": ("CSR", "Producer"),
        "qq_catalyst": ("CSR", "Producer"),
        "mycase": ("Lead Attorney", "Originating Attorney"),
    }
