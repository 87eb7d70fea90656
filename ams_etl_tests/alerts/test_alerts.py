"""Each incident arrives once when it begins and once when it is over, by every way; a burst arrives as one summary."""

import json
import uuid
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from click.testing import CliRunner

from ams_etl.alerts.channels import SIGNATURE, sign
from ams_etl.alerts.logins import check_due
from ams_etl.alerts.watch import look
from ams_etl.cli import cli
from ams_etl.settings import load_agencies
from ams_etl.store.database import dagster_url
from ams_etl.store.signs_of_life.followers import beat
from ams_etl_tests.alerts.receivers import Hook, Mailbox, mail_server, webhook
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox

SECRET = "a-key-for-tests"


@dataclass
class Watched:
    """An installation with three channels, evaluated when a test says so."""

    connection: psycopg.Connection[Any]
    instance: dg.DagsterInstance
    file: Path
    mail: Mailbox
    slack: Hook
    signed: Hook

    def look(self) -> int:
        return look(self.connection, self.instance, load_agencies(self.file))

    def finish(self, agency: str, status: dg.DagsterRunStatus, job: str = "sync") -> str:
        """Record a finished run."""
        run_id = str(uuid.uuid4())
        self.instance.add_run(
            dg.DagsterRun(job_name=job, run_id=run_id, status=status, tags={"dagster/partition": agency})
        )
        return run_id

    def check(
        self, agency: str, *, passed: bool, name: str = "most_employees_are_mapped", blocking: bool = False
    ) -> None:
        """Report a check's result as a run does."""
        run_id = self.finish(agency, dg.DagsterRunStatus.STARTED)
        self.instance.report_dagster_event(
            dg.DagsterEvent(
                event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
                job_name="sync",
                event_specific_data=dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey(["mart", "connections"]), check_name=name, passed=passed, metadata={},
                    severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN, partition=agency,
                    blocking=blocking,
                ),
            ),
            run_id=run_id,
        )  # fmt: skip

    def subjects(self) -> list[str]:
        """Return the mails' subjects since the last call, after checking that the other ways say the same."""
        mails = [str(mail["Subject"]) for mail in self.mail.mails]
        assert [json.loads(body)["subject"] for _, body in self.signed.requests] == mails
        assert [json.loads(body)["text"].split("*")[1] for _, body in self.slack.requests] == mails
        for received in (self.mail.mails, self.slack.requests, self.signed.requests):
            received.clear()
        return mails


