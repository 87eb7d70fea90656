"""Random histories of an agency of another system, as `history_machine` has them for AMS360."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ams_etl.sync.interpret.registry import INTERPRETERS
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sync.other_systems.other_system_edits import edit
from ams_etl_tests.sync.other_systems.other_system_run import TODAY, Run


class OtherHistory(RuleBasedStateMachine):
    """Edits, deletions, settings, mappings and days in any order, synced whole or by what changed or in part."""

    run: ClassVar[Run]
    others: ClassVar[Sandbox]

    @initialize()
    def begin(self) -> None:
        """Whatever the last history left in the sandbox is where this one begins, with an empty mart."""
        self.run.settings, self.run.today = self.run.agency.settings, TODAY
        self.run.connection.execute("delete from ops.user_mappings where agency = %s", (self.run.agency.id,))
        self.run.forget()
        self.sync_all()

    @rule(seed=st.integers(0, 9_999), deleting=st.booleans())
    def edit(self, seed: int, deleting: bool) -> None:
        """Somebody works in the system."""
        edit(self.others, self.run.agency.system, random.Random(seed), deleting=deleting)

    @rule(merge_by=st.sampled_from(["email", "source_id"]), inactive=st.booleans(), birthdays=st.booleans())
    def choose(self, merge_by: Any, inactive: bool, birthdays: bool) -> None:
        """The agency's settings change."""
        self.run.settings = replace(
            self.run.agency.settings, merge_by=merge_by, import_inactive=inactive, birthday_key_facts=birthdays
        )

    @rule(days=st.integers(1, 120))
    def days_pass(self, days: int) -> None:
        """Policies end and begin by themselves."""
        self.run.today += timedelta(days=days)
        self._published()

    @rule(user=st.sampled_from([None, "u1", "u2"]))
    def map_user(self, user: str | None) -> None:
        """The employee with the most contacts is mapped, remapped or unmapped."""
        found = self.run.connection.execute(
            """select connection_type, employee_code from mart.connections where agency = %s
            group by 1, 2 order by count(*) desc, 1, 2 limit 1""",
            (self.run.agency.id,),
        ).fetchone()
        self.run.connection.execute("delete from ops.user_mappings where agency = %s", (self.run.agency.id,))
        if user and found:
            self.run.connection.execute(
                "insert into ops.user_mappings (agency, connection_type, employee_code, user_id) values (%s, %s, %s, %s)",
                (self.run.agency.id, *found, user),
            )

    @rule()
    def sync_changes(self) -> None:
        """What the system says has changed."""
        self.run.extract(full=False)
        self._published()

    @rule(places=st.sets(st.integers(0, 40), min_size=1, max_size=3))
    def sync_some(self, places: set[int]) -> None:
        """A few customers by their ids."""
        live = INTERPRETERS[self.run.agency.system].LIVE_CUSTOMERS
        known = self.run.connection.execute(f"{live} order by 1", {"agency": self.run.agency.id}).fetchall()
        self.run.extract(*(known[place][0] for place in places if place < len(known)))
        self._published()

    @rule()
    def sync_all(self) -> None:
        """Everything."""
        self.run.extract()
        self._published()

    def _published(self) -> None:
        self.run.refresh()
        assert self.run.mart() == self.run.rebuilt()
