"""The Dagster definitions, without a run."""