@pytest.fixture
def watched(
    connection: psycopg.Connection[Any], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    with mail_server() as mail, webhook() as slack, webhook() as signed, dagster_in(database) as instance:
        for name, value in (
            ("TEST_SLACK_URL", slack.url), ("TEST_HOOK_URL", signed.url), ("TEST_HOOK_SECRET", SECRET),
            ("AMS_ETL_DATABASE_URL", database), ("AMS_ETL_HOME", str(tmp_path)),
        ):  # fmt: skip
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AMS_ETL_CONFIG", raising=False)
        file = tmp_path / "agencies.yaml"
        file.write_text(yaml.safe_dump(settings(mail.port)))
        watching = Watched(connection, instance, file, mail, slack, signed)
        watching.look()
        yield watching


def dagster_in(database: str) -> AbstractContextManager[dg.DagsterInstance]:
    """Dagster's storage in the same Postgres, as an installation has it."""
    storage = {"postgres": {"postgres_url": dagster_url(database)}}
    return dg.instance_for_test(overrides={"storage": storage})


def settings(port: int) -> dict[str, Any]:
    smtp = {"host": "127.0.0.1", "port": port, "tls": "none"}
    return {
        "agencies": [],
        "alerts": {
            "gather_seconds": 0,
            "channels": [
                {"name": "ops", "kind": "mail", "to": ["ops@example.com"], "sender": "etl@example.com", "smtp": smtp},
                {"name": "slack", "kind": "slack", "url_env": "TEST_SLACK_URL"},
                {"name": "pager", "kind": "webhook", "url_env": "TEST_HOOK_URL", "secret_env": "TEST_HOOK_SECRET"},
            ],
        },
    }


def test_a_failed_run_arrives_once_and_its_end_once(watched: Watched) -> None:
    for _ in range(3):
        watched.finish("acme", dg.DagsterRunStatus.FAILURE)
        watched.look()
    assert watched.subjects() == ["[ams-etl] error: sync failed for acme"]
    watched.finish("acme", dg.DagsterRunStatus.SUCCESS, job="writeback")
    watched.look()
    assert watched.subjects() == []
    watched.finish("acme", dg.DagsterRunStatus.SUCCESS)
    watched.look()
    watched.look()
    assert watched.subjects() == ["[ams-etl] over: sync failed for acme"]
    watched.finish("acme", dg.DagsterRunStatus.FAILURE)
    watched.look()
    assert watched.subjects() == ["[ams-etl] error: sync failed for acme"]


def test_a_failed_warning_check_arrives_though_its_run_is_green(watched: Watched) -> None:
    """By runs of Dagster's own: the check fails, the run succeeds, and that success does not end the incident."""
    answers = iter([False, False, True])

    agencies = dg.StaticPartitionsDefinition(["acme"])

    @dg.asset(key=["mart", "connections"], partitions_def=agencies)
    def connections() -> None:
        """Write nothing."""

    with warnings.catch_warnings():
        # Partitions of checks are in preview in Dagster 1.13.
        warnings.simplefilter("ignore", dg.PreviewWarning)

        @dg.asset_check(asset=connections, name="most_employees_are_mapped", partitions_def=agencies)
        def mapped() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=next(answers), severity=dg.AssetCheckSeverity.WARN)

    def sync() -> None:
        made = dg.materialize([connections, mapped], instance=watched.instance, partition_key="acme")
        assert made.success
        watched.look()

    sync()
    sync()
    assert watched.subjects() == ["[ams-etl] warning: check most_employees_are_mapped failed for acme"]
    sync()
    assert watched.subjects() == ["[ams-etl] over: check most_employees_are_mapped failed for acme"]


def test_a_stopped_publish_is_one_incident_not_two(watched: Watched) -> None:
    """The run fails because the check does."""
    watched.check("acme", passed=False, name="the_brake_lets_it_through", blocking=True)
    run = watched.instance.get_runs()[0]
    watched.instance.report_run_failed(run)
    watched.look()
    assert watched.subjects() == ["[ams-etl] error: check the_brake_lets_it_through stopped the publish for acme"]


def test_five_hundred_failed_runs_arrive_as_one_summary(watched: Watched) -> None:
    for number in range(500):
        watched.finish(f"agency-{number:03}", dg.DagsterRunStatus.FAILURE)
    watched.look()
    text = str(watched.mail.mails[0].get_content())
    [subject] = watched.subjects()
    assert subject == "[ams-etl] 500 incidents: 500 new: run failed (error)"
    assert "agency-000, agency-001" in text
    assert "and 480 more" in text
    watched.look()
    assert watched.subjects() == []


def test_uncertain_writes_and_a_dead_daemon_arrive_and_end(watched: Watched) -> None:
    watched.connection.execute(
        """insert into ops.writebacks (agency, kind, operation, lane, customer_id, request, status)
        values ('acme', 'note', 'note', 'c1', 'c1', '{}', 'uncertain')"""
    )
    watched.look()
    assert watched.subjects() == ["[ams-etl] warning: 1 uncertain writes of acme wait for a decision"]
    watched.connection.execute("update ops.writebacks set status = 'delivered', settled_at = now()")
    watched.look()
    assert watched.subjects() == ["[ams-etl] over: 1 uncertain writes of acme wait for a decision"]
    heartbeat(watched.instance, age=10_000)
    watched.look()
    assert watched.subjects() == ["[ams-etl] error: Dagster's daemon does not work"]
    heartbeat(watched.instance, age=0)
    watched.look()
    assert watched.subjects() == ["[ams-etl] over: Dagster's daemon does not work"]


