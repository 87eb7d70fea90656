"""What the catalog learns of `ams-etl follow`."""
