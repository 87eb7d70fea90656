"""B4 and B5 over a history: whatever people edit in BenefitPoint, AMS360 and its values stay as they are without it.

Two agencies of the same seed live side by side, each with its own sandboxes and warehouse. Both see the same edits of
AMS360 and the same syncs of it; BenefitPoint is edited in the first alone, and only there do its accounts become contacts.
What came of it is compared with the sandboxes' own records and with their log of what was written, never with what the
pipeline stored.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.rules.accounts.accounts import CustomerAccount
from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.links import link
from ams_etl.rules.accounts.plan_codes import CodeMapping, PlanMappings
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import Agency, Ams360Settings
from ams_etl.store.database import connect
from ams_etl.sync.accounts import publish_accounts as accounts
from ams_etl.sync.accounts import publish_policies as policies
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.notifications.batches import claim, close
from ams_etl.sync.scope import SyncScope
from ams_etl.writeback.benefit_plans import to_policies as plans
from ams_etl.writeback.drain.ams360 import drain
from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox, running_sandbox
from ams_etl_tests.sync.benefitpoint_edits import MARK, BenefitPointEditor, Record
from ams_etl_tests.sync.source_history import AGENCY, refresh
from ams_etl_tests.writeback.working_agency import QUICK

TODAY = date(2026, 11, 21)
KINDS = (
    "customers", "customer_contacts", "customer_dependents", "policies", "service_personnel", "profile_answers", "suspenses",
    "activities", "notes", "employees",
)  # fmt: skip
"""Everything that the sandbox AMS360 keeps."""
_KEYS = {"customers": "CustomerId", "customer_contacts": "CustomerContactId", "policies": "PolicyId"}
CODES = PlanMappings(CodeMapping(dict.fromkeys(range(1, 8), "ANT")), CodeMapping(dict.fromkeys(range(1, 8), "MED")))
"""Every carrier and product type of the sandbox has a code: no plan waits."""
_SETTINGS = Agency(
    id=AGENCY, name="Acme", writeback=QUICK,
    ams360=Ams360Settings(wsdl="unused", agency_no=AGENCY_NO, login_id="etl", password_env="UNUSED"),
)  # fmt: skip
_FIRST_COME = (
    "first_name",
    "last_name",
    "company_name",
    "email",
    "birthday",
    "owner_user_id",
    "owner_role",
    "address1",
)
_UNITED = ("tags", "emails", "phones", "key_facts", "connections")
Document = dict[str, Any]
_VALUES = ("name", "is_active", "email", "phone", "customer_number")
_PLACES = ("address1", "address2", "city", "state", "postal_code")


def _sources(contact: Document, system: str) -> frozenset[tuple[str, str]]:
    return frozenset(
        (source["entity"], source["entity_id"]) for source in contact["sources"] if source["system"] == system
    )


def _values(contact: Document) -> Document:
    return {name: value for name, value in contact.items() if name not in {"contact_id", "sources"}}


def _unlike(contact: Document, other: Document) -> list[str]:
    return [name for name, value in _values(contact).items() if value != other[name]]


@dataclass(frozen=True, slots=True)
class World:
    """An agency's sandboxes and its warehouse."""

    sandbox: Sandbox
    connection: psycopg.Connection[Any]
    rules: RuleSettings

    def state(self, kind: str) -> list[Record]:
        """The AMS360 sandbox's own records, by key."""
        rows: list[Record] = self.sandbox.ask(f"state/{kind}")
        return sorted(rows, key=str)

    def sync_ams360(self, scope: SyncScope) -> None:
        """Read AMS360 and publish, as a run does."""
        extract(self.connection, AGENCY, self.sandbox.connection(), scope)
        self.publish()

    def sync_notified(self) -> None:
        """One run for the notifications that wait."""
        batch = claim(self.connection, AGENCY)
        if batch is not None:
            self.sync_ams360(SyncScope(batch.customers, batch.batch_id, trigger="notification"))
            close(self.connection, AGENCY, batch.batch_id, "done")

    def sync_benefitpoint(self, *, only: tuple[int, ...] = (), full: bool = False) -> None:
        """Read BenefitPoint and publish."""
        extract_benefitpoint(self.connection, AGENCY, self.sandbox.benefitpoint.connection(), accounts=only, full=full)
        self.publish()

    def publish(self) -> None:
        """Contacts, accounts and policies; then the outbox gets the plans that AMS360 lacks."""
        refresh(self.connection, self.rules, TODAY)
        accounts.publish_accounts(self.connection, AGENCY)
        policies.publish_policies(self.connection, AGENCY)
        plans.enqueue_plans(self.connection, AGENCY, TODAY, CODES)

    def deliver(self) -> None:
        """Both outboxes, until nothing is due."""
        drain(
            self.connection, _SETTINGS, self.sandbox.connection(), ZoneInfo("America/Chicago"), linger_seconds=3.0,
            lease_seconds=30.0,
        )  # fmt: skip
        drain_benefitpoint(self.connection, _SETTINGS, self.sandbox.benefitpoint.connection(), linger_seconds=3.0)

    def told(self, kind: str, change: str, customer_id: str, key: str) -> None:
        """A notification as the inbound service stores it."""
        self.connection.execute(
            "insert into ops.notifications (agency, state, object_type, change, keys) values (%s, 'pending', %s, %s, %s)",
            (AGENCY, {"customers": "customer", "policies": "policy"}.get(kind, "customer_contact"), change,
             Jsonb({"CustomerId": customer_id, _KEYS[kind]: key})),
        )  # fmt: skip

    def contacts(self) -> list[Document]:
        """The contacts that AMS360 has part in, as the change feed tells them."""
        return [
            document
            for (document,) in self.connection.execute("select document from stage.contacts order by contact_id")
            if _sources(document, "ams360")
        ]

    def skipped(self) -> list[tuple[Any, ...]]:
        """AMS360's records that became no contact."""
        return self.connection.execute(
            "select entity, entity_id, reason, rule from mart.skipped_contacts where system = 'ams360' order by 1, 2"
        ).fetchall()

    def alone_in_benefitpoint(self) -> set[tuple[str, str]]:
        """Records of accounts that AMS360 does not have: the ones that give contacts values."""
        rows = self.connection.execute(
            "select entity, entity_id from stage.candidates where system = 'benefitpoint' and document ->> 'joined' is null"
        )
        return {(entity, entity_id) for entity, entity_id in rows}


