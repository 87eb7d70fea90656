"""The inbound service over real HTTP, on a real Postgres: dialects, refusals, limits, parking and replay, capture."""

import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner
from lxml import etree

from ams_etl.cli import cli
from ams_etl.inbound.notifications import mapping
from ams_etl.sync.notifications.batches import claim, close
from ams_etl_tests.inbound.bodies import ASSUMED, ASSUMED_GUID, SOAP11, SOAP12, assumed_soap
from ams_etl_tests.inbound.conftest import Rows
from ams_etl_tests.inbound.service_process import CODE, Service, environment, running_service, write_agencies


def test_every_dialect_is_understood_and_answered_in_its_own(service: Service, rows: Rows) -> None:
    """One notification in eight spellings: eight rows that say the same."""
    answers = {name: service.post(body) for name, body in ASSUMED.items()}
    assert {status for status, _, _ in answers.values()} == {200}
    for name, envelope, kind in (("soap11", SOAP11, "text/xml"), ("soap12", SOAP12, "application/soap+xml")):
        _, body, headers = answers[name]
        assert headers["content-type"] == f"{kind}; charset=utf-8"
        assert etree.fromstring(body).find(f"{{{envelope}}}Body")[0].tag == "{urn:assumed:v2}NotifyResponse"
    assert etree.fromstring(answers["xml event"][1]).findtext("Success") == "true"
    assert json.loads(answers["json"][1]) == {"success": True}
    assert [(row["state"], row["object_type"], row["change"], row["keys"]) for row in rows()] == [
        ("pending", "customer", "update", {"CustomerId": ASSUMED_GUID})
    ] * len(ASSUMED)


@pytest.mark.parametrize(
    ("body", "content_type", "keys"),
    [
        ("<n><Action>U</Action><Entity>Customer</Entity><Keys><CustomerId>k1</CustomerId><CustomerId>k2</CustomerId>"
         "<CustomerId>k3</CustomerId></Keys></n>", "text/xml", ["k1", "k2", "k3"]),
        ('{"type": "customer.updated", "keys": [{"name": "CustomerId", "value": "k1"}, {"name": "CustomerId", "value": "k2"}]}',
         "application/json", ["k1", "k2"]),
        ("entity=Customer&action=U&customerId=k1&customerId=k2", "application/x-www-form-urlencoded", ["k1", "k2"]),
        ("<n><Action>U</Action><Entity>Policy</Entity><CustomerId>k1</CustomerId><CustomerId>k2</CustomerId></n>",
         "text/xml", None),
    ],
    ids=["xml", "json", "form", "a policy of two customers"],
)  # fmt: skip
def test_every_key_of_a_notification_becomes_a_row_or_it_is_parked(
    service: Service, rows: Rows, body: str, content_type: str, keys: list[str] | None
) -> None:
    """Nothing of it is done before all customers that it names were read."""
    assert service.post(body.encode(), content_type=content_type)[0] == 200
    found = [(row["state"], (row["keys"] or {}).get("CustomerId"), row["part"]) for row in rows()]
    if keys is None:
        assert [state for state, _, _ in found] == ["parked"]
    else:
        assert found == [("pending", key, part) for part, key in enumerate(keys)]


def test_unknown_agency_and_wrong_code_look_the_same_and_are_counted(
    service: Service, connection: psycopg.Connection[Any], rows: Rows
) -> None:
    """Who tries learns nothing, not even which agencies there are; nothing about it is stored but how often."""
    wrong = CODE[:-1] + "0"
    refused = [
        service.post(body, path)
        for path, body in (
            (f"/notifications/demo/{wrong}", ASSUMED["soap11"]),
            (f"/notifications/nobody/{CODE}", ASSUMED["soap11"]),
            ("/notifications/demo", ASSUMED["soap11"]),
            ("/notifications/nobody", assumed_soap(code=CODE)),
            ("/notifications/demo", assumed_soap(code=wrong)),
            (f"/notifications/demo/{CODE}", assumed_soap(code=wrong)),
        )
    ]
    assert {(status, body, tuple(sorted(set(headers) - {"date"}))) for status, body, headers in refused} == {
        (404, b"Not Found", ("connection", "content-length", "content-type"))
    }
    assert service.post(assumed_soap(code=CODE), "/notifications/demo")[0] == 200
    assert len(rows()) == 1
    for _ in range(100):
        counted = dict(
            connection.execute("select agency, sum(count) from ops.notification_refusals group by 1").fetchall()
        )
        if sum(counted.values()) == len(refused):
            break
        time.sleep(0.05)
    assert counted == {"demo": 4, "": 2}


