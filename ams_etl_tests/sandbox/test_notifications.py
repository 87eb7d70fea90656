"""The sandbox's notifications: what raises one, and AMS360's habits of sending."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ams_etl_tests.sandbox.notification_recipient import Recipient, recipient
from ams_etl_tests.sandbox.service import Service
from ams_etl_tests.sandbox_process import Sandbox


@pytest.fixture
def there() -> Iterator[Recipient]:
    with recipient() as taken:
        yield taken


def settled(sandbox: Sandbox) -> dict[str, Any]:
    """Return what the control API reports once nothing waits."""
    for _ in range(500):
        report: dict[str, Any] = sandbox.ask("notifications")
        if report["waiting"] == 0:
            return report
        time.sleep(0.02)
    raise AssertionError(f"still waiting: {report}")


def rename(sandbox: Sandbox, count: int) -> list[str]:
    """Edit this many customers, and return their ids in order."""
    ids = [row[0] for row in sandbox.ask("customers")[:count]]
    for key in ids:
        sandbox.edit("customers", "update", key, Occupation="Notifier")
    return ids


def ids_in(bodies: list[bytes], ids: list[str]) -> list[str]:
    return [next(key for key in ids if key.encode() in body) for body in bodies]


def test_edits_and_writes_are_told_but_for_those_that_ams360_says_nothing_of(
    service: Service, sandbox: Sandbox, there: Recipient
) -> None:
    """Profile answers, notations and the sort order of contacts raise none; only a full sync sees them."""
    sandbox.put("notifications", url=there.url, code="secret-code", version="3")
    customer_id = sandbox.ask("customers")[0][0]
    contact = sandbox.edit("customer_contacts", "insert", CustomerId=customer_id, ContactName="A")
    sandbox.edit("customer_contacts", "update", contact, SortOrder=3)
    sandbox.edit("customers", "update", customer_id, CustomerNotationId="00000000-0000-0000-0000-000000000001")
    answer = sandbox.ask("state/profile_answers")[0]
    sandbox.edit("profile_answers", "update", f"{answer['CustomerId']}/{answer['QuestionId']}", AnswerText="No")
    sandbox.edit("customers", "update", customer_id, Occupation="Same")
    sandbox.edit("customers", "update", customer_id, Occupation="Same")
    service("CustomerContactDelete", CustomerContactId=contact, CustomerId=customer_id)
    report = settled(sandbox)
    assert (report["raised"], report["delivered"], report["code"]) == (3, 3, "***")
    what = [
        (kind, change)
        for body in there.bodies
        for kind in ("CustomerContact", "Customer")
        for change in ("Inserted", "Updated", "Deleted")
        if f"<n:EntityType>{kind}<".encode() in body and f">{change}<".encode() in body
    ]
    assert what == [("CustomerContact", "Inserted"), ("Customer", "Updated"), ("CustomerContact", "Deleted")]
    assert all(b"secret-code" in body and customer_id.encode() in body for body in there.bodies)


def test_single_retry_tries_twice_and_then_forgets(sandbox: Sandbox, there: Recipient) -> None:
    """A notification that fails holds up no other."""
    ids = [row[0] for row in sandbox.ask("customers")[:4]]
    there.status = lambda body: 500 if ids[1].encode() in body else 200
    sandbox.put("notifications", url=there.url, retry="single", compress=3000)
    rename(sandbox, 4)
    report = settled(sandbox)
    assert Counter(ids_in(there.bodies, ids)) == {ids[0]: 1, ids[1]: 2, ids[2]: 1, ids[3]: 1}
    assert ids_in(there.bodies, ids)[-1] == ids[1]
    assert (report["delivered"], report["gave_up"], report["is_on"]) == (3, 1, True)
    assert [(unsent["customer_id"], unsent["why"]) for unsent in report["unsent"]] == [(ids[1], "gave up")]


def test_blocking_holds_up_everything_until_the_oldest_is_through_or_all_is_deleted(
    sandbox: Sandbox, there: Recipient
) -> None:
    """Nine tries, then the recipient is switched off and hears of nothing more."""
    ids = [row[0] for row in sandbox.ask("customers")[:5]]
    there.status = lambda _: 503 if len(there.bodies) < 4 else 200
    sandbox.put("notifications", url=there.url, retry="blocking", compress=1e7)
    rename(sandbox, 2)
    assert settled(sandbox)["delivered"] == 2
    assert ids_in(there.bodies, ids) == [ids[0]] * 4 + [ids[1]]

    there.bodies.clear()
    there.status = lambda body: 500 if ids[3].encode() in body else 200
    sandbox.put("notifications", compress=4e6)
    for key in ids[2:]:
        sandbox.edit("customers", "update", key, Occupation="Again")
    report = settled(sandbox)
    assert ids_in(there.bodies, ids) == [ids[2]] + [ids[3]] * 9
    assert (report["is_on"], report["gave_up"], report["deleted"]) == (False, 1, 1)
    assert [(unsent["customer_id"], unsent["why"]) for unsent in report["unsent"]] == [
        (ids[3], "gave up"),
        (ids[4], "deleted"),
    ]
    sandbox.edit("customers", "update", ids[0], Occupation="Unheard")
    assert settled(sandbox)["raised"] == 3


def test_what_is_lost_doubled_and_reordered_is_counted_exactly_and_can_be_repeated(
    sandbox: Sandbox, there: Recipient
) -> None:
    """The same seed strikes the same edits."""

    def once() -> tuple[dict[str, Any], Counter[str]]:
        there.bodies.clear()
        sandbox.put("notifications", url=there.url, lose=0.2, double=0.2, reorder=0.2, seed=5)
        ids = [row[0] for row in sandbox.ask("customers")]
        for key in ids:
            sandbox.edit("customers", "update", key, Occupation=f"{time.monotonic_ns()}")
        return settled(sandbox), Counter(ids_in(there.bodies, ids))

    report, arrived = once()
    lost = {unsent["customer_id"] for unsent in report["unsent"]}
    assert report["raised"] == len(lost) + len(arrived) == report["lost"] + len(arrived)
    assert sum(arrived.values()) == report["delivered"] == len(arrived) + report["doubled"]
    assert sorted(arrived.values()).count(2) == report["doubled"] > 0
    assert min(report["lost"], report["reordered"]) > 0
    ids = [row[0] for row in sandbox.ask("customers")]
    assert ids_in(there.bodies, ids) != [key for key in ids for _ in range(arrived[key])]
    again, arrived_again = once()
    assert (again["unsent"], arrived_again) == (report["unsent"], arrived)


def test_an_agency_that_drifts_changes_by_itself(sandbox: Sandbox, there: Recipient) -> None:
    sandbox.put("notifications", url=there.url)
    sandbox.put("drift", per_minute=6000)
    for _ in range(500):
        if sandbox.ask("drift")["made"] >= 60:
            break
        time.sleep(0.02)
    sandbox.put("drift", per_minute=0)
    report = settled(sandbox)
    assert report["raised"] == report["delivered"] > 30


@pytest.mark.parametrize("given", [{"version": "4"}, {"lose": 2}, {"url": "nowhere"}, {"unheard": 1}, {"compress": 0}])
def test_a_mistake_in_asking_changes_nothing(sandbox: Sandbox, given: dict[str, Any]) -> None:
    before = sandbox.ask("notifications")
    with pytest.raises(OSError, match="400"):
        sandbox.put("notifications", **given)
    assert sandbox.ask("notifications") == before
