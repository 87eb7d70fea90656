"""Read a page's tables and forms as a browser would, for tests without one."""

from collections.abc import Iterator
from dataclasses import dataclass

import lxml.html


@dataclass(frozen=True, slots=True)
class Form:
    """A form and the values it would send."""

    method: str
    action: str
    values: dict[str, str]


def forms_of(text: str) -> Iterator[Form]:
    """Yield every form of a page with the values that its fields have, whether inside it or named by `form=`."""
    page = lxml.html.fromstring(text)
    for form in page.iter("form"):
        name = form.get("id")
        fields = list(form.iter("input", "select", "textarea"))
        fields += page.xpath("//*[@form=$name]", name=name) if name else []
        values = {field.get("name"): _value(field) for field in fields if field.get("name")}
        yield Form(form.get("method", "get").lower(), form.get("action", ""), values)


def form_of(text: str, action: str, **values: str) -> Form:
    """Return the first form that goes there and has these values."""
    fitting = [form for form in forms_of(text) if form.action == action and values.items() <= form.values.items()]
    assert fitting, (action, values, [form.action for form in forms_of(text)])
    return fitting[0]


def column(text: str, title: str) -> list[str]:
    """Return a column of the page's first table, top to bottom."""
    table = next(iter(lxml.html.fromstring(text).iter("table")))
    headings = [cell.text_content().strip(" ▲▼\n") for cell in table.xpath(".//thead//th")]
    place = headings.index(title)
    return [" ".join(row.findall("td")[place].text_content().split()) for row in table.xpath(".//tbody/tr")]


def _value(field: lxml.html.HtmlElement) -> str:
    if field.tag == "textarea":
        return str(field.text_content())
    if field.tag == "select":
        chosen = [option for option in field.iter("option") if option.get("selected") is not None]
        first = next(iter(field.iter("option")), None)
        option = chosen[0] if chosen else first
        return "" if option is None else option.get("value") or ""
    return field.get("value") or ""
