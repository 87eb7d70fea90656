"""How the sandbox answers requests that are slightly wrong: as strict, and as silent, as a WCF service."""

import pytest

from ams_etl_tests.sandbox.wire import ENV, OPS, Wire

_ACTION = f'"{OPS}/WSAPIServiceContract/CustomerGetById"'
_GOOD = "<o:CustomerGetById><o:Request><a:CustomerId>{id}</a:CustomerId></o:Request></o:CustomerGetById>"


def test_a_right_call_is_answered(wire: Wire, customer_id: str) -> None:
    reply = wire.send("CustomerGetById", _GOOD.format(id=customer_id))
    assert (reply.status, reply.texts("CustomerId")) == (200, [customer_id])


@pytest.mark.parametrize(
    ("operation", "content", "fault"),
    [
        # The wrapper's name is Request on some operations and request on others.
        ("CustomerGetById", "<o:CustomerGetById><o:request><a:CustomerId>{id}</a:CustomerId></o:request></o:CustomerGetById>",
         "WSAPIGeneralFault"),
        ("CustomerContactGetList", "<o:CustomerContactGetList><o:Request><a:CustomerId>{id}</a:CustomerId></o:Request>"
         "</o:CustomerContactGetList>", "WSAPIGeneralFault"),
        ("CustomerGetById", "<o:CustomerGetById><a:Request><a:CustomerId>{id}</a:CustomerId></a:Request></o:CustomerGetById>",
         "WSAPIGeneralFault"),
        ("CustomerGetById", "<o:CustomerGetById/>", "WSAPIGeneralFault"),
        ("CustomerGetById", '<o:CustomerGetById><o:Request i:nil="true"/></o:CustomerGetById>', "WSAPIGeneralFault"),
        # A member in another namespace is not there.
        ("CustomerGetById", "<o:CustomerGetById><o:Request><o:CustomerId>{id}</o:CustomerId></o:Request></o:CustomerGetById>",
         "WSAPIBusinessFault"),
        ("CustomerGetById", "<o:CustomerGetById><o:Request><CustomerId>{id}</CustomerId></o:Request></o:CustomerGetById>",
         "WSAPIBusinessFault"),
        # No value: nil, empty, absent.
        ("CustomerGetById", '<o:CustomerGetById><o:Request><a:CustomerId i:nil="true"/></o:Request></o:CustomerGetById>',
         "WSAPIBusinessFault"),
        ("CustomerGetById", "<o:CustomerGetById><o:Request><a:CustomerId/></o:Request></o:CustomerGetById>",
         "WSAPIBusinessFault"),
        ("CustomerGetById", "<o:CustomerGetById><o:Request/></o:CustomerGetById>", "WSAPIBusinessFault"),
        # The body is not the operation's.
        ("CustomerGetById", "<o:CustomerGetByNumber/>", "DeserializationFailed"),
        ("CustomerGetById", "<a:CustomerGetById/>", "DeserializationFailed"),
        ("NoSuchOperation", "<o:NoSuchOperation/>", "ActionNotSupported"),
        # In the contract, not in the sandbox.
        ("BankGetListAll", "<o:BankGetListAll/>", "WSAPIGeneralFault"),
    ],
)  # fmt: skip
def test_a_call_that_is_not_right_is_a_fault_with_status_500(
    wire: Wire, customer_id: str, operation: str, content: str, fault: str
) -> None:
    reply = wire.send(operation, content.format(id=customer_id))
    assert (reply.status, reply.fault) == (500, fault)


