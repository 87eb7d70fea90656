"""Answers as XML, generated from the contract's own types: every member absent, nil, empty or with a value."""

from xml.sax.saxutils import escape

from hypothesis import strategies as st
from lxml import etree

from ams_etl.sources.soap.contract import Contract, Member, Shape

_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n\r&<>'\"]"), max_size=12
)
_TIMES = st.sampled_from(
    [
        "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999", "1900-02-28T23:59:59", "2024-02-29T00:00:00",
        "2024-02-29T12:30:00Z", "2024-02-29T12:30:00-05:00", "2024-02-29T12:30:00.5", "2024-02-29T12:30:00.123456789",
        " 2024-02-29T12:30:00 ", "2024-02-29",
    ]
) | st.datetimes().map(lambda moment: moment.isoformat())  # fmt: skip
_SCALARS = {
    "boolean": st.sampled_from(["true", "false", "1", "0", " true "]),
    "int": st.integers(-(2**31), 2**31 - 1).map(str) | st.sampled_from(["+7", "007", " 7 "]),
    "short": st.integers(-(2**15), 2**15 - 1).map(str),
    "long": st.integers(-(2**63), 2**63 - 1).map(str),
    "unsignedByte": st.integers(0, 255).map(str),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False).map(lambda one: f"{one:f}")
    | st.sampled_from(["-0", "+1.50", "0.0000", ".5", "5.", " 1.5 ", "12345678901234567890.0001"]),
    "dateTime": _TIMES,
}


@st.composite
def answers(draw: st.DrawFn, contract: Contract, operation: str) -> bytes:
    """One answer of this operation."""
    described = contract.operation(operation)
    inside = "".join(draw(_elements(member)) for member in described.results)
    if described.result_tag is not None:
        inside = draw(_wrapped(described.result_tag, inside))
    tag = etree.QName(described.response_tag)
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><s:Header/><s:Body>'
        f'<{tag.localname} xmlns="{tag.namespace}">{inside}</{tag.localname}></s:Body></s:Envelope>'
    ).encode()


def _wrapped(tag: str, inside: str) -> st.SearchStrategy[str]:
    name = etree.QName(tag)
    opening = f'{name.localname} xmlns="{name.namespace}"'
    if not inside:
        return st.sampled_from(["", f"<{opening}/>", f'<{opening} i:nil="true"/>'])
    return st.just(f"<{opening}>{inside}</{name.localname}>")


@st.composite
def _elements(draw: st.DrawFn, member: Member) -> str:
    count = draw(st.integers(0, 3)) if member.repeated else 1
    return "".join(draw(_element(member.tag, member.shape)) for _ in range(count))


@st.composite
def _element(draw: st.DrawFn, tag: str, shape: Shape) -> str:
    name = etree.QName(tag)
    opening = f'{name.localname} xmlns="{name.namespace}"'
    state = draw(st.sampled_from(["absent", "nil", "empty", "value", "value", "value", "value"]))
    if state == "absent":
        return ""
    if state == "nil":
        return f'<{opening} i:nil="true"/>'
    if state == "empty":
        return f"<{opening}></{name.localname}>"
    if shape.scalar is None:
        inside = "".join(draw(_elements(member)) for member in shape.members)
    else:
        inside = draw(_written(shape.scalar))
    return f"<{opening}>{inside}</{name.localname}>"


def _written(scalar: str) -> st.SearchStrategy[str]:
    known = _SCALARS.get(scalar)
    if known is not None:
        return known
    plain = _TEXT.map(lambda text: escape(text, {"\r": "&#13;"}))
    in_cdata = _TEXT.filter(lambda text: "]]>" not in text and "\r" not in text).map(lambda text: f"<![CDATA[{text}]]>")
    return plain | in_cdata | st.just("A<!-- said aside -->B") | st.just("&#x1F600;&amp;&lt;")
