"""What people decide on the pages is done, once, and only if it is still as they saw it."""

from typing import Any

import psycopg
import pytest

from ams_etl.pages.screens.overview import bars
from ams_etl.pages.screens.settings import SENTENCES, as_yaml
from ams_etl.rules.contacts.reasons import REASONS
from ams_etl.rules.model import SkipReason
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.sync.contacts.plan import make_plan
from ams_etl_tests.pages.forms import column, form_of, forms_of
from ams_etl_tests.pages.pages_process import TODAY, Site, Visitor
from ams_etl_tests.sync.source_history import AGENCY, NO_BRAKE, customer_id, refresh


def test_an_uncertain_write_is_resolved_once(quiet: Site, operator: Visitor, stored: psycopg.Connection[Any]) -> None:
    """The page says where to look; a second person's decision is refused."""
    stored.execute("update ops.writebacks set status = 'uncertain' where agency = 'acme' and lane = 'uncertain'")
    page = operator.page("/acme/writeback")
    assert set(column(page, "Status")) <= {"uncertain", "failed"}
    assert "Open customer c-1 in AMS360: is there a note of" in page
    form = next(form for form in forms_of(page) if form.action.endswith("/resolve"))
    given = {**form.values, "decision": "delivered", "target_id": "n-1"}
    assert operator.post(form.action, given).status_code == 303
    assert operator.post(form.action, given).status_code == 422
    assert stored.execute(
        "select status, target_id from ops.writebacks where agency = 'acme' and lane = 'uncertain'"
    ).fetchall() == [("delivered", "n-1")]
    replay = form_of(operator.page("/acme/writeback?status=failed"), "/acme/writeback/replay")
    assert operator.post(replay.action, replay.values).status_code == 303
    assert operator.post(replay.action, replay.values).status_code == 409
    stored.execute(
        "update ops.writebacks set status = 'uncertain', target_id = null where agency = 'acme' and lane = 'uncertain'"
    )


