"""A plugin of pytest for `make mutants`: forget what was remembered before the change that is tried.

mutmut runs the tests of each change in a copy of the process that ran all of them. What that process remembered of names, emails
and phones would answer for the changed function.
"""

import functools
import gc


def pytest_sessionstart() -> None:
    """Empty every cache of the rules."""
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and (found.__module__ or "").startswith("ams_etl"):
            found.cache_clear()
