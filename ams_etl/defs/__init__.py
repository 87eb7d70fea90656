"""The Dagster code location: assets, checks, jobs, schedules, sensors and resources, each body a call into `sync`.

No rule of the product lives here. Everything is imported at load, in every step process: no network, no
environment reads, no heavy imports at module level; and no `from __future__ import annotations`, which hides the
types that Dagster reads.
"""