def test_no_secret_is_stored(service: Service, rows: Rows) -> None:
    """The code goes wherever it is; of a record's data the secret members go, and nothing else."""
    sent = assumed_soap(code=CODE).replace(
        b"<n:Keys>", b"<SSN>123-45-6789</SSN><DriversLicense x='1'>D1</DriversLicense><LastName>Doe</LastName><n:Keys>"
    )
    wide = sent.replace(b"utf-8", b"utf-16").decode().encode("utf-16")
    as_json = json.dumps({"authCode": CODE, "federal_tax_id_number": 99, "note": f"see {CODE}", "name": "Doe"}).encode()
    for body in (sent, wide, as_json):
        assert service.post(body)[0] == 200
    kept = [bytes(row["body"]) for row in rows()]
    masked = sent.replace(CODE.encode(), b"***").replace(b"123-45-6789", b"***").replace(b">D1<", b">***<")
    assert kept[0] == masked
    assert kept[1].decode("utf-16") == masked.replace(b"utf-8", b"utf-16").decode()
    assert json.loads(kept[2]) == {"authCode": "***", "federal_tax_id_number": "***", "note": "see ***", "name": "Doe"}


def test_a_body_beyond_the_limit_is_refused_whether_it_says_so_or_not(service: Service, rows: Rows) -> None:
    """413 before the body is read; a chunked one as soon as it has grown too long."""
    said = {"Content-Type": "text/xml", "Content-Length": "200000"}
    assert service.ask("POST", f"/notifications/demo/{CODE}", b"<a>", said)[0] == 413
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname, parts.port or 0), 10) as raw:
        raw.sendall(
            f"POST /notifications/demo/{CODE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        for _ in range(4):
            raw.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")
    assert rows() == []


@pytest.mark.parametrize(
    "said", [b"", b"POST /noti", b"POST /notifications/demo/%b HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n<a"]
)
def test_a_slow_client_is_cut_off(service: Service, rows: Rows, said: bytes) -> None:
    """Silent, in the middle of its headers or of its body: the connection ends, nothing is stored, others go on."""
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname, parts.port or 0), 20) as raw:
        raw.sendall(said.replace(b"%b", CODE.encode()))
        with suppress(ConnectionResetError):
            assert raw.recv(100) == b""
    assert service.post(ASSUMED["json"])[0] == 200
    assert len(rows()) == 1


