"""`ams-etl sync --new`: the first sync of all agencies that were never synced, in one run."""

import time
from typing import Any

from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.cli.progress import show_progress
from ams_etl.cli.tables import Form, Table, print_tables, remark
from ams_etl.errors import PermanentError
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.sync.first_syncs.never_synced import never_synced, stage_of

_SYNCED = """
select agency, (counts ->> 'customers_read')::int, (counts ->> 'calls')::int,
    (select count(*) from mart.contacts c where c.agency = r.agency)
from ops.sync_runs r where agency = any(%s) and mode = 'full' and published_at is not null order by agency"""


_LEFT = {"to_read": "to be read and published", "to_publish": "read already; to be published"}


def sync_new(form: Form, *, plan_only: bool = False) -> None:
    """Run the job `first_syncs` here, and print what became of each agency.

    Args:
        form: how tables are printed.
        plan_only: print which agencies it would be, and what is left of each one's first sync, instead.

    Raises:
        PermanentError: an agency failed; the table says why and what to do.
    """
    if not plan_only:
        show_progress()
    url = prepare()
    read = load_agencies()
    with connect(url) as connection:
        wanted = [agency.id for agency in never_synced(connection, read.all)]
        left = [
            (agency, read.get(agency).system, _LEFT[stage_of(connection, agency)]) for agency in wanted if plan_only
        ]
    if not wanted:
        remark(form, "every agency was synced before; `ams-etl sync AGENCY` syncs one again")
        return
    if plan_only:
        print_tables(
            form, Table("new", ("agency", "system", "what is left"), left, title="never synced", ids=("agency",))
        )
        remark(
            form, f"{len(left):,} agencies; `ams-etl sync --new` does it, `ams-etl doctor AGENCY` tells whether it can"
        )
        return
    started = time.monotonic()
    with dagster_instance() as instance:
        run_id = run_job("first_syncs", None, None, instance, steps={"ops__first_syncs": {"agencies": wanted}})
        failed = _failed(instance, run_id)
    with connect(url) as connection:
        synced = connection.execute(_SYNCED, (wanted,)).fetchall()
    tables = [
        Table("synced", ("agency", "customers", "calls", "contacts"), synced, title="synced", ids=("agency",)),
    ]
    if failed or form == "json":
        tables.append(Table("failed", ("agency", "reason", "what to do"), failed, title="failed", ids=("agency",)))
    print_tables(form, *tables)
    remark(
        form,
        f"{len(synced):,} agencies synced, {len(failed):,} failed; {time.monotonic() - started:.1f} s; "
        f"run {run_id}; see it with `ams-etl up`",
    )
    if failed:
        raise PermanentError(f"{len(failed):,} of {len(wanted):,} agencies failed; see above what to do for each")


def _failed(instance: Any, run_id: str) -> list[tuple[str, str, str]]:
    """Return the agencies that a run could not sync, with the reason and what to do."""
    from ams_etl.defs.contacts.first_syncs import FAILED, FIRST_SYNCS_KEY

    event = instance.get_latest_materialization_event(FIRST_SYNCS_KEY)
    if event is None or event.run_id != run_id:
        raise AssertionError("the run ended without saying what it did")
    listed: Any = event.asset_materialization.metadata[FAILED].data
    return [(agency, reason, what_to_do) for agency, reason, what_to_do in listed]
