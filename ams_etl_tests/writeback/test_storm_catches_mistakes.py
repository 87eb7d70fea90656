"""The storm finds what it is there to find: each mistake that would double or lose a write makes it fail."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ams_etl.writeback.delivery import deliver
from ams_etl.writeback.outbox.outbox import Claimed, Outbox
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.writeback.storm import Findings, storm
from ams_etl_tests.writeback.working_agency import office


def _storm(connection: psycopg.Connection[Any], database: str) -> Findings:
    with running_sandbox(size=40) as sandbox:
        return storm(office(connection, sandbox), database, events=300, kills=0, seed=5, rates=0.05)


@pytest.mark.long
def test_a_lost_reply_that_is_taken_for_a_refusal_is_found(
    connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sending again blindly doubles activities and notes."""
    monkeypatch.setattr(deliver, "_may_have_happened", lambda error: False)
    assert any("2 times in AMS360" in entry for entry in _storm(connection, database).wrong)


@pytest.mark.long
def test_sending_again_without_looking_is_found(
    connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suspense would be there twice."""
    claim = Outbox.claim

    def forgetful(outbox: Outbox, limit: int) -> list[Claimed]:
        return [replace(entry, check_first=False) for entry in claim(outbox, limit)]

    monkeypatch.setattr(Outbox, "claim", forgetful)
    assert any("suspenses are not the tickets" in entry for entry in _storm(connection, database).wrong)


@pytest.mark.long
def test_an_outcome_that_is_not_recorded_is_found(
    connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused or is lost must not be listed as delivered."""
    judge = deliver._Drain._judge

    def hopeful(drain: Any, *given: Any, **more: Any) -> Any:
        found = judge(drain, *given, **more)
        return replace(found, status="delivered") if found.status == "pending" else found

    monkeypatch.setattr(deliver._Drain, "_judge", hopeful)
    assert any("0 times in AMS360" in entry for entry in _storm(connection, database).wrong)
