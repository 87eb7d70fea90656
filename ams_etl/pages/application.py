"""The integration page as a Starlette application: each request signed in, allowed, answered in one transaction."""

import csv
import hmac
import io
import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ams_etl.errors import AmsEtlError, TransientError
from ams_etl.pages.jobs.runner import JobRunner
from ams_etl.pages.lists.listing import Page
from ams_etl.pages.people import sessions
from ams_etl.pages.people.roles import Role
from ams_etl.pages.people.sign_in import SignIn
from ams_etl.pages.pool import Pool
from ams_etl.pages.rendering import HEADERS, render
from ams_etl.pages.requests import Asked, read_request
from ams_etl.pages.visit import Answer, Downloaded, Missing, Moved, Refused, Screen, Shown, Visit, in_url
from ams_etl.scrubbing import scrubbed
from ams_etl.settings import Agencies, Agency
from ams_etl.store.privacy.access_log import Way, count_access

COOKIE = "ams_etl_session"
PAGE_SECONDS, LONG_SECONDS = 5, 60
"""How long the database may work for a page, and for a download."""
_log = logging.getLogger(__name__)


class Application:
    """Answers requests; `asgi` is what a server runs.

    Args:
        screens: every route of an agency.
        pool: of connections.
        load: returns agencies.yaml as it is now.
    """

    def __init__(self, screens: Sequence[Screen], pool: Pool, load: Callable[[], Agencies]) -> None:
        self._screens, self._pool, self._load = screens, pool, load
        self._sign_in = SignIn(pool, load)
        self._workers = anyio.CapacityLimiter(8)

    @property
    def asgi(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/healthz", self._health, methods=["GET"]),
                Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
                Route("/", self._first, methods=["GET"]),
                Route("/sign-in", self._show_sign_in, methods=["GET"]),
                Route("/sign-in", self._do_sign_in, methods=["POST"]),
                Route("/sign-out", self._sign_out, methods=["POST"]),
                *(
                    Route("/{agency}" + screen.path, self._endpoint(screen), methods=[screen.method])
                    for screen in self._screens
                ),
            ],
            lifespan=self._lifespan,
            exception_handlers={HTTPException: _on_http_error, TransientError: _on_away},
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._pool.open()
        runner = JobRunner(self._pool)
        runner.start()
        yield
        await anyio.to_thread.run_sync(runner.stop)
        await anyio.to_thread.run_sync(self._pool.close)

    async def _read(self, request: Request) -> Asked:
        settings = self._load().pages
        return await read_request(request, settings.proxy_user_header, settings.trusted_proxies)

    async def _in_thread(self, work: Callable[[], Response]) -> Response:
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._workers)
        except (HTTPException, TransientError):
            raise
        except Exception as error:  # noqa: BLE001 - the last one: whatever it is, the person gets a page, the log its place
            where = "; ".join(
                f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]
            )
            _log.error("a page failed: %s: %s (%s)", type(error).__name__, scrubbed(str(error)), where)
            return _error(500, "Something went wrong here; the log of `ams-etl pages` has it.")

    async def _health(self, _: Request) -> Response:
        def ping() -> Response:
            with self._pool.connection() as connection:
                connection.execute("select 1")
            return PlainTextResponse("ok")

        return await self._in_thread(ping)

    async def _show_sign_in(self, request: Request) -> Response:
        asked = await self._read(request)
        return self._sign_in.show(asked.query.get("next", "/"), secure=self._secure)

    async def _do_sign_in(self, request: Request) -> Response:
        asked = await self._read(request)
        return await self._in_thread(lambda: self._sign_in.answer(asked, COOKIE, secure=self._secure))

    async def _sign_out(self, request: Request) -> Response:
        asked = await self._read(request)

        def work() -> Response:
            cookie = asked.cookies.get(COOKIE, "")
            if not hmac.compare_digest(asked.form.get("csrf", "").encode(), sessions.csrf_token(cookie).encode()):
                return _error(403, "This form is too old. Go back, load the page again and repeat.")
            with self._pool.connection() as connection:
                sessions.end(connection, self._load().pages, cookie)
            response = RedirectResponse("/sign-in", 303, HEADERS)
            response.delete_cookie(COOKIE, path="/")
            return response

        return await self._in_thread(work)

    async def _first(self, request: Request) -> Response:
        asked = await self._read(request)

        def work() -> Response:
            with self._pool.connection() as connection:
                session, cookie = self._session(connection, asked)
            if session is None:
                return _to_sign_in(asked)
            agencies = self._load()
            seen = [agency for agency in agencies.all if session.person.role_in(agency.id) is not None]
            if len(seen) == 1:
                return self._with_cookie(RedirectResponse(f"/{seen[0].id}", 303, HEADERS), asked, cookie)
            values = {**_frame(agencies, session, None, asked.path), "seen": seen}
            return self._with_cookie(render("agencies.html", values), asked, cookie)

        return await self._in_thread(work)

    def _endpoint(self, screen: Screen) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            asked = await self._read(request)
            place = {name: str(value) for name, value in request.path_params.items()}
            return await self._in_thread(lambda: self._answer(screen, asked, place))

        return endpoint

    def _answer(self, screen: Screen, asked: Asked, place: dict[str, str]) -> Response:
        agencies = self._load()
        with self._pool.connection() as connection:
            session, cookie = self._session(connection, asked)
            if session is None:
                return _to_sign_in(asked)
            agency = next((listed for listed in agencies.all if listed.id == place.get("agency")), None)
            role = session.person.role_in(agency.id) if agency else None
            if agency is None or role is None:
                return _error(404, "There is no such page, or it is another agency's.")
            if role < screen.role:
                return _error(403, f"This needs the role {screen.role.label}; yours is {role.label}.")
            if screen.method == "POST" and not _is_own_form(asked, session):
                return _error(403, "This form is too old. Go back, load the page again and repeat.")
            visit = Visit(
                session.person, role, agencies, agency, connection, asked.path, asked.query, asked.form, asked.files,
                {name: value for name, value in place.items() if name != "agency"},
            )  # fmt: skip
            answer = _transacted(screen, visit)
            if screen.method == "GET" and screen.shows_people and (shown := _people_in(answer)):
                way: Way = "export" if isinstance(answer, Downloaded) else "page"
                count_access(connection, agency.id, session.person.name, way, screen.path or "/", shown)
            if isinstance(answer, Moved) and answer.notice:
                sessions.leave_notice(connection, cookie, answer.notice)
        return self._with_cookie(_response(answer, visit, session, asked.came_from), asked, cookie)

    def _session(self, connection: psycopg.Connection[Any], asked: Asked) -> tuple[sessions.Session | None, str]:
        """Find the session of a request; a trusted proxy's user gets one with the first request."""
        settings = self._load().pages
        cookie = asked.cookies.get(COOKIE, "")
        session = sessions.find(connection, settings, cookie) if cookie else None
        if asked.proxy_user is not None:
            wanted = asked.proxy_user.strip().lower()
            if session is None or session.person.name != wanted:
                cookie = sessions.start(connection, wanted) or ""
                session = sessions.find(connection, settings, cookie) if cookie else None
        return session, cookie

    @property
    def _secure(self) -> bool:
        return (self._load().pages.public_url or "").startswith("https:")

    def _with_cookie(self, response: Response, asked: Asked, cookie: str) -> Response:
        if cookie and asked.cookies.get(COOKIE) != cookie:
            response.set_cookie(COOKIE, cookie, path="/", httponly=True, samesite="lax", secure=self._secure)
        return response