@dataclass(slots=True)
class Findings:
    """What a history held."""

    edits: Counter[str] = field(default_factory=Counter)
    ams360_edits: int = 0
    syncs: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    linked: int = 0
    contacts: int = 0
    """Compared with the twin's, whole, over all checks."""
    shared_contacts: int = 0
    """Those that an account which AMS360 lacks has part in, by an email."""
    added: int = 0
    made: int = 0
    writing_calls: Counter[str] = field(default_factory=Counter)


class BenefitPointHistory:
    """Edits of both systems, syncs, publishing and deliveries in a random order.

    Args:
        real: where BenefitPoint is edited.
        twin: the same agency, where it is not.
        seed: decides everything.
    """

    def __init__(self, real: World, twin: World, seed: int) -> None:
        self._real, self._twin, self._rng = real, twin, random.Random(seed)
        self._editor = BenefitPointEditor(real.sandbox, random.Random(f"edits {seed}"))
        self._made: dict[str, str] = {}
        """Policies that were made of plans, by id, with the token of their plan."""
        self._read = 0
        self._due: set[tuple[int, str]] = set()
        """Plans and customers that were one account's when AMS360 was last written to."""
        self.found = Findings(edits=self._editor.made)
        for world in (real, twin):
            extract_reference(world.connection, AGENCY, world.sandbox.connection())
            world.sync_ams360(SyncScope())
            world.sync_benefitpoint(full=True)
        self._deliver()

    def play(self, edits: int, checks: int) -> Findings:
        """Make so many edits of BenefitPoint, and compare everything so many times, the last time at the end.

        Raises:
            AssertionError: something of BenefitPoint got where it must not, or a plan did not get to AMS360 once.
        """
        due = [edits * place // checks for place in range(1, checks + 1)]
        while due:
            done = self._editor.made.total()
            for _ in range(min(self._rng.randint(1, 6), due[0] - done)):
                self._editor.edit()
            for _ in range(self._rng.choice((0, 0, 1, 2))):
                self._edit_ams360()
            if self._editor.made.total() >= due[0]:
                due.pop(0)
                self.compare()
            else:
                self._step()
        return self.found

    def _look_at_the_log(self) -> None:
        """The sandboxes' logs: AMS360 was asked to insert policies and to write nothing else, BenefitPoint nothing at all.

        Each insert is of a plan that was added and is there, on an account linked to its customer; of each plan there is one.
        """
        calls = self._real.sandbox.stats()["calls"]
        asked = {name: count for name, count in calls.items() if name.endswith(("Insert", "Update", "Delete"))}
        assert asked.keys() <= {"PolicyInsert"}, f"AMS360 was asked to write: {asked}"
        self.found.writing_calls = Counter(asked)
        assert self._real.sandbox.benefitpoint.ask("writes") == [], "BenefitPoint was written to"
        writes = self._real.sandbox.ask("writes")
        for write in writes[self._read :]:
            policy = self._real.sandbox.ask(f"state/policies/{write['result']['PolicyId']}")
            number = policy["PolicyNumber"].split(" ")[0]
            plans = [key for key, token in self._editor.added.items() if token == number]
            assert len(plans) == 1, f"{policy['PolicyNumber']}: a policy of a plan that was not added"
            assert number not in self._made.values(), f"{number}: twice in AMS360"
            self._made[policy["PolicyId"]] = number
            assert (plans[0], policy["CustomerId"]) in self._due, f"{number}: of another customer, or no plan any more"
        self._read = len(writes)
        self.found.made = len(self._made)

    def compare(self) -> None:
        """Sync all, deliver all, and compare with the sandboxes' own records and with the twin."""
        self._real.sandbox.faults(off=True)
        self._real.sync_ams360(SyncScope())
        self._real.sync_benefitpoint(full=self._rng.random() < 0.5)
        self._deliver()
        self._ams360_is_as_without_benefitpoint()
        for world in (self._real, self._twin):
            world.sync_ams360(SyncScope())
        self._contacts_have_ams360s_values()
        self._accounts_have_ams360s_values()
        self._policies_have_ams360s_values()
        self._added_plans_are_there()
        self._a_rebuild_is_the_same()
        self.found.checks += 1

    def _ams360_is_as_without_benefitpoint(self) -> None:
        """Record by record; then the twin gets the policies of added plans as a person would have entered them."""
        for kind in KINDS:
            here, there = self._real.state(kind), self._twin.state(kind)
            if kind == "policies":
                known = {policy["PolicyId"] for policy in there}
                new = [policy for policy in here if policy["PolicyId"] in self._made.keys() - known]
                here = [entry for entry in here if entry not in new]
                for policy in new:
                    self._twin.sandbox.edit("policies", "insert", **policy)
            else:
                assert MARK not in str(here).casefold(), kind
            assert here == there, f"{kind}: {[entry for entry in here if entry not in there][:1]}"

    def _contacts_have_ams360s_values(self) -> None:
        """B10, B11: a linked account changes nothing of a contact but its id; one that AMS360 lacks overwrites nothing."""
        assert self._real.skipped() == self._twin.skipped(), "skipped contacts"
        there = {_sources(contact, "ams360"): contact for contact in self._twin.contacts()}
        alone = self._real.alone_in_benefitpoint()
        told: set[tuple[str, str]] = set()
        for contact in self._real.contacts():
            own = _sources(contact, "ams360")
            told |= own
            twin = there.get(own)
            if _sources(contact, "benefitpoint").isdisjoint(alone):
                assert twin is not None, "a contact of AMS360's has other sources"
                assert _values(contact) == _values(twin), f"contacts: {_unlike(contact, twin)}"
                self.found.contacts += 1
            elif twin is not None:
                wrong = [name for name in _FIRST_COME if twin[name] is not None and contact[name] != twin[name]]
                wrong += [name for name in _UNITED if any(entry not in contact[name] for entry in twin[name])]
                assert not wrong, f"AMS360's values overwritten: {wrong}"
                self.found.shared_contacts += 1
        assert told == {source for sources in there for source in sources}, "sources of contacts"

    def _accounts_have_ams360s_values(self) -> None:
        """B4 for every account of mart, and B1: those are one that the records say are one."""
        customers = {
            customer.customer_id: customer
            for customer in map(CustomerAccount.from_payload, self._real.state("customers"))
        }
        there = [
            BenefitPointAccount.from_payload(account) for account in self._real.sandbox.benefitpoint.rows("accounts")
        ]
        linked = {
            pair.customer_id: pair.account_id
            for pair in link(customers.values(), there, {})
            if pair.state == "confirmed"
        }
        pairs: set[tuple[str | None, int | None]] = {(key, linked.get(key)) for key in customers}
        pairs |= {(None, account.account_id) for account in there if account.account_id not in linked.values()}
        rows = _rows(self._real.connection, "mart.accounts")
        found = sorted((row["ams360_customer_id"] or "", row["benefitpoint_account_id"] or 0) for row in rows)
        assert found == sorted((key or "", account or 0) for key, account in pairs), "accounts are linked otherwise"
        for row in rows:
            if row["ams360_customer_id"]:
                customer = customers[row["ams360_customer_id"]]
                expected = {name: getattr(customer, name) for name in _VALUES}
                expected |= {name: getattr(customer.address, name) for name in _PLACES}
                wrong = [name for name, value in expected.items() if row[name] != value]
                assert not wrong, f"not AMS360's in mart.accounts: {wrong}"
                assert MARK not in str(row).casefold(), "BenefitPoint's text in an account of AMS360's"
        # And so it was at every moment on the way.
        [(told,)] = self._real.connection.execute(
            """select count(*) from mart.changes where agency = %s and entity = 'account'
                and after ->> 'ams360_customer_id' is not null and after::text ilike %s""",
            (AGENCY, f"%{MARK}%"),
        ).fetchall()
        assert told == 0, "BenefitPoint's text was published in an account of AMS360's"
        self.found.linked = len(linked)

    def _policies_have_ams360s_values(self) -> None:
        """A policy that AMS360 has is there with its number and term, whatever the plan behind it says."""
        there = {policy["PolicyId"]: policy for policy in self._real.state("policies")}
        for row in _rows(self._real.connection, "mart.policies"):
            if row["ams360_policy_id"]:
                policy = there[row["ams360_policy_id"]]
                values = (policy["PolicyNumber"], (policy.get("PolicyEffectiveDate") or "")[:10])
                assert (row["policy_number"], row["effective_date"] or "") == values, "not AMS360's in mart.policies"
                assert MARK not in str(row).casefold() or policy["PolicyId"] in self._made, "a plan's text in a policy"

    def _added_plans_are_there(self) -> None:
        """B5: each that is in force, on a linked account, and names no policy itself."""
        linked = {
            account
            for (account,) in self._real.connection.execute(
                "select benefitpoint_account_id from mart.accounts where ams360_synced and benefitpoint_synced"
            )
        }
        for plan in self._real.sandbox.benefitpoint.rows("products"):
            token = self._editor.added.get(plan["productID"])
            names_one = (plan.get("policyIntegrationInfo") or {}).get("amsPolicyID")
            if token and plan["accountID"] in linked and plan["productStatus"] == "Current" and not names_one:
                assert token in self._made.values(), f"{token} is not in AMS360"
        self.found.added = len(self._editor.added)

    def _a_rebuild_is_the_same(self) -> None:
        connection = self._real.connection
        tables = ("mart.accounts", "mart.policies")
        published = [_rows(connection, table) for table in tables]
        with connection.transaction(force_rollback=True):
            for table in (*tables, "stage.account_customers", "stage.account_touches", "ops.account_links"):
                connection.execute(f"delete from {table}")
            accounts.rebuild_accounts(connection, AGENCY)
            accounts.publish_accounts(connection, AGENCY)
            policies.publish_policies(connection, AGENCY)
            assert [_rows(connection, table) for table in tables] == published, "a rebuild is another"

    def _step(self) -> None:
        """One run of something."""
        steps: dict[str, tuple[int, Callable[[], None]]] = {
            "AMS360, told": (4, self._both(World.sync_notified)),
            "AMS360, some customers": (2, self._some_customers()),
            "AMS360, sweep": (1, self._both(lambda world: world.sync_ams360(SyncScope(sweep=True)))),
            "AMS360, full": (1, self._both(lambda world: world.sync_ams360(SyncScope()))),
            "BenefitPoint, changes": (4, self._real.sync_benefitpoint),
            "BenefitPoint, some accounts": (3, self._some_accounts),
            "BenefitPoint, full": (1, lambda: self._real.sync_benefitpoint(full=True)),
            "delivery": (4, self._deliver_in_bad_weather),
        }  # fmt: skip
        name = self._rng.choices(list(steps), [weight for weight, _ in steps.values()])[0]
        steps[name][1]()
        self.found.syncs[name] += 1

    def _deliver_in_bad_weather(self) -> None:
        """Now and then a reply is lost after the policy was inserted, or AMS360 is not there."""
        kind = self._rng.choice((None, None, "lost", "unavailable"))
        if kind:
            self._real.sandbox.faults(**{kind: {"next": 1, "operations": ["PolicyInsert"]}})
        self._deliver()

    def _deliver(self) -> None:
        """What is written shall be so by what was published last, whatever it was when the plan was added."""
        self._due = set(
            self._real.connection.execute(
                """select p.entity_id::int, a.ams360_customer_id from raw_benefitpoint.plans p
                join mart.accounts a on (a.agency, a.benefitpoint_account_id) = (p.agency, p.customer_id::int)
                where p.deleted_at is null and a.ams360_synced"""
            ).fetchall()
        )
        self._real.deliver()
        self._look_at_the_log()

    def _both(self, run: Callable[[World], None]) -> Callable[[], None]:
        def run_both() -> None:
            for world in (self._real, self._twin):
                run(world)

        return run_both

    def _some_customers(self) -> Callable[[], None]:
        ids = tuple(key for key, _ in self._twin.sandbox.ask("customers"))
        chosen = tuple(self._rng.sample(ids, min(4, len(ids))))
        return self._both(lambda world: world.sync_ams360(SyncScope(chosen)))

    def _some_accounts(self) -> None:
        ids = [account["accountID"] for account in self._real.sandbox.benefitpoint.rows("accounts")]
        self._real.sync_benefitpoint(only=tuple(self._rng.sample(ids, min(5, len(ids)))))

    def _edit_ams360(self) -> None:
        """The same edit in both, chosen by what the twin has; some are announced by a notification, some are not."""
        rng, sandbox = self._rng, self._twin.sandbox
        number = rng.randrange(10**6)
        kind = rng.choice(("customers", "customers", "customer_contacts", "policies"))
        rows = self._twin.state(kind)
        change = rng.choices(("update", "insert", "delete"), (70, 20, 10))[0]
        owner = rng.choice([key for key, _ in sandbox.ask("customers")])
        if change == "insert" or not rows:
            change, key = "insert", str(UUID(int=rng.getrandbits(128), version=4))
            fields: Record = {"CustomerId": key if kind == "customers" else owner}
        else:
            row = rng.choice(rows)
            key, owner, fields = row[_KEYS[kind]], row["CustomerId"], {}
        if kind == "customers":
            owner = key
        if change != "delete":
            fields |= rng.choice(_AMS360_CHANGES[kind])(number)
        for world in (self._real, self._twin):
            world.sandbox.edit(kind, change, key, **fields)
        if rng.random() < 0.8:
            for world in (self._real, self._twin):
                world.told(kind, change, owner, key)
        self.found.ams360_edits += 1


_AMS360_CHANGES: dict[str, tuple[Callable[[int], Record], ...]] = {
    "customers": (
        lambda number: {"Email": f"edit{number}@example.com", "LastName": "Edited"},
        lambda number: {"Email": None, "LastName": "Edited"}, lambda number: {"City": f"City {number}", "LastName": "Lee"},
        lambda number: {"LastName": f"Edit{number}", "FirmName": None, "FirstName": "Ann", "IsActive": True},
        lambda number: {"IsActive": bool(number % 2), "LastName": "Low"},
    ),
    "customer_contacts": (
        lambda number: {"ContactName": f"Edit{number}, Jo"}, lambda number: {"EmailAddress": f"c{number}@example.com"},
    ),
    "policies": (
        lambda number: {"PolicyNumber": f"E-{number}", "PolicyStatus": "A", "PolicySubType": "P",
                        "PolicyEffectiveDate": "2026-02-01T00:00:00", "PolicyExpirationDate": "2027-02-01T00:00:00"},
        lambda number: {"PolicyNumber": f"E-{number}", "PolicyStatus": "C", "PolicySubType": "P"},
    ),
}  # fmt: skip


def _rows(connection: psycopg.Connection[Any], table: str) -> list[Record]:
    """As JSON gives them, in order of their key; times apart."""
    return [
        row[0]
        for row in connection.execute(
            f"select to_jsonb(t) - 'created_at' - 'updated_at' from {table} t where agency = %s order by 1", (AGENCY,)
        )
    ]


@contextmanager
def history_in(urls: tuple[str, str], *, size: int, seed: int) -> Iterator[BenefitPointHistory]:
    """A history with sandboxes of its own.

    Args:
        urls: two databases with the schema and nothing else.
        size: customers of AMS360.
        seed: of the agency and of what happens.
    """
    with ExitStack() as stack:
        real, twin = (
            World(
                stack.enter_context(running_sandbox(size=size, seed=seed, unlisted=0, more=("--benefitpoint",))),
                stack.enter_context(connect(url)),
                RuleSettings(benefitpoint_contacts=place == 0),
            )
            for place, url in enumerate(urls)
        )
        yield BenefitPointHistory(real, twin, seed)
