"""The BenefitPoint sandbox by hand-written messages: its strictness, its quirks, and the agency it was made with."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import zeep
from lxml import etree

from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

ENV = "http://schemas.xmlsoap.org/soap/envelope/"
BROKER = "http://ws.benefitpoint.com/aptusconnect/broker/v4"
LOGIN = "http://ws.benefitpoint.com/aptusconnect/login/v2"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@pytest.fixture(scope="module")
def both() -> Iterator[Sandbox]:
    """400 customers and their BenefitPoint; only read from."""
    with running_sandbox(size=400, more=("--benefitpoint",)) as running:
        yield running


def post(sandbox: Sandbox, service: str, namespace: str, content: str, header: str = "") -> tuple[int, Any]:
    """A call without SOAPAction, prefix o for the service's namespace."""
    where = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)
    body = f'<s:Envelope xmlns:s="{ENV}" xmlns:o="{namespace}"><s:Header>{header}</s:Header><s:Body>{content}</s:Body></s:Envelope>'
    connection.request("POST", f"/aptusConnect/services/{service}SOAP", body.encode(), {"Content-Type": "text/xml"})
    answer = connection.getresponse()
    return answer.status, etree.fromstring(answer.read())


def login(sandbox: Sandbox) -> str:
    body = "<o:login><username>etl</username><password>sandbox</password></o:login>"
    status, root = post(sandbox, "LoginV2", LOGIN, body)
    assert status == 200
    return str(root.findtext(f".//{{{LOGIN}}}loginResponse/result/sessionID"))


def call(sandbox: Sandbox, content: str, session: str | None = None) -> tuple[int, Any]:
    given = session or login(sandbox)
    header = f"<o:SessionIdHeader><sessionId>{given}</sessionId></o:SessionIdHeader>"
    return post(sandbox, "BrokerConnectV4", BROKER, content, header)


def fault(root: Any) -> str:
    found = root.find(f".//{{{ENV}}}Fault")
    assert found.find("detail") is None
    return str(found.findtext("faultstring"))


def test_both_wsdls_load_strictly_with_every_operation(both: Sandbox) -> None:
    client = zeep.Client(both.benefitpoint.wsdl, settings=zeep.Settings(strict=True))
    login_client = zeep.Client(both.benefitpoint.login_wsdl, settings=zeep.Settings(strict=True))
    assert len(next(iter(client.wsdl.bindings.values()))._operations) == 100
    assert set(next(iter(login_client.wsdl.bindings.values()))._operations) == {
        "login", "echo", "logout", "getCurrentUser",
    }  # fmt: skip
    actions = {row.soapaction for row in next(iter(client.wsdl.bindings.values()))._operations.values()}
    assert f"{BROKER}/getEligibiltyRule" in actions


def test_a_session_lives_until_logout(both: Sandbox) -> None:
    session = login(both)
    body = f"<sessionID>{session}</sessionID>"
    assert post(both, "LoginV2", LOGIN, f"<o:echo>{body}</o:echo>")[1].findtext(".//sessionID") == session
    assert post(both, "LoginV2", LOGIN, f"<o:logout>{body}</o:logout>")[0] == 200
    status, root = post(both, "LoginV2", LOGIN, f"<o:echo>{body}</o:echo>")
    assert (status, fault(root)) == (500, "The session is not valid.")
    assert call(both, "<o:findOffices><criteria/></o:findOffices>", session)[0] == 500


def test_a_wrong_password_is_a_fault(both: Sandbox) -> None:
    body = "<o:login><username>etl</username><password>no</password></o:login>"
    status, root = post(both, "LoginV2", LOGIN, body)
    assert (status, fault(root)) == (500, "Invalid username or password.")


@pytest.mark.parametrize(
    "content",
    [
        "<o:getAccount><o:accountID>5001</o:accountID></o:getAccount>",
        "<o:getAccount><AccountID>5001</AccountID></o:getAccount>",
        "<o:findAccounts><criteria><active>true</active><accountNameMatch>x</accountNameMatch></criteria></o:findAccounts>",
        "<o:getAccount><accountID>many</accountID></o:getAccount>",
    ],
    ids=["qualified", "misspelt", "out-of-order", "not-an-int"],
)
def test_a_message_that_does_not_fit_the_schema_is_refused(both: Sandbox, content: str) -> None:
    status, root = call(both, content)
    assert status == 500
    assert "does not fit the schema" in fault(root)


