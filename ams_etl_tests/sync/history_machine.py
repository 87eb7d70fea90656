"""Incremental ≡ full: random histories of an agency, synced in random parts, against a rebuild from nothing."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, ClassVar

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RULE_MARKER, RuleBasedStateMachine, initialize, invariant, precondition, rule

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import ProspectsWithin, RuleSettings, Segments
from ams_etl.store.database import connect
from ams_etl.store.privacy.tombstones import KEY_VARIABLE
from ams_etl.sync.forgetting.erase import erase
from ams_etl.sync.forgetting.person import find_person
from ams_etl.sync.identity import candidate_id
from ams_etl_tests.sync.look_back import Past
from ams_etl_tests.sync.source_history import (
    AGENCY,
    NO_BRAKE,
    Source,
    contact,
    customer,
    customer_id,
    dependent,
    mart,
    policy,
    rebuilt,
    refresh,
    replay,
    store_reference,
)

NUMBERS = st.integers(1, 4)
EMAILS = st.sampled_from(
    [None, "", "a@x.com", "b@x.com", "C@x.com; d@x.com", "a@x.com, e@x.com", "not an email", "e@x.com"]
)
NAMES = st.sampled_from(
    [
        None,
        "Ann",
        "Bob (Bobby)",
        "Cy & Di",
        "Cy & Di (Deceased)",
        "Ed (Deceased)",
        "Flo (DNC)",
        "Ed (Deceased) (DNC)",
        "AL",
    ]
)
LAST = st.sampled_from([None, "Doe", "O'Neil", "van der Berg"])
MIDDLE = st.sampled_from([None, "B.", "Ray"])
FIRMS = st.sampled_from([None, "Acme LLC", "Jo & Mo Poe", "Doe Trust"])
SALUTATIONS = st.sampled_from([None, "Mr. Doe", "Annie", "Al and Bo Doe"])
DAYS = st.integers(-40, 40).map(lambda days: f"{date(2026, 6, 1) + timedelta(days=days)}T00:00:00")
SETTINGS = st.sampled_from(
    [
        RuleSettings(),
        RuleSettings(merge_by="source_id"),
        RuleSettings(shared_address_name="first", shared_email_limit=1),
        RuleSettings(shared_email_limit=2, placeholder_emails=("e@x.com",)),
        RuleSettings(prospects="none"),
        RuleSettings(prospects=ProspectsWithin(20)),
        RuleSettings(import_inactive=True, primary_email_only=True),
        RuleSettings(segments=Segments(include=("Client",))),
        RuleSettings(segments=Segments(exclude=("Winback", "Travelers")), second_insured=False),
        RuleSettings(commercial_contacts="primary_and_secondary", merged_owner_priority="personal"),
        RuleSettings(tags=("city", "state", "carrier"), ownership_tags=("executive", "representative")),
    ]
)


class History(RuleBasedStateMachine):
    """One agency's life. `url` is set by whoever runs it; every history begins with empty tables."""

    url: ClassVar[str] = ""
    TABLES: ClassVar[tuple[str, ...]] = (
        "raw_ams360.customers", "raw_ams360.customer_contacts", "raw_ams360.customer_dependents", "raw_ams360.policies",
        "raw_ams360.employees", "raw_ams360.companies", "ops.user_mappings", "ops.name_overrides", "ops.suppressions",
        "stage.touched",
        "stage.dirty_customers", "stage.customers", "stage.skips", "stage.contacts", "stage.engine", "stage.plans",
        "stage.planned_contacts", "stage.planned_members", "stage.planned_skips", "stage.candidates",
        "stage.candidate_emails", "stage.over_shared_emails", "mart.contacts", "mart.contact_emails",
        "mart.contact_phones", "mart.contact_sources", "mart.contact_tags", "mart.key_facts", "mart.connections",
        "mart.skipped_contacts", "mart.contact_merges", "mart.changes", "stage.merged_customers", "stage.merged_records",
        "ops.record_moves", "ops.customer_merge_decisions", "stage.account_touches", "ops.forgotten", "ops.consents",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.connection: psycopg.Connection[Any] = connect(self.url)
        self.source = Source()
        self.settings = RuleSettings()
        self.today = date(2026, 6, 1)
        self.past = Past()
        self.forgotten = 0

    @initialize(
        firms=st.lists(st.tuples(FIRMS, EMAILS, st.booleans()), min_size=4, max_size=4),
        contacts=st.lists(st.tuples(NUMBERS, st.sampled_from([None, "Doe, Jan", "Kim Poe"]), EMAILS), max_size=4),
        policies=st.lists(st.tuples(NUMBERS, DAYS), max_size=4),
    )
    def begin(
        self,
        firms: list[tuple[str | None, str | None, bool]],
        contacts: list[tuple[int, str | None, str | None]],
        policies: list[tuple[int, str]],
    ) -> None:
        """A small agency, so that what follows has something to change; not synced yet."""
        os.environ[KEY_VARIABLE] = "a key of the tests, long enough"
        self.connection.execute(f"truncate {', '.join(self.TABLES)}")
        store_reference(self.connection)
        for number, (firm, email, commercial) in enumerate(firms, start=1):
            self.source.put(
                customer(
                    number, FirmName=firm, LastName=None if commercial else "Doe", Email=email, IsCommercial=commercial
                )
            )
        for number, (of, name, email) in enumerate(contacts, start=1):
            self.source.put(contact(number, of, ContactName=name, EmailAddress=email))
        for number, (of, ends) in enumerate(policies, start=1):
            self.source.put(policy(number, of, PolicyExpirationDate=ends))
        self.open_beside()
        self._sync_all()

    def open_beside(self) -> None:
        """What else there is at the beginning."""

    @rule(
        number=NUMBERS, first=NAMES, last=LAST, firm=FIRMS, email=EMAILS, informal=SALUTATIONS, middle=MIDDLE, active=st.booleans(),
        commercial=st.sampled_from([None, True, False]), both=st.booleans(), added=DAYS, born=DAYS,
        executive=st.sampled_from(["E 1", "zzz", None]),
    )  # fmt: skip
    def put_customer(self, number: int, **given: Any) -> None:
        """Insert or edit a customer."""
        self.source.put(
            customer(
                number, FirstName=given["first"], LastName=given["last"], FirmName=given["firm"], Email=given["email"],
                MiddleName=given["middle"], InformalSalutation=given["informal"], IsActive=given["active"],
                IsCommercial=bool(given["commercial"]),
                IsPersonal=given["commercial"] is False or given["both"], DateCustomerAdded=given["added"],
                DateOfBirth=given["born"], AccountExecCode=given["executive"], City="Springfield",
            )
        )  # fmt: skip

    @rule(of=NUMBERS, name=st.sampled_from([None, "Doe, Jan", "Kim Poe", "Lou (Deceased) Doe"]), email=EMAILS,
          order=st.sampled_from([None, 1, 2]), number=st.integers(1, 4))  # fmt: skip
    def put_contact(self, of: int, name: str | None, email: str | None, order: int | None, number: int) -> None:
        """Insert or edit a contact, or move it to another customer."""
        self.source.put(contact(number, of, ContactName=name, EmailAddress=email, SortOrder=order))

    @rule(
        of=NUMBERS,
        name=NAMES,
        email=EMAILS,
        relationship=st.sampled_from(["Spouse", "Child", None]),
        number=st.integers(1, 3),
    )
    def put_dependent(
        self, of: int, name: str | None, email: str | None, relationship: str | None, number: int
    ) -> None:
        """Insert or edit a dependent."""
        self.source.put(dependent(number, of, FirstName=name, LastName=None, Email=email, Relationship=relationship))

    @rule(of=NUMBERS, status=st.sampled_from("AACN"), starts=DAYS, ends=DAYS, continuous=st.booleans(),
          company=st.sampled_from([None, "TRV"]), kind=st.sampled_from("PPS"), number=st.integers(1, 6))  # fmt: skip
    def put_policy(self, of: int, number: int, **given: Any) -> None:
        """Insert or edit a policy."""
        self.source.put(
            policy(
                number, of, PolicyStatus=given["status"], PolicyEffectiveDate=given["starts"], PolicySubType=given["kind"],
                PolicyExpirationDate=given["ends"], IsContinuous=given["continuous"], WritingCompanyCode=given["company"],
            )
        )  # fmt: skip

    @rule(number=NUMBERS)
    def delete_customer(self, number: int) -> None:
        """Take a customer away; it may come back later."""
        self.source.customers.pop(number, None)

    @rule(duplicate=NUMBERS, into=NUMBERS, contacts=st.booleans(), back=st.booleans())
    def merge_customers(self, duplicate: int, into: int, contacts: bool, back: bool) -> None:
        """Move what a customer has to another one and take it away, as AMS360's Merge tool does; or bring one back with it."""
        if duplicate == into or into not in self.source.customers:
            return
        if back:
            self.source.put(customer(duplicate, FirstName="Ann", LastName="Doe"))
        for kind in ("policies", *(("contacts", "dependents") if contacts else ())):
            for row in self.source.beneath[kind].values():
                giver, taker = (into, duplicate) if back else (duplicate, into)
                if row["CustomerId"] == customer_id(giver):
                    row["CustomerId"] = customer_id(taker)
        if not back:
            self.source.customers.pop(duplicate, None)

    @rule(duplicate=NUMBERS, into=NUMBERS, decided=st.sampled_from([None, "confirmed", "refused"]))
    def decide_a_merge(self, duplicate: int, into: int, decided: str | None) -> None:
        """Say whether a customer was merged into another one, or take that back."""
        self.connection.execute(
            "delete from ops.customer_merge_decisions where customer_id = %s", (customer_id(duplicate),)
        )
        if decided and duplicate != into:
            self.connection.execute(
                """insert into ops.customer_merge_decisions (agency, customer_id, merged_into, decided, decided_by)
                values (%s, %s, %s, %s, 'a test')""",
                (AGENCY, customer_id(duplicate), customer_id(into), decided),
            )

    @rule(kind=st.sampled_from(["contacts", "dependents", "policies"]), at=st.integers(0, 5))
    def delete_beneath(self, kind: str, at: int) -> None:
        """Take a contact, dependent or policy away."""
        keys = sorted(self.source.beneath[kind])
        if at < len(keys):
            del self.source.beneath[kind][keys[at]]

    @rule(settings=SETTINGS)
    def choose(self, settings: RuleSettings) -> None:
        """Change the agency's settings."""
        self.settings = settings

    @rule(days=st.integers(1, 40), reevaluated=st.booleans())
    def days_pass(self, days: int, reevaluated: bool) -> None:
        """Let time pass with nothing changed in the source; the daily job may run at the end of it."""
        self.today += timedelta(days=days)
        if reevaluated:
            refresh(self.connection, self.settings, self.today)
            self._compare()

    @rule(kind=st.sampled_from(["Executive", "Representative"]), code=st.sampled_from(["E 1", "R<1"]),
          user=st.sampled_from([None, "u1", "u2"]))  # fmt: skip
    def map_user(self, kind: str, code: str, user: str | None) -> None:
        """Map, remap or unmap an employee, by SQL as people may."""
        self.connection.execute(
            "delete from ops.user_mappings where (connection_type, employee_code) = (%s, %s)", (kind, code)
        )
        if user:
            self.connection.execute(
                "insert into ops.user_mappings (agency, connection_type, employee_code, user_id) values (%s, %s, %s, %s)",
                (AGENCY, kind, code, user),
            )

    @rule(number=NUMBERS, name=st.sampled_from([None, "Renamed"]))
    def rename(self, number: int, name: str | None) -> None:
        """Give a contact another name in the platform, or take that back."""
        key = candidate_id(AGENCY, "ams360", "customer", customer_id(number))
        self.connection.execute("delete from ops.name_overrides where contact_id = %s", (key,))
        if name:
            self.connection.execute(
                "insert into ops.name_overrides (agency, contact_id, first_name) values (%s, %s, %s)",
                (AGENCY, key, name),
            )

    @rule(number=NUMBERS, suppressed=st.booleans())
    def suppress(self, number: int, suppressed: bool) -> None:
        """Suppress a contact by hand, or release it (N17)."""
        key = candidate_id(AGENCY, "ams360", "customer", customer_id(number))
        self.connection.execute("delete from ops.suppressions where contact_id = %s", (key,))
        if suppressed:
            self.connection.execute(
                "insert into ops.suppressions (agency, contact_id, set_by) values (%s, %s, 'sam')", (AGENCY, key)
            )

    # Each person can be forgotten once and is gone for the rest of the history, so few are.
    @precondition(lambda self: self.forgotten < 2)
    @rule(asked=st.sampled_from(["1", "2", "a@x.com", "c@x.com", "e@x.com"]))
    def forget(self, asked: str) -> None:
        """Forget a person; the source keeps all that it has of them."""
        try:
            person = find_person(self.connection, AGENCY, self.settings, asked)
        except ConfigError:
            return
        self.forgotten += 1
        erase(self.connection, AGENCY, self.settings, NO_BRAKE, self.today, person)
        self.past.forget(person)
        self._compare()

    @rule(numbers=st.sets(NUMBERS, min_size=1))
    def sync_some(self, numbers: set[int]) -> None:
        """A sync of a few customers."""
        self.source.store(self.connection, sorted(numbers))
        refresh(self.connection, self.settings, self.today)
        self._compare()

    @rule()
    def sync_all(self) -> None:
        """A full sync; straight after it another one changes nothing."""
        self._sync_all()

    def _sync_all(self) -> None:
        # Not a rule itself: a machine of a few steps has rules left out, and every history begins with it.
        self.source.store(self.connection, range(1, 5))
        refresh(self.connection, self.settings, self.today)
        self._compare()
        again = refresh(self.connection, self.settings, self.today)
        assert (again.insert, again.update, again.delete, again.skipped_rows) == (0, 0, 0, 0)

    @rule(
        limit=st.integers(1, 3), email=st.sampled_from(["a@x.com", "b@x.com"]), numbers=st.sets(NUMBERS, min_size=2),
        refuses=st.one_of(st.none(), NUMBERS),
    )  # fmt: skip
    def share_an_address(self, limit: int, email: str, numbers: set[int], refuses: int | None) -> None:
        """Give customers of different names one address, about as many as may share it (M5); one may refuse it (M6)."""
        self.settings = RuleSettings(shared_email_limit=limit)
        for number in numbers:
            first = f"P{number} (DNC)" if number == refuses else f"P{number}"
            self.source.put(customer(number, FirstName=first, LastName=f"Name{number}", Email=email))

    @invariant()
    def every_deleted_customer_is_accounted_for(self) -> None:
        """Q3: a customer that AMS360 deleted has a row that says so, as long as it does not come back."""
        strays = self.connection.execute(
            """select c.entity_id from raw_ams360.customers c
            full join (select entity_id from mart.skipped_contacts where reason = 'deleted' and entity = 'customer') s
                using (entity_id)
            where not exists (select from stage.dirty_customers d where d.customer_id = entity_id)
                and (c.deleted_at is not null) <> (s.entity_id is not null)"""
        ).fetchall()
        assert strays == []

    @invariant()
    def crosswalk_is_complete(self) -> None:
        """Q3: every live raw record that was derived is in contact_sources or in skipped_contacts, in exactly one."""
        strays = self.connection.execute(
            """with live as (
                select 'customer' as entity, entity_id, entity_id as customer_id from raw_ams360.customers where deleted_at is null
                union all select 'customer_contact', entity_id, customer_id from raw_ams360.customer_contacts
                    where deleted_at is null
                union all select 'customer_dependent', entity_id, customer_id from raw_ams360.customer_dependents
                 where deleted_at is null),
            told as (
                select entity, entity_id from mart.contact_sources
                union all select entity, entity_id from mart.skipped_contacts)
            select entity, entity_id, count(t) from live l left join told t using (entity, entity_id)
            where not exists (select from stage.dirty_customers d where d.customer_id = l.customer_id)
            group by 1, 2 having count(t.entity) <> 1"""
        ).fetchall()
        assert strays == []

    def teardown(self) -> None:
        """Leave no connection behind."""
        self.connection.close()

    def _compare(self) -> None:
        published = mart(self.connection)
        expected = rebuilt(self.connection, self.settings, self.today)
        for table, rows in expected.items():
            assert published[table] == rows, table
        self.past.remember(self.connection)
        assert replay(self.connection, self.past.shortened) == self.past.snapshots[-1].documents
        self.past.check(self.connection)


@contextmanager
def histories_in(url: str, machine: type[History] = History) -> Iterator[type[History]]:
    """The machine, bound to a database."""
    yield type("BoundHistory", (machine,), {"url": url})


def only(machine: type[History], steps: Collection[str]) -> type[History]:
    """The machine with these steps alone, so that it soon comes to what they can lead to."""
    others = {name for name in dir(machine) if hasattr(getattr(machine, name), RULE_MARKER) and name not in steps}
    return type("FewSteps", (machine,), dict.fromkeys(others))
