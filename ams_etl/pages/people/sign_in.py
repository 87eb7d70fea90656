"""The sign-in page: name and password, throttled, with a token that another site cannot know."""

import secrets
from collections.abc import Callable

from starlette.responses import RedirectResponse, Response

from ams_etl.pages.people import sessions
from ams_etl.pages.people.passwords import LONGEST
from ams_etl.pages.people.throttle import Throttle
from ams_etl.pages.pool import Pool
from ams_etl.pages.rendering import HEADERS, render
from ams_etl.pages.requests import Asked
from ams_etl.settings import Agencies

_TOKEN_COOKIE = "ams_etl_sign_in"  # noqa: S105
_WRONG = "The name or the password is wrong, or the account is locked for some minutes after too many wrong passwords."


class SignIn:
    """Shows the form and checks what it sends."""

    def __init__(self, pool: Pool, load: Callable[[], Agencies]) -> None:
        self._pool, self._load = pool, load
        self._throttle = Throttle()

    def show(self, target: str, *, secure: bool, status: int = 200, why: str | None = None, name: str = "") -> Response:
        """Return the form; its token is also a cookie, which another site can neither read nor set."""
        token = secrets.token_urlsafe(24)
        response = render(
            "sign_in.html", {"token": token, "target": own_path(target), "why": why, "name": name[:LONGEST]}, status
        )
        response.set_cookie(_TOKEN_COOKIE, token, path="/sign-in", httponly=True, samesite="strict", secure=secure)
        return response

    def answer(self, asked: Asked, cookie_name: str, *, secure: bool) -> Response:
        """Sign in and go on to where the person wanted, or show the form again: 403, or 429 after too many attempts."""
        form, target = asked.form, own_path(asked.form.get("next", "/"))
        token = asked.cookies.get(_TOKEN_COOKIE, "")
        if not token or not secrets.compare_digest(form.get("token", "").encode(), token.encode()):
            return self.show(target, secure=secure, status=403, why="Please sign in again: the form was too old.")
        if not self._throttle.admits(asked.address):
            why = "Too many attempts from this address; please wait a minute."
            return self.show(target, secure=secure, status=429, why=why)
        name = form.get("name", "")
        with self._pool.connection() as connection:
            cookie = sessions.sign_in(connection, self._load().pages, name, form.get("password", ""))
        if cookie is None:
            return self.show(target, secure=secure, status=403, why=_WRONG, name=name)
        response = RedirectResponse(target, 303, HEADERS)
        response.set_cookie(cookie_name, cookie, path="/", httponly=True, samesite="lax", secure=secure)
        return response


def own_path(target: str) -> str:
    """Return the path if it is one of this site, else `/`: nobody is sent elsewhere after signing in."""
    fine = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if fine else "/"