def test_one_request_may_carry_several_and_what_is_parked_is_understood_once_the_mapping_is_mended(
    service: Service, rows: Rows, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The good ones of a list do not wait for the bad one; replay leaves what is settled alone."""
    batch = {"items": [
        {"objectType": "Customer", "change": "insert", "customerId": "a1"},
        {"objectType": "Klient", "change": "update", "customerId": "a2"},
        {"objectType": "Claim", "change": "update", "claimId": "a3"},
    ]}  # fmt: skip
    assert service.post(json.dumps(batch).encode())[0] == 200
    assert service.post(b"<unheard/>")[0] == 200
    assert service.post(assumed_soap().replace(b"</n:Notify>", b"<AgencyNo>1111111-1</AgencyNo></n:Notify>"))[0] == 200
    before = rows()
    assert [row["state"] for row in before] == ["pending", "parked", "ignored", "parked", "parked"]
    assert "'Klient' is not in the mapping" in before[1]["reason"]
    assert (before[1]["part_of"], before[1]["part"], before[1]["body"]) == (before[0]["notification_id"], 1, None)

    for name, value in environment(tmp_path / "home", database).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "250")
    shipped = Path(mapping.__file__).with_name(mapping.FILE)
    text = shipped.read_text().replace("[Customer, Client,", "[Customer, Client, Klient,")
    (tmp_path / "home" / "notification_mapping.yaml").write_text(text)
    told = CliRunner().invoke(cli, ["notifications", "replay", "demo"])
    assert told.exit_code == 0, told.output
    after = rows()
    assert [row["state"] for row in after] == ["pending", "pending", "ignored", "parked", "parked"]
    assert after[1]["keys"] == {"CustomerId": "a2"}
    assert (after[0], after[2]) == (before[0], before[2])
    listed = CliRunner().invoke(cli, ["notifications", "list", "demo", "--state", "parked"])
    assert "another agency number" in listed.output


def test_capture_stores_everything_and_understands_nothing(tmp_path: Path, database: str, rows: Rows) -> None:
    """Its bodies are there to write a mapping from."""
    write_agencies(tmp_path / "home", capture=True)
    with running_service(tmp_path / "home", database) as service:
        assert service.post(ASSUMED["soap11"])[0] == 200
        assert service.post(b"\xff\x00anything", content_type="application/x-unheard")[0] == 200
        found = rows()
    assert [(row["state"], row["reason"]) for row in found] == [("parked", "captured")] * 2
    assert (bytes(found[1]["body"]), found[1]["content_type"]) == (b"\xff\x00anything", "application/x-unheard")


def test_health_and_metrics(service: Service, rows: Rows) -> None:
    """Prometheus can read the metrics; no agency is named there, since anybody may ask."""
    from prometheus_client.parser import text_string_to_metric_families

    assert service.ask("GET", "/healthz")[0] == 200
    service.post(ASSUMED["json"])
    service.post(b"<unheard/>")
    rows()
    for _ in range(100):
        text = service.ask("GET", "/metrics")[1].decode()
        found = {
            (sample.name, sample.labels.get("state")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        if found["ams_etl_notifications_waiting", "parked"]:
            break
        time.sleep(0.05)
    assert found["ams_etl_notifications_stored_total", None] == 2
    assert found["ams_etl_notifications_waiting", "pending"] == found["ams_etl_notifications_waiting", "parked"] == 1
    assert found["ams_etl_notification_seconds_count", None] == 2
    assert "demo" not in text


def test_bodies_are_forgotten_in_time_and_what_waits_keeps_its_own(
    tmp_path: Path, database: str, connection: psycopg.Connection[Any]
) -> None:
    """Settled ones after 30 days, parked ones after 90, whole or in part; young ones stay, and rows stay all the same."""
    connection.execute("""insert into ops.notifications
        (agency, body, part_of, part, state, object_type, change, keys, reason, settled_at, received_at)
        overriding user value
        select agency, 'x', null, 0, state, 'customer', 'update', '{}', reason,
            case when state in ('done', 'ignored') then now() - make_interval(days => age) end,
            now() - make_interval(days => age)
        from (values ('demo', 'done', 40, null), ('demo', 'ignored', 40, null), ('demo', 'done', 20, null),
                     ('demo', 'parked', 80, 'captured'), ('demo', 'parked', 95, 'captured'), ('demo', 'pending', 95, null),
                     ('other', 'done', 40, null), ('demo', 'done', 41, null), ('demo', 'done', 96, null))
             v (agency, state, age, reason)""")
    connection.execute("""insert into ops.notifications (agency, part_of, part, state, received_at)
        select agency, notification_id, 1, 'parked', received_at from ops.notifications
        where state = 'done' and settled_at < now() - interval '40 days 1 hour'""")
    write_agencies(tmp_path / "home")
    with running_service(tmp_path / "home", database):
        for _ in range(200):
            if connection.execute("select body is null from ops.notifications where settled_at < now() - interval '95 days'"
                                  ).fetchone() == (True,):  # fmt: skip
                break
            time.sleep(0.05)
    found = connection.execute(
        """select agency, state, extract(day from now() - received_at)::int, body is not null, reason
        from ops.notifications where part = 0 order by notification_id"""
    ).fetchall()
    given_up = "parked for 90 days and given up; captured"
    assert found == [
        ("demo", "done", 40, False, None), ("demo", "ignored", 40, False, None), ("demo", "done", 20, True, None),
        ("demo", "parked", 80, True, "captured"), ("demo", "ignored", 95, False, given_up),
        ("demo", "pending", 95, True, None), ("other", "done", 40, True, None), ("demo", "done", 41, True, None),
        ("demo", "done", 96, False, None),
    ]  # fmt: skip


def test_replay_gives_one_whose_runs_failed_all_its_attempts_again(
    connection: psycopg.Connection[Any], tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the first failure after it would park it again, and its first run would be for one customer alone."""
    connection.execute(
        """insert into ops.notifications (agency, content_type, body, state, object_type, change, keys, attempts, not_before)
        values ('demo', 'text/xml', %s, 'parked', 'customer', 'update', '{}', 6, now() + interval '1 hour')""",
        (ASSUMED["soap11"],),
    )
    write_agencies(tmp_path / "home")
    for name, value in environment(tmp_path / "home", database).items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(cli, ["notifications", "replay", "demo"]).output == "1 pending\n"
    batch = claim(connection, "demo")
    assert batch is not None
    close(connection, "demo", batch.batch_id, "failed")
    assert connection.execute("select state, attempts from ops.notifications").fetchall() == [("pending", 1)]


def test_the_page_that_says_why_has_moved_to_the_integration_page(service: Service) -> None:
    """With the question as it was asked, and to nowhere else."""
    status, _, headers = service.ask("GET", "/why/demo?q=a%26b@x.com")
    assert (status, headers["location"]) == (301, "http://127.0.0.1:8362/demo/why?q=a%26b@x.com")
    status, _, headers = service.ask("GET", "/why/%2F%2Fevil.example")
    assert status == 404 or headers["location"].startswith("http://127.0.0.1:8362/%2F")
