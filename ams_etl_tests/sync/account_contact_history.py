"""Histories of an agency with BenefitPoint beside AMS360: accounts become contacts, and stop to when AMS360 has them."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import rule

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.merge import Record, merge_records
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.contacts.quality import crosswalk_of
from ams_etl.sync.raw.benefitpoint_tables import ACCOUNTS, CONTACTS, OF_ACCOUNT, PLANS
from ams_etl_tests.sync.history_machine import DAYS, EMAILS, FIRMS, LAST, NAMES, NUMBERS, SETTINGS, History
from ams_etl_tests.sync.source_history import AGENCY, customer_id, rebuilt, refresh

KEYS = st.integers(1, 3)
LINKS = st.sampled_from([None, None, "id", "number", "upper"])


class Book:
    """What BenefitPoint holds, in memory; `store` writes some accounts to raw as a partial sync would."""

    def __init__(self) -> None:
        self.accounts: dict[int, dict[str, Any]] = {}
        self.contacts: dict[int, dict[str, Any]] = {}
        self.plans: dict[int, dict[str, Any]] = {}
        self._clock = datetime(2026, 1, 1, tzinfo=UTC)

    def store(self, connection: psycopg.Connection[Any], keys: Iterable[int], *, seconds: int = 1) -> None:
        """Bring raw up to date for these accounts, with all beneath them."""
        self._clock += timedelta(seconds=seconds)
        wanted = [str(key) for key in keys]
        rows = {
            ACCOUNTS: [Record(str(key), str(key), entry) for key, entry in self.accounts.items()],
            CONTACTS: [
                Record(str(key), str(record["accountID"]), record) for key, record in self._beneath(self.contacts)
            ],
            PLANS: [Record(str(key), str(record["accountID"]), record) for key, record in self._beneath(self.plans)],
        }
        with connection.transaction():
            for table in OF_ACCOUNT:
                records = [row for row in rows[table] if row.customer_id in wanted]
                merge_records(connection, table, AGENCY, records, seen_at=self._clock, complete_for=wanted)

    def _beneath(self, records: dict[int, dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
        return [(key, record) for key, record in records.items() if record["accountID"] in self.accounts]


def account(
    key: int, *, group: str | None = None, first: str | None = None, last: str | None = None, email: str | None = None,
    link: str | None = None, of: int = 1, **members: Any,
) -> dict[str, Any]:  # fmt: skip
    """An Account record, of a group where it has a group's name; `link` says how it names customer `of`."""
    told: dict[str, Any] = {}
    if link in {"id", "upper"}:
        told["amsCustomerId"] = customer_id(of).upper() if link == "upper" else customer_id(of)
    elif link == "number":
        told["amsCustomerNumber"] = of
    made = {"accountID": key, "active": True, "accountType": "Client", "officeID": 1, **members}
    if group is not None:
        info = {"accountName": group, "accountIntegrationInfo": told}
        return {**made, "accountClassification": "Group", "groupAccountInfo": info}
    individual = {"personInfo": {"firstName": first, "lastName": last}, "email": email, "accountIntegrationInfo": told}
    return {**made, "accountClassification": "Individual", "individualAccountInfo": individual}


def account_contact(key: int, of: int, first: str | None, email: str | None) -> dict[str, Any]:
    """An AccountContact record."""
    return {"accountID": of, "primary": key == 1, "contact": {"contactID": key, "firstName": first, "lastName": "Poe",
                                                              "email": email}}  # fmt: skip