def _transacted(screen: Screen, visit: Visit) -> Answer:
    """Let the screen answer in one transaction; what it refuses or what fails leaves nothing behind."""
    connection = visit.connection
    try:
        with connection.transaction() as transaction:
            if screen.method == "GET":
                connection.execute("set transaction isolation level repeatable read, read only")
            seconds = LONG_SECONDS if screen.long or visit.query.get("format") == "csv" else PAGE_SECONDS
            connection.execute(f"set local statement_timeout = '{seconds}s'")
            answer = screen.answer(visit)
            if isinstance(answer, Refused):
                raise psycopg.Rollback(transaction)
    except TransientError:
        raise
    except AmsEtlError as error:
        return Refused(str(error))
    except (psycopg.DataError, psycopg.IntegrityError):
        return Refused("One of the values does not fit; please check what you entered.")
    return answer


def _people_in(answer: Answer) -> int:
    """Return how many rows about people an answer shows; 1 where it is not a list."""
    match answer:
        case Downloaded(_, content, _):
            return sum(1 for _ in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))) - 1
        case Shown(_, values, 200, _):
            listed = values.get("list")
            rows = listed.rows if isinstance(listed, Page) else values.get("answers", (None,))
            return len(rows)
    return 0


def _response(answer: Answer, visit: Visit, session: sessions.Session, came_from: str | None) -> Response:
    match answer:
        case Shown(template, values, status, reload_seconds):
            frame = _frame(visit.agencies, session, visit.agency, visit.path)
            response = render(template, {**frame, "visit": visit, **values}, status)
            if reload_seconds is not None:
                response.headers["Refresh"] = str(reload_seconds)
            return response
        case Moved(path, _, permanent):
            return RedirectResponse(path, 301 if permanent else 303, HEADERS)
        case Downloaded(name, content, media_type):
            return Response(
                content, 200, {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}, media_type
            )
        case Missing(what):
            return _error(404, f"There is no {what} in this agency.", visit.home, came_from)
        case Refused(why, status):
            return _error(status, why, visit.home, came_from)


def _frame(agencies: Agencies, session: sessions.Session, agency: Agency | None, path: str) -> dict[str, Any]:
    """What every page's frame shows."""
    role = session.person.role_in(agency.id) if agency else None
    return {
        "agency": agency, "person": session.person, "role": role, "csrf": session.csrf, "notice": session.notice,
        "path": path, "zone": agencies.schedule.zone, "Role": Role, "in_url": in_url,
        "many": sum(session.person.role_in(listed.id) is not None for listed in agencies.all) > 1,
    }  # fmt: skip


def _is_own_form(asked: Asked, session: sessions.Session) -> bool:
    return asked.same_site and secrets.compare_digest(asked.form.get("csrf", "").encode(), session.csrf.encode())


def _to_sign_in(asked: Asked) -> Response:
    target = asked.path + (f"?{asked.query_text}" if asked.query_text else "")
    return RedirectResponse(f"/sign-in?next={in_url(target if asked.method == 'GET' else '/')}", 303, HEADERS)


def _error(status: int, why: str, home: str = "/", back: str | None = None) -> Response:
    values = {"status": status, "why": why, "home": home, "back": back, "reload": status == 503}
    return render("error.html", values, status)


async def _on_http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {
        400: "The request cannot be read.", 404: "There is no such page.", 405: "The page cannot be used like that.",
        411: "The request does not say how long it is.", 413: "That is too large.", 414: "The address is too long.",
    }  # fmt: skip
    return _error(status, said.get(status, "The request cannot be answered."))


async def _on_away(_: Request, error: Exception) -> Response:
    response = _error(503, str(error))
    response.headers["Retry-After"] = response.headers["Refresh"] = "5"
    return response