def test_lists_are_siblings_and_no_hits_an_empty_answer(both: Sandbox) -> None:
    _, root = call(both, "<o:findOffices><criteria/></o:findOffices>")
    answer = root.find(f".//{{{BROKER}}}findOfficesResponse")
    assert [child.tag for child in answer] == ["offices"] * 3
    _, root = call(both, "<o:findOffices><criteria><officeNameMatch>zz</officeNameMatch></criteria></o:findOffices>")
    assert len(root.find(f".//{{{BROKER}}}findOfficesResponse")) == 0


@pytest.mark.parametrize(
    ("operation", "kind", "inside"),
    [
        ("findAccounts", "accounts", ""),
        ("findAccounts", "accounts", "<accountNameMatch/><accountClassifications/><accountTypes/><active/>"),
        ("findAccounts", "accounts", '<accountTypes xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'),
        ("findAccounts", "accounts", "<accountClassifications>None_Selected</accountClassifications>"
         "<accountTypes>None_Selected</accountTypes>"),
        ("findOffices", "offices", "<officeNameMatch/>"),
        ("findUsers", "users", ""),
        ("findUsers", "users", "<usernameMatch/><firstNameMatch/><lastNameMatch/>"),
    ],
)  # fmt: skip
def test_criteria_without_a_choice_list_everything(both: Sandbox, operation: str, kind: str, inside: str) -> None:
    """Absent, empty, nil, or `None_Selected`, which the contract has for an enum that is not set."""
    status, root = call(both, f"<o:{operation}><criteria>{inside}</criteria></o:{operation}>")
    assert status == 200
    assert len(root.find(f".//{{{BROKER}}}{operation}Response")) == len(both.benefitpoint.rows(kind))


@pytest.mark.parametrize("inside", ["", "<typesToInclude/>", "<typesToInclude>None_Selected</typesToInclude>"])
def test_changes_without_a_choice_are_of_all_kinds(both: Sandbox, inside: str) -> None:
    key = both.benefitpoint.rows("accounts")[0]["accountID"]
    both.benefitpoint.edit("accounts", "update", key, notes="x")
    _, root = call(both, f"<o:findChanges><criteria>{inside}</criteria></o:findChanges>")
    assert str(key) in {found.text for found in root.iter("entityID")}


@pytest.mark.parametrize("operation", ["findProducts", "findAccountContacts"])
@pytest.mark.parametrize("inside", ["", "<accountID/>"])
def test_lists_beneath_an_account_need_its_id(both: Sandbox, operation: str, inside: str) -> None:
    """The contract has accountID as required there: without one the answer is a fault and no empty list."""
    status, root = call(both, f"<o:{operation}><criteria>{inside}</criteria></o:{operation}>")
    assert (status, bool(fault(root))) == (500, True)


def test_the_quirks_are_there(both: Sandbox) -> None:
    """Nil members of lists, empty records, milliseconds and a zone, and the contract's own spelling."""
    accounts = both.benefitpoint.rows("accounts")
    contacts = {row["accountID"] for row in both.benefitpoint.rows("contacts") if None in row["contact"]["phones"]}
    _, root = call(
        both,
        f"<o:findAccountContacts><criteria><accountID>{min(contacts)}</accountID></criteria></o:findAccountContacts>",
    )
    assert any(phones.get(NIL) == "true" for phones in root.iter("phones"))
    bare = next(row for row in accounts if (row.get("groupAccountInfo") or {}).get("accountIntegrationInfo") == {})
    _, root = call(both, f"<o:getAccount><accountID>{bare['accountID']}</accountID></o:getAccount>")
    assert [len(found) for found in root.iter("accountIntegrationInfo")] == [0]
    assert next(root.iter("createdOn")).text.endswith(".000Z")
    endless = next(row for row in both.benefitpoint.rows("products") if row["continousPolicy"])
    _, root = call(both, f"<o:getProduct><productID>{endless['productID']}</productID></o:getProduct>")
    assert next(root.iter("continousPolicy")).text == "true"
    _, root = call(
        both, f"<o:findProducts><criteria><accountID>{endless['accountID']}</accountID></criteria></o:findProducts>"
    )
    assert "true" in {found.text for found in root.iter("continuousPolicy")}


