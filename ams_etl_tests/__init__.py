"""The tests: they mirror the rooms; `end_to_end` goes through Dagster and the browser."""