@pytest.mark.parametrize(
    ("operation", "inside"),
    [
        ("CustomerGetById", "<a:CustomerId>not-a-guid</a:CustomerId>"),
        ("CustomerGetById", "<a:CustomerId>{{{id}}}</a:CustomerId>"),
        ("CustomerGetListByNamePrefix", "<a:NamePrefix>X</a:NamePrefix><a:IsBrokersCustomer>yes</a:IsBrokersCustomer>"),
        (
            "PolicyGet",
            "<a:PolicyId>{id}</a:PolicyId><a:TransactionEffectiveDate>2026-01-31</a:TransactionEffectiveDate>",
        ),
        (
            "PolicyGet",
            "<a:PolicyId>{id}</a:PolicyId><a:TransactionEffectiveDate>2026-02-30T00:00:00</a:TransactionEffectiveDate>",
        ),
        ("CustomerInsert", "<a:Customer><a:CustomerNumber>1_0</a:CustomerNumber></a:Customer>"),
        ("CustomerInsert", "<a:Customer><a:CustomerNumber>2147483648</a:CustomerNumber></a:Customer>"),
        ("CustomerActivityInsert", "<a:CustomerActivity><a:ActivityTime>14:30</a:ActivityTime></a:CustomerActivity>"),
        ("CustomerSuspenseInsert", "<a:Suspense><a:TimesRescheduled>256</a:TimesRescheduled></a:Suspense>"),
        ("FileChunkSend", "<a:FileChunk><a:Data>not base64!</a:Data></a:FileChunk>"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_a_general_fault(
    wire: Wire, customer_id: str, operation: str, inside: str
) -> None:
    """The message names the type and never the value."""
    reply = wire.call(operation, inside.format(id=customer_id))
    assert (reply.status, reply.fault) == (500, "WSAPIGeneralFault")
    assert "deserializing" in str(reply.texts("Message"))
    assert customer_id not in str(reply.texts("Message"))


def _types_of_all(wire: Wire, inside: str) -> set[str | None]:
    reply = wire.call("CustomerGetListByNamePrefix", inside)
    assert reply.status == 200
    return set(reply.texts("CustomerType"))


@pytest.mark.parametrize(
    ("inside", "types"),
    [
        ("<a:NamePrefix>{letter}</a:NamePrefix><a:CustomerType>P</a:CustomerType>", {"P"}),
        # Out of order: the prefix comes after a later member, and is dropped without a word.
        ("<a:CustomerType>P</a:CustomerType><a:NamePrefix>{letter}</a:NamePrefix>", None),
        # Unknown members before, between and after do not matter.
        (
            "<a:Zip/><a:NamePrefix>{letter}</a:NamePrefix><o:CustomerType>C</o:CustomerType><a:CustomerType>P</a:CustomerType><a:X/>",
            {"P"},
        ),
        # A member given twice: the first is heard.
        (
            "<a:NamePrefix>{letter}</a:NamePrefix><a:NamePrefix>zzz</a:NamePrefix><a:CustomerType>P</a:CustomerType>",
            {"P"},
        ),
        ('<a:NamePrefix>{letter}</a:NamePrefix><a:CustomerType i:nil="true"/>', {"C", "P", "S"}),
        ("<a:NamePrefix>{letter}</a:NamePrefix><a:CustomerType/>", {"C", "P", "S"}),
        ("<a:NamePrefix>{letter}</a:NamePrefix>", {"C", "P", "S"}),
    ],
)
def test_members_are_heard_in_schema_order_only(wire: Wire, letter: str, inside: str, types: set[str] | None) -> None:
    inside = inside.format(letter=letter)
    if types is None:
        assert wire.call("CustomerGetListByNamePrefix", inside).fault == "WSAPIBusinessFault"
    else:
        assert _types_of_all(wire, inside) == types


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"<a/>", {"Content-Type": "application/soap+xml; charset=utf-8", "SOAPAction": _ACTION}, 415),
        (b"<a/>", {"Content-Type": "text/xml; charset=iso-8859-1", "SOAPAction": _ACTION}, 415),
        (b"<a/>", {"Content-Type": "application/json", "SOAPAction": _ACTION}, 415),
        (b"<a>", {"Content-Type": "text/xml", "SOAPAction": _ACTION}, 400),
        (b"", {"Content-Type": "text/xml", "SOAPAction": _ACTION}, 400),
        (b"<a/>", {"Content-Type": "text/xml", "SOAPAction": _ACTION}, 400),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', {"Content-Type": "text/xml", "SOAPAction": _ACTION}, 400),
        (f'<s:Envelope xmlns:s="{ENV}"><s:Body/></s:Envelope>'.encode(), {"Content-Type": "text/xml", "SOAPAction": _ACTION}, 400),
        (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><a/></s:Body></s:Envelope>',
         {"Content-Type": "text/xml", "SOAPAction": _ACTION}, 400),
    ],
)  # fmt: skip
def test_what_is_no_soap_message_is_an_http_error(
    wire: Wire, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert wire.post(body, headers).status == status


@pytest.mark.parametrize("action", ["", '""', f"{OPS}/WSAPIServiceContract/Nothing", "CustomerGetById"])
def test_a_soap_action_that_names_no_operation_is_a_fault(wire: Wire, customer_id: str, action: str) -> None:
    """The operation is found by its action, not by the body."""
    reply = wire.send("CustomerGetById", _GOOD.format(id=customer_id), action=action)
    assert (reply.status, reply.fault) == (500, "ActionNotSupported")