def test_a_plan_that_moved_on_is_not_applied(
    quiet: Site, operator: Visitor, admin: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """Nor is one that the brake stopped applied by an operator; the new plan is shown instead."""
    make_plan(stored, AGENCY, RuleSettings(), NO_BRAKE, TODAY)
    seen = form_of(operator.page("/acme/plan"), "/acme/plan/apply")
    make_plan(stored, AGENCY, RuleSettings(), NO_BRAKE, TODAY)
    stored.execute("update stage.plans set stopped_by = 'too many deletions' where agency = 'acme'")
    for action in ("/acme/plan/apply", "/acme/plan/discard"):
        answer = operator.post(action, seen.values)
        assert answer.status_code == 409
        assert "not the latest any more" in answer.text
        assert "too many deletions" in answer.text
    assert not [form for form in forms_of(operator.page("/acme/plan")) if form.action == "/acme/plan/apply"]
    newest = form_of(admin.page("/acme/plan"), "/acme/plan/apply")
    assert operator.post(newest.action, newest.values).status_code == 403
    discard = form_of(operator.page("/acme/plan"), "/acme/plan/discard")
    assert operator.post(discard.action, discard.values).status_code == 303
    assert stored.execute("select count(*) from stage.plans where agency = 'acme'").fetchone() == (0,)


def test_a_suggested_link_is_confirmed_and_undone(
    quiet: Site, operator: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """The second of two decisions sees the first."""
    stored.execute(
        """insert into raw_benefitpoint.accounts (agency, entity_id, customer_id, payload, content_hash, first_seen_at,
            last_seen_at)
        values ('acme', '7', '7', '{"accountID": 7, "active": true, "accountClassification": "Group",
            "groupAccountInfo": {"accountName": "Jon Doe"}}', '\\x00', now(), now()) on conflict do nothing"""
    )
    stored.execute(
        """insert into ops.account_links (agency, ams360_customer_id, benefitpoint_account_id, state, evidence, score)
        values ('acme', %s, 7, 'suggested', 'name', 0.9) on conflict do nothing""",
        (customer_id(1),),
    )
    form = form_of(operator.page("/acme/accounts/links"), "/acme/accounts/links", account_id="7")
    confirmed = operator.post(form.action, {**form.values, "decision": "confirmed"})
    assert confirmed.status_code == 303, confirmed.text
    assert operator.post(form.action, {**form.values, "decision": "refused"}).status_code == 409
    both = "select ams360_synced and benefitpoint_synced from mart.accounts where agency = 'acme' and benefitpoint_account_id = 7"
    assert stored.execute(both).fetchall() == [(True,)]
    page = operator.page("/acme/accounts?synced=both")
    assert column(page, "AMS360") == ["AMS360 synced"]
    assert column(page, "BenefitPoint") == ["BenefitPoint synced"]
    again = form_of(operator.page("/acme/accounts/links"), "/acme/accounts/links", account_id="7")
    assert operator.post(again.action, {**again.values, "decision": "undo"}).status_code == 303
    acts = column(operator.page("/acme/activity?user=operator"), "What")
    assert {"link undo", "link confirmed"} <= set(acts)


def test_a_suggested_merge_is_decided_once_and_undone(
    quiet: Site, operator: Visitor, viewer: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """As `ams-etl merges` decides; a form that is older than somebody's decision about the same customer does nothing."""
    address, gone, there = "/acme/accounts/merges", customer_id(90), customer_id(20)
    stored.execute("delete from ops.customer_merge_decisions")
    refresh(stored, RuleSettings(), TODAY)
    assert [form.action for form in forms_of(viewer.page(address)) if form.method == "post"] == ["/sign-out"]
    page = operator.page(address + "?q=90")
    assert [column(page, title) for title in ("State", "Because of", "Customer that is gone", "Its number")] == [
        ["suggested"], ["equal: name"], ["Pat20 Many"], ["20"],
    ]  # fmt: skip
    form = form_of(page, address, customer_id=gone)
    for decision in ("nonsense", "undo"):
        assert operator.post(address, {**form.values, "decision": decision}).status_code in {409, 422}
    assert operator.post(address, {**form.values, "decision": "confirmed"}).status_code == 303
    assert operator.post(address, {**form.values, "decision": "refused"}).status_code == 409
    assert column(operator.page(address + "?q=90"), "State") == ["merged"], "before the sync that acts on it"
    refresh(stored, RuleSettings(), TODAY)
    merged = "select merged_into, evidence from stage.merged_customers where agency = 'acme' and customer_id = %s"
    assert stored.execute(merged, (gone,)).fetchall() == [(there, "confirmed")]
    assert column(operator.page(address + "?state=merged"), "Decided by") == ["operator"]
    for decision, state in (("refused", "refused"), ("undo", "suggested")):
        form = form_of(operator.page(address), address, customer_id=gone)
        assert operator.post(address, {**form.values, "decision": decision}).status_code == 303
        assert column(operator.page(address), "State") == [state]
    refresh(stored, RuleSettings(), TODAY)
    assert stored.execute(merged, (gone,)).fetchall() == []
    assert {"merge confirmed", "merge refused", "merge undo"} <= set(column(operator.page("/acme/activity"), "What"))


def test_what_needs_a_person_is_on_the_overview_with_where_it_is_done(
    quiet: Site, viewer: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """The most urgent first; every link leads somewhere."""
    stored.execute("insert into ops.login_refusals (agency, system, fingerprint) values ('acme', 'ams360', 'x')")
    page = viewer.page("/acme")
    stored.execute("delete from ops.login_refusals")
    assert page.index("refused the login") < page.index("unknown outcome") < page.index("could not be interpreted")
    for address in (
        "/acme/writeback?status=uncertain",
        "/acme/log/notifications?state=parked",
        "/acme/missing?reason=quarantined",
    ):
        assert f'href="{address}"' in page
        viewer.page(address)


def test_notifications_that_came_twice_are_counted(viewer: Visitor, stored: psycopg.Connection[Any]) -> None:
    """The same record and change shortly after; another change, or the same one much later, does not count."""
    stored.execute(
        """insert into ops.notifications (agency, received_at, state, object_type, change, keys, settled_at)
        select 'acme', now() - make_interval(mins => m), 'done', 'policy', c, '{"PolicyId": "p-1"}', now()
        from (values (300, 'update'), (60, 'update'), (58, 'update'), (57, 'insert'), (55, 'update')) n (m, c)"""
    )
    page = viewer.page("/acme/log/notifications")
    stored.execute("delete from ops.notifications where object_type = 'policy'")
    assert "2 of the last day's doubled one" in page.replace("&#39;", "'")
    assert "doubled" not in viewer.page("/acme/log/notifications")


def test_every_reason_and_every_setting_has_a_sentence() -> None:
    from dataclasses import fields
    from typing import get_args

    assert set(REASONS) == set(get_args(SkipReason))
    names = {field.name for field in fields(RuleSettings)} - {"source_system", "benefitpoint_contacts"}
    assert set(SENTENCES) == names
    assert {reason.setting for reason in REASONS.values() if reason.setting} <= names
    assert [as_yaml(value) for value in (True, "all", ["a", "b"], {"within_days": 90})] == [
        "true",
        "all",
        "[a, b]",
        "{within_days: 90}",
    ]


def test_missing_says_the_reason_and_tries_the_setting(quiet: Site, viewer: Visitor) -> None:
    page = viewer.page("/acme/missing?q=Idle")
    assert "It is inactive in AMS360." in page
    assert "/acme/settings?key=import_inactive&amp;value=true#try" in page
    assert "settings: {import_inactive: true}" in viewer.page("/acme/settings?key=import_inactive&value=true")


def test_set_up_shows_the_values_to_copy_to_who_may_act(viewer: Visitor, operator: Visitor) -> None:
    """The code itself only to an operator who asks for it."""
    code = "code-of-the-tests-0123456789"
    page = operator.page("/acme/set-up?reveal=1")
    assert f"https://hooks.example.com/ams/notifications/acme/{code}" in page
    for value in (
        "Single Retry",
        "2.0",
        "AmsEtlNotificationClientService",
        "Entity Access Security Only",
        "Check All",
        "Customer Dependent",
    ):
        assert value in page
    assert code not in viewer.page("/acme/set-up?reveal=1") + operator.page("/acme/set-up")


@pytest.mark.parametrize("seconds", [[], [0.0], [1.0, 4.0, 2.0]])
def test_the_chart_has_a_bar_for_each_day_in_proportion(seconds: list[float]) -> None:
    drawn = bars([(TODAY, second) for second in seconds])
    assert len(drawn) == len(seconds)
    if len(seconds) == 3:
        assert drawn[1].height == pytest.approx(4 * drawn[0].height)
        assert drawn[1].y == pytest.approx(0)


def test_a_job_whose_process_is_gone_fails_and_makes_room(site: Site, stored: psycopg.Connection[Any]) -> None:
    """After a kill of the page, nobody waits for ever."""
    from ams_etl.pages.jobs.queue import claim, find_job

    row = stored.execute(
        """insert into ops.page_jobs (agency, kind, requested_by, state, seen_at)
        values ('other', 'sync', 'stranger', 'running', now() - interval '2 minutes') returning job_id::text"""
    ).fetchone()
    assert row is not None
    with connect(site.database) as connection:
        claim(connection)
        job = find_job(connection, "other", row[0])
    assert job is not None
    assert (job.state, "is gone" in job.output) == ("failed", True)
