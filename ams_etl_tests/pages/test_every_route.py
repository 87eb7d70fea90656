"""Every route, tried by every role of this and of another agency, and by nobody; every form and address, fuzzed."""

import re
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from ams_etl.pages.application import Application
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.registry import SCREENS
from ams_etl.pages.visit import Screen
from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.contacts.plan import make_plan
from ams_etl_tests.pages.forms import forms_of
from ams_etl_tests.pages.pages_process import COOKIE, TODAY, Site, Visitor
from ams_etl_tests.pages.routes import address
from ams_etl_tests.sync.source_history import AGENCY, NO_BRAKE

OF_NO_AGENCY = [("GET", "/healthz"), ("GET", "/"), ("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out")]
TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "0", "-1", "99999999999999999999", "é" * 300, "'; drop table x; --", "<script>", "%", "\\", "²", "NaN",
                     "00000000-0000-0000-0000-000000000000", "=1+1", "a: [", "&a [*a]", "\u202e", "csv", "\t", "x" * 3000]),
)  # fmt: skip
NAMES = [f"{screen.method} {screen.path or '/'}" for screen in SCREENS]


def ask(visitor: Visitor, screen: Screen, path: str) -> int:
    return (visitor.get(path) if screen.method == "GET" else visitor.post(path)).status_code


@pytest.mark.parametrize("screen", SCREENS, ids=NAMES)
def test_each_role_reaches_what_it_may_and_nothing_of_another_agency(
    quiet: Site, stored: psycopg.Connection[Any], screen: Screen
) -> None:
    """404 where the agency is another's: as for one that does not exist."""
    path = address(screen, stored)
    for name, role in (
        ("viewer", Role.VIEWER),
        ("operator", Role.OPERATOR),
        ("admin", Role.ADMIN),
        ("everywhere", Role.ADMIN),
    ):
        visitor = quiet.visitor(stored, name)
        status = ask(visitor, screen, path)
        if role < screen.role:
            assert status == 403, (name, path)
        else:
            assert status in ({200} if screen.method == "GET" else {200, 303, 404, 409, 422}), (name, path, status)
    stranger = quiet.visitor(stored, "stranger")
    assert ask(stranger, screen, path) == 404
    assert ask(stranger, screen, path.replace("/acme", "/nowhere", 1)) == 404
    if "{" in screen.path:
        # What is the first agency's is not found in the other one either, by somebody who may do everything there.
        assert ask(stranger, screen, address(screen, stored, "other")) in {404, 422}
    nobody = requests.request(screen.method, quiet.url + path, allow_redirects=False, timeout=20)
    assert nobody.status_code == 303
    assert nobody.headers["location"].startswith("/sign-in")


def test_no_get_writes_and_every_page_names_itself(quiet: Site, stored: psycopg.Connection[Any]) -> None:
    """A page is read in a read-only transaction; its title and its only heading of the first level say what it is."""
    somebody = quiet.visitor(stored, "everywhere")
    for screen in SCREENS:
        if screen.method == "GET":
            text = somebody.page(address(screen, stored))
            assert len(re.findall(r"<h1[ >]", text)) == 1, screen.path
            assert re.search(r"<title>.+ · Acme Insurance</title>", text), screen.path