class BenefitPointHistory(History):
    """The same life, with accounts that come, go, change and are linked in between."""

    TABLES: ClassVar[tuple[str, ...]] = (
        *History.TABLES, "raw_benefitpoint.accounts", "raw_benefitpoint.contacts", "raw_benefitpoint.plans",
        "ops.account_links", "stage.account_touches", "stage.account_customers", "mart.accounts",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.settings = RuleSettings(benefitpoint_contacts=True)
        self.book = Book()

    def open_beside(self) -> None:
        """A person that AMS360 does not have, and two accounts that are customers of its."""
        self.book.accounts = {
            1: account(1, first="Ann", last="Doe", email="a@x.com"),
            2: account(2, group="Acme LLC", link="id", of=2),
            3: account(3, first="Cy", last="Poe", email="f@x.com", link="upper", of=3),
        }
        self.book.contacts[1] = account_contact(1, 2, "Kim", "e@x.com")
        self.book.store(self.connection, self.book.accounts)

    @rule(key=KEYS, group=FIRMS, first=NAMES, last=LAST, email=EMAILS, active=st.booleans(), link=LINKS, of=NUMBERS)
    def put_account(self, key: int, **given: Any) -> None:
        """Insert or edit an account, its link among all else."""
        self.book.accounts[key] = account(key, **given)

    @rule(key=st.integers(1, 4), of=KEYS, first=NAMES, email=EMAILS)
    def put_account_contact(self, key: int, of: int, first: str | None, email: str | None) -> None:
        """Insert or edit a contact, or move it to another account."""
        self.book.contacts[key] = account_contact(key, of, first, email)

    @rule(key=st.integers(1, 4), of=KEYS, status=st.sampled_from(["Current", "Cancelled", "Pending"]), ends=DAYS)
    def put_plan(self, key: int, of: int, status: str, ends: str) -> None:
        """Insert or edit a plan."""
        self.book.plans[key] = {
            "productID": key, "accountID": of, "productStatus": status, "effectiveAsOf": "2026-01-01T00:00:00",
            "renewalOn": ends, "carrierID": 1, "productTypeID": 1,
        }  # fmt: skip

    @rule(key=KEYS)
    def delete_account(self, key: int) -> None:
        """Take an account away; it may come back later."""
        self.book.accounts.pop(key, None)

    @rule(key=st.integers(1, 4), kind=st.sampled_from(["contacts", "plans"]))
    def delete_of_account(self, key: int, kind: str) -> None:
        """Take a contact or plan away."""
        getattr(self.book, kind).pop(key, None)

    @rule(key=KEYS, of=NUMBERS, said=st.sampled_from([None, "confirmed", "refused"]))
    def say(self, key: int, of: int, said: str | None) -> None:
        """A user's decision on a pair, by SQL as it may come; one account is said to be one customer at most."""
        self.connection.execute(
            """delete from ops.account_links where decided is not null
            and (benefitpoint_account_id = %s or ams360_customer_id = %s)""",
            (key, customer_id(of)),
        )
        # What a person takes back is found again by the ids.
        self.connection.execute(
            "insert into stage.account_touches (agency, kind, id) values (%s, 'account', %s)", (AGENCY, str(key))
        )
        if said:
            self.connection.execute(
                """insert into ops.account_links (agency, ams360_customer_id, benefitpoint_account_id, state, evidence,
                    score, decided) values (%s, %s, %s, 'dormant', 'person', 1, %s)
                on conflict (agency, ams360_customer_id, benefitpoint_account_id) do update set decided = excluded.decided""",
                (AGENCY, customer_id(of), key, said),
            )

    @rule(settings=SETTINGS, contacts=st.sampled_from([True, True, False]))
    def choose(self, settings: RuleSettings, contacts: bool) -> None:
        """Change the agency's settings."""
        self.settings = replace(settings, benefitpoint_contacts=contacts)

    @rule(keys=st.sets(KEYS, min_size=1))
    def read_accounts(self, keys: set[int]) -> None:
        """A daily sync of BenefitPoint."""
        self.book.store(self.connection, sorted(keys))
        refresh(self.connection, self.settings, self.today)
        self._compare()

    def _compare(self) -> None:
        # Every job publishes accounts, too; links are not to move by it once contacts are up to date.
        publish_accounts(self.connection, AGENCY)
        super()._compare()
        query = crosswalk_of(AGENCY, self.settings)
        assert list(self.connection.execute(f"select * from ({query}) q where places <> 1")) == []
        assert contacts_not_named_by_their_oldest(self.connection) == []
        if self.settings.benefitpoint_contacts:
            assert linked_apart(self.connection) == []
            self._ams360_alone()

    def _ams360_alone(self) -> None:
        """B4: where BenefitPoint has no member that gives values, a contact is what AMS360 alone makes it."""
        documents = [row[0] for row in self.connection.execute("select document from stage.contacts")]
        giving = {
            (row[0], row[1])
            for row in self.connection.execute(
                """select entity, entity_id from stage.candidates
                where system = 'benefitpoint' and follows_candidate is null and document ->> 'joined' is null"""
            )
        }
        mine = Counter(
            _values(document)
            for document in documents
            if not any((source["entity"], source["entity_id"]) in giving for source in document["sources"])
        )
        off = replace(self.settings, benefitpoint_contacts=False)
        alone = Counter(_values(document) for document in _documents(self.connection, off, self.today))
        assert mine <= alone


def contacts_not_named_by_their_oldest(connection: psycopg.Connection[Any]) -> list[Any]:
    """M3, B11: contacts whose id is not that of the member that was seen first."""
    return connection.execute(
        """select contact_id from stage.candidates join mart.contacts using (agency, contact_id)
        group by contact_id having contact_id <> (array_agg(candidate_id order by first_seen_at, candidate_id::text))[1]"""
    ).fetchall()


def linked_apart(connection: psycopg.Connection[Any]) -> list[Any]:
    """B11: accounts that are a customer who is a contact, and are not part of that contact."""
    return connection.execute(
        """select l.benefitpoint_account_id from ops.account_links l
        join mart.contact_sources c on (c.agency, c.system, c.entity, c.entity_id)
            = (l.agency, 'ams360', 'customer', l.ams360_customer_id)
        left join mart.contact_sources b on (b.agency, b.system, b.entity, b.entity_id)
            = (l.agency, 'benefitpoint', 'account', l.benefitpoint_account_id::text)
        where l.state = 'confirmed' and b.contact_id is distinct from c.contact_id"""
    ).fetchall()


def _values(document: dict[str, Any]) -> str:
    own = [source for source in document["sources"] if source["system"] != "benefitpoint"]
    return json.dumps({**document, "contact_id": None, "sources": own}, sort_keys=True)


def _documents(connection: psycopg.Connection[Any], settings: RuleSettings, today: Any) -> list[dict[str, Any]]:
    """The contacts' documents as these settings would have them."""
    found: list[dict[str, Any]] = []

    def look() -> None:
        found.extend(row[0] for row in connection.execute("select document from stage.contacts"))

    rebuilt(connection, settings, today, look)
    return found
