"""The HawkSoft sandbox, QQ Catalyst and MyCase refuse what the real ones refuse, page as they page, and remember edits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ams_etl_tests.sandbox.rest import OTHERS, Answer, send
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

BASIC = "etl:sandbox"
QQ_LOGIN = {
    "grant_type": "password", "username": "etl", "password": "sandbox", "client_id": "vendor", "client_secret": "sandbox",
}  # fmt: skip
CODE = {
    "client_id": "etl", "client_secret": "sandbox", "redirect_uri": "https://etl.example.com/callback",
    "grant_type": "authorization_code",
}  # fmt: skip


@pytest.fixture(scope="module")
def others() -> Iterator[Sandbox]:
    with running_sandbox(size=1, more=OTHERS) as running:
        yield running


@pytest.fixture(autouse=True)
def _undisturbed(others: Sandbox) -> None:
    for name in ("hawksoft", "qq_catalyst", "mycase"):
        others.ask(f"{name}/faults", {"off": True})


def hawksoft(others: Sandbox, path: str, **more: Any) -> Answer:
    query = {"version": "3.0", **more.pop("query", {})}
    return send(f"{others.url}/hawksoft/vendor/{path}", query=query, **{"basic": BASIC, **more})


def qq_token(others: Sandbox, **changed: str) -> Answer:
    return send(f"{others.url}/qq_catalyst/oauth/token", form={**QQ_LOGIN, **changed})


def qq(others: Sandbox, path: str, **query: Any) -> Answer:
    bearer = qq_token(others).body["access_token"]
    return send(f"{others.url}/qq_catalyst/v1/{path}", query=query, bearer=bearer)


def new_code(others: Sandbox) -> str:
    asked = {"client_id": "etl", "redirect_uri": CODE["redirect_uri"], "response_type": "code", "state": "s"}
    there = send(f"{others.url}/mycase/login_sessions/new", query=asked).headers["location"]
    assert "state=s" in there
    return there.partition("code=")[2].partition("&")[0]


def tokens(others: Sandbox, **changed: str) -> Answer:
    return send(f"{others.url}/mycase/tokens", body={**CODE, **changed})


@pytest.fixture(scope="module")
def bearer(others: Sandbox) -> str:
    return str(tokens(others, code=new_code(others)).body["access_token"])


def test_hawksoft_refuses_what_the_real_one_refuses(others: Sandbox) -> None:
    refused: list[tuple[int, str, dict[str, Any]]] = [
        (401, "agencies", {"basic": "etl:wrong"}), (401, "agencies", {"basic": None}),
        (400, "agencies", {"query": {"version": "4"}}),
        (403, "agency/8/clients", {}), (404, "agency/7/clients/1", {}), (404, "agency/7/client/999999", {}),
        (400, "agency/7/clients", {"query": {"asOf": "yesterday"}}), (400, "agency/7/client/1", {"query": {"include": "pets"}}),
        (400, "agency/7/clients", {"body": {"clientNumbers": list(range(201))}}), (400, "agency/7/clients", {"body": [1]}),
        (400, "agency/7/clients", {"body": {"clientNumbers": []}}),
    ]  # fmt: skip
    for expected, path, more in refused:
        assert hawksoft(others, path, **more).status == expected, (path, more)


def test_hawksoft_lists_numbers_and_reads_them_in_bulk(others: Sandbox) -> None:
    numbers = hawksoft(others, "agency/7/clients").body
    assert len(numbers) == 260
    asked = {"clientNumbers": [*numbers[:199], 999999]}
    clients = hawksoft(others, "agency/7/clients", body=asked, query={"include": "Details,policies"}).body
    assert [client["clientNumber"] for client in clients] == numbers[:199]
    assert all(set(client) == {"clientNumber", "details", "policies"} for client in clients)
    assert set(hawksoft(others, f"agency/7/client/{numbers[0]}").body) == {
        "clientNumber",
        "details",
        "people",
        "contacts",
    }
    assert {"OfficeId", "PrimaryOffice"} <= set(hawksoft(others, "agency/7/offices").body[0])


def test_hawksoft_tells_what_changed_and_what_was_deleted_since(others: Sandbox) -> None:
    numbers = hawksoft(others, "agency/7/clients").body
    since = {"asOf": datetime.now(UTC).isoformat()}
    assert hawksoft(others, "agency/7/clients", query=since).body == []
    others.ask(
        "hawksoft/edit",
        {"entity": "clients", "op": "update", "key": str(numbers[3]), "fields": {"details": {"csr": "new"}}},
    )
    made = others.ask(
        "hawksoft/edit", {"entity": "clients", "op": "insert", "fields": {"details": {"companyName": "N"}}}
    )["key"]
    others.ask("hawksoft/edit", {"entity": "clients", "op": "delete", "key": str(numbers[5])})
    assert set(hawksoft(others, "agency/7/clients", query=since).body) == {numbers[3], int(made)}
    with_deleted = hawksoft(others, "agency/7/clients", query={**since, "deleted": "true"}).body
    assert set(with_deleted) == {numbers[3], int(made), numbers[5]}
    client = hawksoft(others, f"agency/7/client/{numbers[3]}").body
    assert client["details"]["csr"] == "new"
    assert client["details"]["modified"] > since["asOf"][:19]


def test_hawksoft_opts_out_and_says_nothing_in_two_ways(others: Sandbox) -> None:
    others.ask("hawksoft/faults", {"opted_out": [7], "empty": "204"})
    assert hawksoft(others, "agency/7/clients").status == 403
    assert hawksoft(others, "agencies").status == 204
    others.ask("hawksoft/faults", {"empty": "text"})
    assert isinstance(hawksoft(others, "agencies").body, str)
    others.ask("hawksoft/faults", {"off": True, "next_throttled": 1})
    throttled = hawksoft(others, "agencies")
    assert (throttled.status, throttled.headers["retry-after"]) == (429, "1")
    others.ask("hawksoft/faults", {"next_fault": 1})
    assert hawksoft(others, "agencies").status == 500


def test_qq_refuses_what_the_real_one_refuses(others: Sandbox) -> None:
    for changed in ({"grant_type": "password_credentials"}, {"password": "x"}, {"client_secret": "x"}):
        assert qq_token(others, **changed).status == 400
    window = {"startDate": "2020-01-01", "endDate": "2030-01-01", "pageNumber": 1, "pageSize": 500}
    for wrong in ({"startDate": ""}, {"pageSize": 0}, {"pageNumber": 0}):
        answer = qq(others, "Contacts/LastModifiedCreated", **{**window, **wrong})
        assert (answer.status, answer.body["IsSuccess"]) == (400, False)
    assert qq(others, "Contacts/1/AccountInfo").status == 404
    assert qq(others, "Contacts/LastModifiedCreated", **{**window, "startDate": "2022-1-1"}).status == 200
    token = qq_token(others).body["access_token"]
    others.ask("qq_catalyst/faults", {"expire_tokens": True})
    assert send(f"{others.url}/qq_catalyst/v1/BusinessLogic/Ping", bearer=token).status == 401
    others.ask("qq_catalyst/faults", {"refused": True})
    assert qq(others, "BusinessLogic/Ping").status == 403


def test_qq_pages_a_window_whole_and_account_information_is_bare(others: Sandbox) -> None:
    seen: list[int] = []
    page = 1
    while True:
        window = {"startDate": "2000-01-01", "endDate": "2100-01-01", "pageNumber": page, "pageSize": 40}
        envelope = qq(others, "Contacts/LastModifiedCreated", **window).body
        seen += [row["EntityID"] for row in envelope["Data"]]
        if page >= envelope["PagesTotal"]:
            break
        page += 1
    assert len(seen) == len(set(seen)) == envelope["TotalItems"] == 146
    row = envelope["Data"][-1]
    assert not {"CSR", "CsrID", "AgentID"} & set(row)
    info = qq(others, f"Contacts/{row['EntityID']}/AccountInfo").body
    assert {"AgentID", "Agent", "CsrID", "CSR", "UserPassword"} <= set(info)
    assert "Data" not in info


def test_qq_moves_a_contact_with_its_account_unless_switched_off(others: Sandbox) -> None:
    today = datetime.now(UTC).date()
    window = {"startDate": str(today), "endDate": str(today + timedelta(days=1)), "pageNumber": 1, "pageSize": 500}
    keys = [str(info["CustomerID"]) for info in others.ask("qq_catalyst/state/account_infos")]
    others.ask(
        "qq_catalyst/edit", {"entity": "account_infos", "op": "update", "key": keys[0], "fields": {"CsrID": 9002}}
    )
    others.ask("qq_catalyst/faults", {"account_moves_contact": False})
    others.ask(
        "qq_catalyst/edit", {"entity": "account_infos", "op": "update", "key": keys[1], "fields": {"CsrID": 9002}}
    )
    moved = {str(row["EntityID"]) for row in qq(others, "Contacts/LastModifiedCreated", **window).body["Data"]}
    assert keys[0] in moved
    assert keys[1] not in moved


def test_mycase_takes_a_code_and_a_refresh_token_once(others: Sandbox) -> None:
    code = new_code(others)
    first = tokens(others, code=code).body
    assert tokens(others, code=code).status == 400
    renewed = tokens(others, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert renewed.status == 200
    assert renewed.body["refresh_token"] != first["refresh_token"]
    again = tokens(others, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status, list(again.body)) == (400, ["errors"])
    assert tokens(others, client_secret="x").status == 401
    assert send(f"{others.url}/mycase/tokens", form={"grant_type": "refresh_token"}).status == 401
    assert send(f"{others.url}/mycase/login_sessions/new", query={"client_id": "etl"}).status == 400


def test_mycase_pages_by_link_and_counts(others: Sandbox, bearer: str) -> None:
    seen: list[int] = []
    url, query = f"{others.url}/mycase/v1/cases", {"page_size": 40}
    while url:
        answer = send(url, query=query, bearer=bearer)
        assert isinstance(answer.body, list)
        seen += [case["id"] for case in answer.body]
        link = answer.headers.get("link", "")
        url, query = link.partition("<")[2].partition(">")[0], {}
        assert not link or link.endswith('rel="next"')
    assert len(seen) == len(set(seen)) == int(answer.headers["item-count"])
    case = answer.body[-1]
    assert all(set(record) == {"id"} for record in (*case["clients"], *case["companies"]))


def test_mycase_refuses_what_the_real_one_refuses(others: Sandbox, bearer: str) -> None:
    base = f"{others.url}/mycase/v1"
    assert send(f"{base}/cases", bearer="x").status == 401
    assert send(f"{base}/cases", query={"page_size": 1001}, bearer=bearer).status == 422
    assert send(f"{base}/cases", query={"filter[updated_after]": "soon"}, bearer=bearer).status == 400
    assert send(f"{base}/cases", query={"page_token": "x"}, bearer=bearer).status == 400
    assert send(f"{base}/clients/999999", bearer=bearer).status == 404
    others.ask("mycase/faults", {"forbidden": True})
    refusal = send(f"{base}/cases", bearer=bearer)
    assert (refusal.status, list(refusal.body)) == (403, ["errors"])
    others.ask("mycase/faults", {"off": True, "calls_per_second": 0})
    refusal = send(f"{base}/cases", bearer=bearer)
    assert (refusal.status, refusal.headers["retry-after"]) == (429, "1")


def test_mycase_shows_what_was_updated_after(others: Sandbox, bearer: str) -> None:
    base = f"{others.url}/mycase/v1"
    since = {"filter[updated_after]": datetime.now(UTC).isoformat()}
    key = str(others.ask("mycase/state/cases")[0]["id"])
    others.ask("mycase/edit", {"entity": "cases", "op": "update", "key": key, "fields": {"status": "closed"}})
    changed = send(f"{base}/cases", query=since, bearer=bearer).body
    assert [str(case["id"]) for case in changed] == [key]
    assert send(f"{base}/clients", query=since, bearer=bearer).body == []
    made = send(
        f"{base}/webhooks/subscriptions",
        bearer=bearer,
        body={"model": "case", "url": "https://x", "actions": ["updated"]},
    )
    assert made.status == 201
    assert send(f"{base}/webhooks/subscriptions/{made.body['id']}", bearer=bearer, method="DELETE").status == 204


def test_the_same_seed_gives_the_same_agencies(others: Sandbox) -> None:
    with running_sandbox(size=1, more=OTHERS) as again:
        for kind in ("hawksoft/state/offices", "qq_catalyst/state/policies", "mycase/state/staff"):
            assert again.ask(kind) == others.ask(kind)
