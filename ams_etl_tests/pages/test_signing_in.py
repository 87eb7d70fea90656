"""Signing in: who may, who is locked out, what a session's cookie is, and that only our own forms act."""

import re
from pathlib import Path
from typing import Any

import psycopg
import requests

from ams_etl.pages.people.sessions import csrf_token
from ams_etl_tests.pages.pages_process import (
    COOKIE,
    PASSWORD,
    Site,
    Visitor,
    people,
    running_pages,
    write_agencies,
)


def sign_in(site: Site, name: str, password: str, target: str = "/") -> requests.Response:
    session = requests.Session()
    form = session.get(f"{site.url}/sign-in", params={"next": target}, timeout=10).text
    token = re.search(r'name="token" value="([^"]+)"', form)
    shown = re.search(r'name="next" value="([^"]+)"', form)
    assert token is not None
    assert shown is not None
    given = {"token": token[1], "next": shown[1], "name": name, "password": password}
    return session.post(f"{site.url}/sign-in", data=given, allow_redirects=False, timeout=10)


def test_a_person_signs_in_and_out(site: Site) -> None:
    """The cookie is out of scripts' reach, and worth nothing after signing out."""
    answer = sign_in(site, " Everywhere ", PASSWORD, "/acme/set-up")
    assert (answer.status_code, answer.headers["location"]) == (303, "/acme/set-up")
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags
    cookie = answer.cookies[COOKIE]
    assert cookie is not None
    somebody = Visitor(site.url, "everywhere", cookie)
    page = somebody.get("/acme/set-up")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert somebody.post("/sign-out").status_code == 303
    assert somebody.get("/acme/set-up").headers["location"].startswith("/sign-in?next=")


def test_nobody_is_sent_to_another_site_after_signing_in(site: Site) -> None:
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"):
        assert sign_in(site, "everywhere", PASSWORD, target).headers["location"] == "/"


def test_a_form_of_another_site_does_nothing(site: Site, operator: Visitor, stored: psycopg.Connection[Any]) -> None:
    """Without the session's token, with another session's, or from another site by the browser's word."""
    jobs = "select count(*) from ops.page_jobs"
    before = stored.execute(jobs).fetchone()
    for form, headers in (
        ({}, {}),
        ({"csrf": csrf_token("another")}, {}),
        ({"csrf": csrf_token(operator.cookie)}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        answer = requests.post(
            f"{site.url}/acme/set-up/test", data=form, headers=headers, cookies={COOKIE: operator.cookie},
            allow_redirects=False, timeout=10,
        )  # fmt: skip
        assert answer.status_code == 403
    assert stored.execute(jobs).fetchone() == before
    assert (
        requests.post(f"{site.url}/sign-in", data={"name": "everywhere", "password": PASSWORD}, timeout=10).status_code
        == 403
    )


def test_wrong_passwords_lock_the_account_and_then_slow_the_address(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """The right password is refused while it is locked, with the same words as for a wrong one or an unknown name."""
    write_agencies(tmp_path, pages={"most_wrong_passwords": 3, "lock_minutes": 5})
    people(connection)
    with running_pages(tmp_path, database) as site:
        assert sign_in(site, "everywhere", PASSWORD).status_code == 303
        refused = {
            re.sub(r'value="[^"]*"', "", sign_in(site, name, password).text)
            for name, password in (("everywhere", "w"), ("nobody", PASSWORD), ("viewer", ""), ("everywhere", "w" * 500),
                                   ("everywhere", ""), ("everywhere", PASSWORD))
        }  # fmt: skip
        assert len(refused) == 1
        connection.execute("update ops.page_users set locked_until = now() - interval '1 second'")
        assert sign_in(site, "everywhere", PASSWORD).status_code == 303
        statuses = [sign_in(site, "nobody", "x").status_code for _ in range(20)]
        assert statuses[-1] == 429


def test_sessions_end(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    """After the hours, after idling, and when the person is removed."""
    write_agencies(tmp_path)
    people(connection)
    with running_pages(tmp_path, database) as site:
        for change in (
            "update ops.page_sessions set created_at = now() - interval '13 hours'",
            "update ops.page_sessions set seen_at = now() - interval '61 minutes'",
            "update ops.page_users set disabled_at = now()",
        ):
            somebody = site.visitor(connection, "viewer")
            assert somebody.get("/acme/set-up").status_code == 200
            connection.execute(change)
            assert somebody.get("/acme/set-up").status_code == 303


def test_behind_a_proxy_that_signs_people_in(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """Its header counts only where the settings name it; over https the cookie is sent over TLS only."""
    people(connection)
    for settings, expected in (
        ({}, 303),
        ({"proxy_user_header": "X-User", "trusted_proxies": ["10.9.8.7"]}, 303),
        ({"proxy_user_header": "X-User", "public_url": "https://ams.example.com"}, 200),
    ):
        write_agencies(tmp_path, pages=settings)
        with running_pages(tmp_path, database) as site:
            answer = requests.get(
                f"{site.url}/acme/set-up", headers={"X-User": "Viewer"}, allow_redirects=False, timeout=10
            )
            assert answer.status_code == expected
            if expected == 200:
                assert "secure" in answer.headers["set-cookie"].lower()
                unknown = requests.get(
                    f"{site.url}/acme/set-up", headers={"X-User": "who"}, allow_redirects=False, timeout=10
                )
                assert unknown.status_code == 303


def test_what_is_not_a_request_of_ours_is_refused_in_words(site: Site, operator: Visitor) -> None:
    assert operator.get("/acme/set-up?q=%00").status_code == 400
    assert operator.get("/acme/nowhere").status_code == 404
    assert operator.get("/acme/jobs/not-an-id").status_code == 404
    assert operator.get("/acme/set-up?" + "x" * 9000).status_code == 414
    too_large = operator.post("/acme/set-up/test", {"x": "y" * 4_100_000})
    assert too_large.status_code == 413