def test_every_route_of_the_application_is_among_those_tried_here() -> None:
    """Read off the application itself: a route that is added elsewhere would escape the matrix and the fuzzing below."""
    never: Any = None
    routes = Application(SCREENS, never, never).asgi.routes
    found = {
        (method, route.path)
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert found == {*OF_NO_AGENCY, *((screen.method, "/{agency}" + screen.path) for screen in SCREENS)}
    assert [route.path for route in routes if not isinstance(route, Route)] == ["/static"]  # type: ignore[attr-defined]


def test_every_form_is_among_those_fuzzed_and_every_act_has_a_form(
    quiet: Site, stored: psycopg.Connection[Any]
) -> None:
    """Also those that show up only after another one was sent: a preview, a decision to undo."""
    _, forms, _ = _reachable(quiet)
    acts = {screen.path for screen in SCREENS if screen.method == "POST"}
    by_pattern = {path: re.compile("/acme" + re.sub(r"{\w+}", "[^/]+", path) + "$") for path in acts}
    unknown = [
        action for method, action in forms
        if method == "POST" and action != "/sign-out" and not any(known.match(action) for known in by_pattern.values())
    ]  # fmt: skip
    assert unknown == [], "a form that leads to no route"
    without = {path for path, known in by_pattern.items() if not any(known.match(action) for _, action in forms)}
    assert without == set(), "an act that no page has a form for"


@settings(max_examples=40)
@given(data=st.data())
def test_what_belongs_to_no_agency_ends_in_no_500_either(site: Site, data: st.DataObject) -> None:
    """The way in and out, with fields and a cookie that nobody meant."""
    method, path = data.draw(st.sampled_from(OF_NO_AGENCY))
    given = data.draw(
        st.dictionaries(st.sampled_from(["name", "password", "token", "next", "csrf", "x"]), TEXT, max_size=5)
    )
    values = {name: value.encode("utf-8", "replace").decode() for name, value in given.items()}
    cookie = {COOKIE: quote(data.draw(TEXT), errors="replace")[:500]}
    answer = requests.request(
        method, site.url + path, data=values if method == "POST" else None,
        params=values if method == "GET" else None, cookies=cookie, allow_redirects=False, timeout=20,
    )  # fmt: skip
    assert answer.status_code < 500, (method, path, values, answer.text[-500:])


@settings(max_examples=150)
@given(data=st.data())
def test_no_form_and_no_address_ends_in_a_500(quiet: Site, data: st.DataObject) -> None:
    """Every field that a page has, and some that none has, with values that nobody meant."""
    visitor, forms, paths = _reachable(quiet)
    screen = data.draw(st.sampled_from(SCREENS))
    path = data.draw(st.sampled_from(paths[screen.path]))
    known = forms.get((screen.method, path), {})
    fields = st.sampled_from([*known, "page", "sort", "format", "q", "type", "target", "nonsense"])
    values = {**(known if data.draw(st.booleans()) else {}), **data.draw(st.dictionaries(fields, TEXT, max_size=5))}
    if screen.method == "GET":
        answer = visitor.get(f"{path}?{urlencode(values, errors='replace')}")
    else:
        answer = visitor.post(path, {name: value.encode("utf-8", "replace").decode() for name, value in values.items()})
    assert answer.status_code < 500, (screen, values, answer.text[-500:])


_found: dict[str, Any] = {}


def _reachable(site: Site) -> tuple[Visitor, dict[tuple[str, str], dict[str, str]], dict[str, list[str]]]:
    """Somebody who may do everything, the fields of every form, and each screen's addresses; collected once."""
    if site.url not in _found:
        from ams_etl.store.database import connect

        with connect(site.database) as connection:
            visitor = site.visitor(connection, "everywhere")
            paths = {
                screen.path: [address(screen, connection), "/acme" + re.sub(r"{\w+}", "x", screen.path)]
                for screen in SCREENS
            }
            # Whatever other tests decided: there is a plan, and writes that wait for a decision.
            make_plan(connection, AGENCY, RuleSettings(), NO_BRAKE, TODAY)
            connection.execute(
                "update ops.writebacks set status = lane where agency = 'acme' and lane in ('uncertain', 'failed')"
            )
            forms: dict[tuple[str, str], dict[str, str]] = {}
            pages = [visitor.page(address(screen, connection)) for screen in SCREENS if screen.method == "GET"]
            decided = connection.execute(
                """select contact_id::text from ops.suppressions where agency = 'acme'
                union all select contact_id::text from ops.name_overrides where agency = 'acme'"""
            ).fetchall()
            pages += [visitor.page(f"/acme/contacts/{contact_id}") for (contact_id,) in decided]
            # While a sync runs its button is not there; the other agency runs none.
            pages += [*_previews(visitor, pages), visitor.page("/other").replace("/other/sync", "/acme/sync")]
            for page in pages:
                for form in forms_of(page):
                    forms[(form.method.upper(), form.action)] = {**form.values}
        _found[site.url] = visitor, forms, paths
    found: tuple[Visitor, dict[tuple[str, str], dict[str, str]], dict[str, list[str]]] = _found[site.url]
    return found


def _previews(visitor: Visitor, pages: list[str]) -> list[str]:
    """Pages that show up only after a form was sent."""
    mapping = next(form for page in pages for form in forms_of(page) if form.action == "/acme/users/preview")
    rows = b"connection_type,employee_code,user_id,user_name\nExecutive,E 1,u-fuzz,Fuzz\n"
    return [
        visitor.post(mapping.action, mapping.values).text,
        visitor.post("/acme/users/import", file=("users.csv", rows)).text,
    ]
