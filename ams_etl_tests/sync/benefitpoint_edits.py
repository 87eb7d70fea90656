"""Edits as people in BenefitPoint make them; whatever text they write bears a mark, so that it is found wherever it goes."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ams_etl.sandbox.benefitpoint.book import integration_of
from ams_etl_tests.sandbox_process import Sandbox

MARK = "bpmark"
"""In every text that an edit writes, in whichever case; AMS360 may have it in the policies of added plans alone."""
_INFOS = {"Group": "groupAccountInfo", "Individual": "individualAccountInfo"}
_AREA = "907"
"""Nobody else's phone begins so."""
Record = dict[str, Any]


@dataclass(slots=True)
class BenefitPointEditor:
    """Edits a brokerage at random.

    Args:
        sandbox: the sandbox; the AMS360 beside it is only read.
        rng: decides everything.
        made: how many edits of each kind were made.
        added: plans that were added, by their id, each with the token that its policy number always holds.
    """

    sandbox: Sandbox
    rng: random.Random
    made: Counter[str] = field(default_factory=Counter)
    added: dict[int, str] = field(default_factory=dict)

    def edit(self) -> None:
        """Make one edit."""
        ways: dict[str, tuple[int, Callable[[], bool]]] = {
            "account renamed": (9, self._rename), "account moved": (8, self._move), "account reached otherwise": (9, self._reach),
            "account classified": (7, self._classify), "account switched": (4, self._switch),
            "account to another office": (4, self._office), "account added": (4, self._add_account),
            "account removed": (2, self._remove_account), "link set": (7, self._link), "link cleared": (4, self._unlink),
            "contact added": (5, self._add_contact), "contact edited": (9, self._edit_contact),
            "contact removed": (4, self._remove_contact), "plan edited": (16, self._edit_plan),
            "plan removed": (3, self._remove_plan), "plan added": (6, self._add_plan),
            "plan names a policy": (2, self._name_policy),
        }  # fmt: skip
        while True:
            name = self.rng.choices(list(ways), [weight for weight, _ in ways.values()])[0]
            if ways[name][1]():
                self.made[name] += 1
                return

    def _rename(self) -> bool:
        name = self._text("Bpmark")
        return self._of_account(
            lambda kind: (
                {"accountName": name} if kind == "Group" else {"personInfo": {"firstName": name, "lastName": "X"}}
            )
        )

    def _move(self) -> bool:
        state, zip_code = self.rng.choice((("Alaska", "99501"), ("Hawaii", "96801")))
        address = {
            "street1": self._text("1 Bpmark Road"),
            "city": self._text("Bpmark"),
            "state": state,
            "zip": zip_code,
        }
        return self._update("accounts", self._account(), mainAddress=address)

    def _reach(self) -> bool:
        if self.rng.random() < 0.5:
            return self._of_account(lambda kind: self._when_a_person(kind, email=f"{self._text(MARK)}@bp.example"))
        return self._of_account(lambda kind: self._when_a_person(kind, phone=self._phone()))

    def _classify(self) -> bool:
        more: Record = {
            "accountType": self.rng.choice(("Client", "Prospect", "Other")), "departmentID": self.rng.choice((11, 12, None)),
            "notes": self._text("Bpmark"),
        }  # fmt: skip
        return self._update("accounts", self._account(), **more)

    def _switch(self) -> bool:
        account = self._account()
        return self._update("accounts", account, active=not (account or {}).get("active"))

    def _office(self) -> bool:
        return self._update("accounts", self._account(), officeID=self.rng.randint(1, 3))

    def _add_account(self) -> bool:
        info: Record = {
            "personInfo": {"firstName": self._text("Bpmark"), "lastName": "New"},
            "accountIntegrationInfo": {},
        }
        if self.rng.random() < 0.6:
            info["accountIntegrationInfo"] = self._a_link()
        key = self.sandbox.benefitpoint.edit(
            "accounts", "insert", accountClassification="Individual", accountType="Client", officeID=1,
            administratorUserID=1, primaryContactUserID=1, active=True, individualAccountInfo=info,
        )  # fmt: skip
        return bool(key)

    def _remove_account(self) -> bool:
        account = self._account()
        return account is not None and self._delete("accounts", account["accountID"])

    def _link(self) -> bool:
        account = self._account(*_INFOS)
        return self._set_link(account, self._a_link())

    def _unlink(self) -> bool:
        account = self._account(*_INFOS)
        gone = self.rng.choice((("amsCustomerId",), ("amsCustomerNumber",), ("amsCustomerId", "amsCustomerNumber")))
        return self._set_link(account, dict.fromkeys(gone))

    def _add_contact(self) -> bool:
        account = self._account()
        contact = {"firstName": self._text("Bpmark"), "lastName": "Y", "email": f"{self._text(MARK)}@bp.example"}
        return account is not None and bool(
            self.sandbox.benefitpoint.edit(
                "contacts", "insert", contact=contact, accountID=account["accountID"], primary=False
            )
        )

    def _edit_contact(self) -> bool:
        change: Record = self.rng.choice(
            (
                {"firstName": self._text("Bpmark")}, {"email": f"{self._text(MARK)}@bp.example"}, {"phones": [self._phone()]},
                {"email": None},
            )
        )  # fmt: skip
        return self._update("contacts", self._any("contacts"), contact=change)

    def _remove_contact(self) -> bool:
        contact = self._any("contacts")
        return contact is not None and self._delete("contacts", contact["contact"]["contactID"])

    def _edit_plan(self) -> bool:
        plan = self._any("products")
        if plan is None:
            return False
        token = self.added.get(plan["productID"])
        changes: tuple[Record, ...] = (
            {"policyNumber": f"{token or 'BPMARK'} {self._number()}"}, {"carrierID": self.rng.randint(1, 7)},
            {"effectiveAsOf": f"2026-0{self.rng.randint(1, 9)}-01T00:00:00.000Z"},
            {"renewalOn": f"2099-0{self.rng.randint(1, 9)}-01T00:00:00.000Z"}, {"name": self._text("Bpmark")},
            {"totalEstimatedMonthlyPremium": self.rng.randint(4, 4000) / 4},
            {"productStatus": self.rng.choice(("Current", "Cancelled", "Pending"))},
        )  # fmt: skip
        return self._update("products", plan, **self.rng.choice(changes))

    def _remove_plan(self) -> bool:
        plan = self._any("products")
        return plan is not None and self._delete("products", plan["productID"])

    def _add_plan(self) -> bool:
        """Mostly on an account that names a customer."""
        found = [
            account
            for account in self.sandbox.benefitpoint.rows("accounts")
            if account["accountClassification"] in _INFOS
        ]
        if self.rng.random() < 0.8:
            found = [entry for entry in found if any(integration_of(entry).values())]
        if not found:
            return False
        account = self.rng.choice(found)
        token = f"BPMARK-A{len(self.added)}"
        key = self.sandbox.benefitpoint.edit(
            "products", "insert", accountID=account["accountID"], productTypeID=self.rng.randint(1, 7), name=self._text("Bpmark"),
            carrierID=self.rng.randint(1, 7), officeID=1, productStatus="Current", primarySalesLeadUserID=1,
            effectiveAsOf="2026-11-01T00:00:00.000Z", renewalOn="2099-11-01T00:00:00.000Z", primaryServiceLeadUserID=1,
            totalEstimatedMonthlyPremium=self.rng.randint(4, 4000) / 4, policyNumber=token,
        )  # fmt: skip
        self.added[key] = token
        return True

    def _name_policy(self) -> bool:
        """A plan names a policy of its account's customer, or none any more."""
        plan = self._any("products")
        if plan is None:
            return False
        link = integration_of(self.sandbox.benefitpoint.ask(f"state/accounts/{plan['accountID']}"))
        of = (link.get("amsCustomerId") or "").lower()
        policies = [
            policy["PolicyId"] for policy in self.sandbox.ask("state/policies") if policy["CustomerId"].lower() == of
        ]
        named = self.rng.choice(policies) if policies and self.rng.random() < 0.7 else None
        return self._update("products", plan, policyIntegrationInfo={"amsPolicyID": named})

    def _a_link(self) -> Record:
        key, number = self.rng.choice(self.sandbox.ask("customers"))
        ways: tuple[Record, ...] = (
            {"amsCustomerId": key, "amsCustomerNumber": number}, {"amsCustomerId": key.upper()},
            {"amsCustomerId": None, "amsCustomerNumber": number}, {"amsCustomerId": "0" * 8 + key[8:]},
        )  # fmt: skip
        return self.rng.choices(ways, (5, 2, 3, 1))[0]

    def _set_link(self, account: Record | None, link: Record) -> bool:
        return account is not None and self._update(
            "accounts", account, **{_INFOS[account["accountClassification"]]: {"accountIntegrationInfo": link}}
        )

    def _of_account(self, change: Callable[[str], Record | None]) -> bool:
        account = self._account(*_INFOS)
        if account is None:
            return False
        kind = account["accountClassification"]
        changed = change(kind)
        return changed is not None and self._update("accounts", account, **{_INFOS[kind]: changed})

    @staticmethod
    def _when_a_person(kind: str, **members: Any) -> Record | None:
        """Group accounts have neither email nor phone."""
        return members if kind == "Individual" else None

    def _account(self, *kinds: str) -> Record | None:
        rows = self.sandbox.benefitpoint.rows("accounts")
        found = [row for row in rows if not kinds or row["accountClassification"] in kinds]
        return self.rng.choice(found) if found else None

    def _any(self, kind: str) -> Record | None:
        rows = self.sandbox.benefitpoint.rows(kind)
        return self.rng.choice(rows) if rows else None

    def _update(self, kind: str, record: Record | None, **changes: Any) -> bool:
        if record is None:
            return False
        member = {"accounts": "accountID", "products": "productID"}.get(kind)
        key = record[member] if member else record["contact"]["contactID"]
        self.sandbox.benefitpoint.edit(kind, "update", key, **changes)
        return True

    def _delete(self, kind: str, key: int) -> bool:
        self.sandbox.benefitpoint.edit(kind, "delete", key)
        return True

    def _phone(self) -> Record:
        return {"areaCode": _AREA, "number": f"276-{self.rng.randint(0, 9999):04}", "type": "Work"}

    def _text(self, begin: str) -> str:
        return f"{begin} {self._number()}" if begin != MARK else f"{begin}{self._number()}"

    def _number(self) -> int:
        return self.rng.randrange(10**6)
