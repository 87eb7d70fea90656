"""Logins, tickets and rights."""

from uuid import UUID

import pytest

from ams_etl_tests.sandbox.wire import ENV, OPS, Wire
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox


def test_login_answers_with_an_empty_body_and_a_ticket_of_128_characters_in_the_header(shared_sandbox: Sandbox) -> None:
    reply = Wire(shared_sandbox).login()
    body = reply.root.find(f"{{{ENV}}}Body")
    assert reply.status == 200
    assert [(child.tag, len(child), child.text) for child in body] == [(f"{{{OPS}}}LoginResponse", 0, None)]
    ticket = reply.root.findtext(f"{{{ENV}}}Header/{{{OPS}}}WSAPISession/{{{OPS}}}Ticket")
    assert len(ticket) == 128


@pytest.mark.parametrize(
    ("agency_no", "login_id", "password"),
    [
        (AGENCY_NO, "etl", "wrong"), (AGENCY_NO, "other", "sandbox"), ("5551234-2", "etl", "sandbox"), ("", "", ""),
        (AGENCY_NO, "etl", "Sandbox"),
    ],
)  # fmt: skip
def test_every_refused_login_is_refused_in_the_same_words(
    shared_sandbox: Sandbox, agency_no: str, login_id: str, password: str
) -> None:
    wire = Wire(shared_sandbox)
    reply = wire.login(password, agency_no, login_id)
    assert (reply.status, reply.fault, wire.ticket) == (500, "WSAPISecurityFault", None)
    assert reply.texts("Message") == ["Login failure - contact your administrator"]
    [causality] = reply.texts("CausalityId")
    assert str(UUID(causality)) == causality, "with dashes, as the recorded faults have it"


@pytest.mark.parametrize(
    "header",
    [
        "", "<o:WSAPISession/>", "<o:WSAPISession><o:Ticket/></o:WSAPISession>",
        "<o:WSAPISession><o:Ticket>no such</o:Ticket></o:WSAPISession>",
        "<a:WSAPISession><a:Ticket>{ticket}</a:Ticket></a:WSAPISession>",
        "<o:WSAPISession><a:Ticket>{ticket}</a:Ticket></o:WSAPISession>",
    ],
)  # fmt: skip
def test_a_call_without_a_ticket_in_its_place_is_a_security_fault(wire: Wire, header: str) -> None:
    content = "<o:EmployeeGetListAll/>"
    reply = wire.send("EmployeeGetListAll", content, header=header.format(ticket=wire.ticket))
    assert (reply.status, reply.fault) == (500, "WSAPISecurityFault")
    assert wire.send("EmployeeGetListAll", content).status == 200


def test_logout_ends_the_ticket(shared_sandbox: Sandbox) -> None:
    wire = Wire(shared_sandbox)
    wire.login()
    assert wire.send("Logout", "<o:Logout/>").status == 200
    assert wire.send("Logout", "<o:Logout/>").fault == "WSAPISecurityFault"


def test_tickets_die_when_told_and_after_so_many_calls(sandbox: Sandbox) -> None:
    wire, content = Wire(sandbox), "<o:CompanyGetListAll/>"
    wire.login()
    sandbox.ask("faults", {"expire_tickets": True})
    assert wire.send("CompanyGetListAll", content).fault == "WSAPISecurityFault"
    sandbox.ask("faults", {"ticket_calls": 2})
    wire.login()
    assert [wire.send("CompanyGetListAll", content).fault for _ in range(3)] == ["", "", "WSAPISecurityFault"]


def test_a_denied_right_or_a_refusal_is_for_that_operation_alone(sandbox: Sandbox) -> None:
    wire = Wire(sandbox)
    wire.login()
    sandbox.ask("faults", {"denied": ["CompanyGetListAll"]})
    assert wire.send("CompanyGetListAll", "<o:CompanyGetListAll/>").fault == "WSAPISecurityFault"
    assert wire.send("EmployeeGetListAll", "<o:EmployeeGetListAll/>").fault == ""
    sandbox.ask("faults", {"denied": [], "refuse": ["EmployeeGetListAll"]})
    assert wire.send("CompanyGetListAll", "<o:CompanyGetListAll/>").fault == ""
    assert wire.send("EmployeeGetListAll", "<o:EmployeeGetListAll/>").fault == "WSAPIBusinessFault"