def test_a_dead_follower_arrives_and_ends(watched: Watched) -> None:
    """One that was stopped on purpose has left no row."""
    watched.connection.execute(
        "insert into ops.followers (follower, beat_at) values ('gone', clock_timestamp() - interval '10 minutes')"
    )
    watched.look()
    assert watched.subjects() == ["[ams-etl] error: the follower does not work"]
    beat(watched.connection, "new")
    watched.look()
    assert watched.subjects() == ["[ams-etl] over: the follower does not work"]


def test_a_silent_agency_arrives_once_and_ends_with_its_next_notification(watched: Watched) -> None:
    """One every two hours for three days, then none for four hours."""
    document = yaml.safe_load(watched.file.read_text())
    ams360 = {"wsdl": "https://x/?wsdl", "agency_no": "1234567-1", "login_id": "etl", "password_env": "X_Y"}
    notifications = {"authentication_code_env": "A_B"}
    document["agencies"] = [{"id": "acme", "name": "A", "ams360": ams360, "notifications": notifications}]
    watched.file.write_text(yaml.safe_dump(document))
    watched.connection.execute(
        """insert into ops.notifications (agency, received_at, state)
        select 'acme', now() - make_interval(hours => 4 + 2 * n), 'ignored' from generate_series(0, 36) n"""
    )
    watched.look()
    watched.look()
    assert watched.subjects() == ["[ams-etl] warning: acme has sent no notification for 4.0 hours"]
    watched.connection.execute("insert into ops.notifications (agency, state) values ('acme', 'ignored')")
    watched.look()
    watched.look()
    assert watched.subjects() == ["[ams-etl] over: acme has sent no notification for 4.0 hours"]


def heartbeat(instance: dg.DagsterInstance, age: float) -> None:
    import time

    from dagster._daemon.types import DaemonHeartbeat

    for kind in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - age, kind, str(uuid.uuid4()), []))


def test_what_a_receiver_did_not_take_comes_again_and_others_are_not_held_up(watched: Watched) -> None:
    watched.slack.status = 503
    watched.finish("acme", dg.DagsterRunStatus.FAILURE)
    watched.look()
    assert len(watched.mail.mails) == len(watched.signed.requests) == 1
    watched.slack.status = 200
    watched.look()
    watched.look()
    assert watched.subjects() == ["[ams-etl] error: sync failed for acme"]


def test_severity_and_agencies_choose_the_channel(watched: Watched) -> None:
    document = yaml.safe_load(watched.file.read_text())
    mail, slack, _ = document["alerts"]["channels"]
    mail["severity"] = "error"
    slack["agencies"] = ["acme"]
    watched.file.write_text(yaml.safe_dump(document))
    watched.check("acme", passed=False)
    watched.finish("other", dg.DagsterRunStatus.FAILURE)
    watched.look()
    assert [str(mail["Subject"]) for mail in watched.mail.mails] == ["[ams-etl] error: sync failed for other"]
    assert len(watched.slack.requests) == 1
    assert len(watched.signed.requests) == 2


def test_a_lasting_incident_is_reminded_of_when_its_time_has_come(watched: Watched) -> None:
    watched.finish("acme", dg.DagsterRunStatus.FAILURE)
    watched.look()
    watched.subjects()
    watched.connection.execute("update ops.alerts set sent_at = now() - interval '25 hours'")
    watched.look()
    watched.look()
    assert len(watched.subjects()) == 1