def test_what_is_gone_and_what_may_not_be_seen_is_one_fault(both: Sandbox) -> None:
    status, root = call(both, "<o:getAccount><accountID>1</accountID></o:getAccount>")
    assert (status, fault(root)) == (500, "You are not authorized to access the requested information.")


def test_a_refused_write_is_a_result(both: Sandbox) -> None:
    status, root = call(
        both,
        "<o:createAccount><account><accountClassification>Group</accountClassification><accountType>Client</accountType>"
        "<officeID>1</officeID><administratorUserID>1</administratorUserID><primaryContactUserID>1</primaryContactUserID>"
        "</account></o:createAccount>",
    )
    assert status == 200
    assert root.findtext(".//result/success") == "false"
    assert root.findtext(".//result/errors/errorCode") == "Validation_Error"


def test_the_accounts_are_linked_in_every_way(both: Sandbox) -> None:
    """By id (in either case), by number alone, not at all though the names are equal, to nobody, and doubly."""
    customers = {row["CustomerId"]: row for row in both.ask("state/customers")}
    numbers = {row["CustomerNumber"] for row in customers.values()}
    names = {(row.get("FirmName") or "").strip().casefold() for row in customers.values()} - {""}
    ways: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    for account in both.benefitpoint.rows("accounts"):
        info = account.get("groupAccountInfo") or account.get("individualAccountInfo") or {}
        link = info.get("accountIntegrationInfo") or {}
        key, number = link.get("amsCustomerId"), link.get("amsCustomerNumber")
        if key:
            ways["id" if key.lower() in customers else "lost"] += 1
            ways["upper"] += key != key.lower()
            claimed[key.lower()] += 1
        elif number:
            assert number in numbers
            ways["number"] += 1
        else:
            ways["same name" if info.get("accountName", "").casefold() in names else "none"] += 1
        ways[account["accountClassification"]] += 1
    assert min(ways[way] for way in ("id", "upper", "lost", "number", "same name", "none", "Group", "Individual")) > 0
    assert ways["Marketing_Group"] == 1
    assert max(claimed.values()) == 2


def test_an_account_of_a_connected_benefitpoint_becomes_a_customer() -> None:
    """3rd scenario; without the connection nothing appears."""
    with running_sandbox(more=("--benefitpoint",)) as running:
        before = len(running.ask("customers"))
        account: dict[str, Any] = {
            "accountClassification": "Individual", "accountType": "Client", "officeID": 1, "administratorUserID": 1,
            "primaryContactUserID": 1,
            "individualAccountInfo": {"personInfo": {"firstName": "Nora", "lastName": "Quist"}, "email": "n@example.org"},
        }  # fmt: skip
        running.benefitpoint.edit("accounts", "insert", **account)
        assert len(running.ask("customers")) == before
        running.benefitpoint.ask("connect", {"connected": True})
        made = running.benefitpoint.edit("accounts", "insert", **account)
        link = running.benefitpoint.ask(f"state/accounts/{made}")["individualAccountInfo"]["accountIntegrationInfo"]
        customer = running.ask(f"state/customers/{link['amsCustomerId']}")
        assert (customer["LastName"], customer["CustomerNumber"]) == ("Quist", link["amsCustomerNumber"])
        primary = [row for row in running.benefitpoint.rows("contacts") if row["accountID"] == made]
        assert [(row["primary"], row["contact"]["lastName"]) for row in primary] == [(True, "Quist")]


def test_one_seed_makes_one_brokerage() -> None:
    def state() -> str:
        with running_sandbox(more=("--benefitpoint", "--today", "2026-11-21")) as running:
            return json.dumps([running.benefitpoint.rows(kind) for kind in ("accounts", "contacts", "products")])

    assert state() == state()
