"""Several processes that read one agency keep within its limit together, and need one login."""

import pytest

from ams_etl_tests import warm_processes
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.warm_processes import Process


def _reading(sandbox: Sandbox, database: str, most: int, customers: int | None = None) -> Process:
    more = () if customers is None else (str(customers),)
    return warm_processes.start("ams_etl_tests.sources.reading_process", sandbox.wsdl, database, str(most), *more)


@pytest.mark.parametrize("most", [1, 4])
def test_processes_share_the_limit_and_nobody_starves(sandbox: Sandbox, database: str, most: int) -> None:
    """A full read goes on for ever; two others come and end beside it, though it alone would use every turn."""
    sandbox.faults(latency_ms=10)
    for_ever = _reading(sandbox, database, most)
    assert for_ever.stdout.readline() == "reads\n"
    others = [_reading(sandbox, database, most, 25) for _ in range(2)]
    for other in others:
        printed, _ = other.communicate(timeout=120)
        assert other.returncode == 0, printed
    assert for_ever.poll() is None
    for_ever.kill()
    assert sandbox.stats()["peak_in_flight"] == most


def test_processes_share_a_session_where_a_login_ends_the_one_before(sandbox: Sandbox, database: str) -> None:
    """Three processes at once, and tickets that wear out: as many logins as tickets were needed, not one per process."""
    sandbox.faults(one_session=True, ticket_calls=100)
    processes = [_reading(sandbox, database, 8, 80) for _ in range(3)]
    logins = []
    for process in processes:
        printed, _ = process.communicate(timeout=120)
        assert process.returncode == 0, printed
        logins.append(int(printed.splitlines()[-1]))
    stats = sandbox.stats()
    assert sum(logins) == stats["logins"]
    assert stats["logins"] <= stats["total"] // 100 + 2, stats