def test_a_login_that_stops_working_reaches_the_technical_contact_once_and_its_mending_once(
    watched: Watched, sandbox: Sandbox, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrong password is tried once, however often somebody looks; the other agency's contact hears nothing."""
    document = yaml.safe_load(watched.file.read_text())
    smtp = document["alerts"]["channels"][0]["smtp"]
    document["alerts"] |= {"channels": [], "smtp": smtp, "sender": "etl@example.com"}
    ams360 = {"wsdl": sandbox.wsdl, "login_id": "etl", "password_env": "TEST_AMS360_PASSWORD"}
    document["agencies"] = [
        {"id": "acme", "name": "Acme", "technical_contact": ["it@acme.example"], "ams360": {**ams360, "agency_no": AGENCY_NO}},
        {"id": "other", "name": "Other", "technical_contact": ["it@other.example"],
         "ams360": {**ams360, "agency_no": "5551234-2", "password_env": "TEST_UNSET_PASSWORD"}},
    ]  # fmt: skip
    watched.file.write_text(yaml.safe_dump(document))
    said: list[tuple[str, str]] = []

    def look(password: str, hours_later: float = 0) -> None:
        monkeypatch.setenv("TEST_AMS360_PASSWORD", password)
        watched.connection.execute(
            "update ops.login_checks set claimed_at = claimed_at - make_interval(secs => %s)", (hours_later * 3600,)
        )
        while check_due(watched.connection, database, load_agencies(watched.file)):
            pass
        watched.look()
        said.extend((str(mail["To"]), str(mail["Subject"])) for mail in watched.mail.mails)

    look("sandbox")
    before = int(sandbox.ask("stats")["calls"].get("Login", 0))
    look("wrong")
    assert said == [], "what worked is asked again after a day, not before"
    for hours in (25, 2, 2):
        look("wrong", hours)
    title = "the login of Acme to AMS360 does not work"
    assert said[:1] == [("it@acme.example", f"[ams-etl] error: {title}")]
    text = str(watched.mail.mails[0].get_content())
    assert "Administration > Web Service API" in text
    assert "wrong" not in text.replace("What is wrong", "")
    assert len(watched.mail.mails) == 1
    assert int(sandbox.ask("stats")["calls"].get("Login", 0)) == before + 1, "one refused login a day"
    watched.mail.mails.clear()
    said.clear()
    for hours in (2, 2):
        look("sandbox", hours)
    assert [str(mail["Subject"]) for mail in watched.mail.mails] == [f"[ams-etl] over: {title}"]


def test_a_technical_contact_without_a_mail_server_gets_no_mail_and_keeps_no_agency_out(tmp_path: Path) -> None:
    """Nor with half of what a mail server needs; `ams-etl doctor` reports it."""
    document = {"agencies": [{"id": "acme", "name": "Acme", "technical_contact": ["it@acme.example"],
                              "hawksoft": {"agency_id": 7, "client_id": "x", "client_secret_env": "X_Y"}}]}  # fmt: skip
    file = tmp_path / "agencies.yaml"
    halves: tuple[dict[str, object], ...] = ({}, {"sender": "etl@example.com"}, {"smtp": {"host": "smtp.example.com"}})
    for alerts in halves:
        file.write_text(yaml.safe_dump({**document, "alerts": alerts}))
        agencies = load_agencies(file)
        assert (agencies.get("acme").id, agencies.unusable, agencies.alert_channels) == ("acme", {}, ())
        assert list(agencies.without_effect) == ["acme"]
        assert "agencies.acme.technical_contact gets no mail" in agencies.without_effect["acme"]
    file.write_text(yaml.safe_dump({**document, "alerts": halves[1] | halves[2]}))
    agencies = load_agencies(file)
    assert not agencies.without_effect
    assert [channel.to for channel in agencies.alert_channels] == [("it@acme.example",)]


def test_the_signature_is_of_the_body_and_the_time(watched: Watched) -> None:
    """As docs/alerts.md tells a receiver to check it."""
    watched.finish("acme", dg.DagsterRunStatus.FAILURE)
    watched.look()
    [(headers, body)] = watched.signed.requests
    at = int(headers[SIGNATURE].split(",")[0].removeprefix("t="))
    assert headers[SIGNATURE] == sign(body, SECRET, at)
    assert headers[SIGNATURE] != sign(body + b" ", SECRET, at)


def test_the_test_command_says_which_channel_took_the_message(watched: Watched) -> None:
    runner = CliRunner()
    result = runner.invoke(cli, ["alerts", "test"])
    assert result.exit_code == 0, result.output
    assert result.output.count("ok ") == 3
    assert watched.subjects() == ["[ams-etl] test"]
    watched.slack.status = 404
    result = runner.invoke(cli, ["alerts", "test"])
    assert "WRONG  slack" in result.output
    assert watched.slack.url not in result.output
