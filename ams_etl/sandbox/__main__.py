"""Run the sandboxes: `python -m ams_etl.sandbox --agency demo:5551234-1:360:2000 --hawksoft 7:360:500`.

All of them answer on one port: AMS360 and BenefitPoint at their own paths (`/v3/`, `/aptusConnect/`), the others under
`/hawksoft/`, `/qq_catalyst/` and `/mycase/`.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Awaitable, Sequence
from datetime import date
from pathlib import Path

from ams_etl.sandbox.ams360.agency import Agency
from ams_etl.sandbox.ams360.generation.agency import Generator
from ams_etl.sandbox.ams360.server import PATH, Ams360Server
from ams_etl.sandbox.benefitpoint.connection import Connection as Ams360Link
from ams_etl.sandbox.benefitpoint.generator import BookGenerator
from ams_etl.sandbox.benefitpoint.server import LOGIN_WSDL_PATH, WSDL_PATH, BenefitPointServer
from ams_etl.sandbox.hawksoft.generator import HawkSoftGenerator
from ams_etl.sandbox.hawksoft.service import HawkSoft
from ams_etl.sandbox.http import Connection, Handler, Request, Response, cut_off_the_slow
from ams_etl.sandbox.mycase.generator import MyCaseGenerator
from ams_etl.sandbox.mycase.service import MyCase
from ams_etl.sandbox.qq_catalyst.generator import QQCatalystGenerator
from ams_etl.sandbox.qq_catalyst.service import QQCatalyst
from ams_etl.sandbox.rest.server import RestServer

_SEED = 360


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ams_etl.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8360, help="0 takes a free one")
    parser.add_argument(
        "--agency", action="append", metavar="ID:AGENCY_NO:SEED:SIZE", help="may be given several times"
    )
    parser.add_argument("--benefitpoint", action="store_true", help="serve a BenefitPoint of the first agency too")
    parser.add_argument("--connected", action="store_true", help="its new accounts become customers of the agency")
    parser.add_argument("--hawksoft", metavar="AGENCY_ID:SEED:SIZE", help="serve a HawkSoft agency too")
    parser.add_argument("--qq-catalyst", metavar="SEED:SIZE", help="serve a QQ Catalyst agency too")
    parser.add_argument("--mycase", metavar="SEED:SIZE", help="serve a MyCase firm too")
    parser.add_argument("--unlisted", type=int, default=1, help="customers that no name prefix finds")
    parser.add_argument("--login", default="etl")
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="every call waits so long")
    parser.add_argument(
        "--today", type=date.fromisoformat, default=None, help="what the agency's dates are relative to"
    )
    parser.add_argument(
        "--faults", type=json.loads, default={}, metavar="JSON", help="as POST /sandbox/faults takes them"
    )
    parser.add_argument("--fault-seed", type=int, default=0)
    parser.add_argument("--notify", metavar="URL", help="send notifications of the first agency there")
    parser.add_argument("--code", default="", help="the authentication code that they carry")
    parser.add_argument("--notify-version", default="2.0", choices=("1", "2.0", "3"))
    parser.add_argument(
        "--drift", type=float, default=0, metavar="N", help="edits of the first agency by itself, a minute"
    )
    parser.add_argument("--ready-file", type=Path, help="written when the server answers")
    return parser.parse_args()


def _rest_servers(arguments: argparse.Namespace, today: date) -> list[RestServer]:
    """The JSON services asked for; their login is `etl`, their secrets come from the environment."""
    secret = os.environ.get("SANDBOX_REST_SECRET", "sandbox")
    servers = []
    if arguments.hawksoft:
        agency, seed, size = (int(part) for part in arguments.hawksoft.split(":"))
        hawksoft = HawkSoft(HawkSoftGenerator(seed, today).book(size), agency, arguments.login, secret)
        servers.append(RestServer(hawksoft, arguments.fault_seed))
    if arguments.qq_catalyst:
        seed, size = (int(part) for part in arguments.qq_catalyst.split(":"))
        qq = QQCatalyst(QQCatalystGenerator(seed, today).book(size), arguments.login, secret, "vendor", secret)
        servers.append(RestServer(qq, arguments.fault_seed))
    if arguments.mycase:
        seed, size = (int(part) for part in arguments.mycase.split(":"))
        book = MyCaseGenerator(seed, today).book(size)
        mycase = MyCase(book, arguments.login, secret, "https://etl.example.com/callback", "granted")
        servers.append(RestServer(mycase, arguments.fault_seed))
    return servers


def _benefitpoint(arguments: argparse.Namespace, agencies: dict[str, Agency], today: date) -> BenefitPointServer:
    """BenefitPoint beside the first agency, out of the same seed."""
    seed = int(arguments.agency[0].split(":")[2]) if arguments.agency else _SEED
    agency = next(iter(agencies.values()))
    book, link = BookGenerator(seed, today).book(agency), Ams360Link(agency)
    if arguments.connected:
        book.connected = link
    password = os.environ.get("SANDBOX_BENEFITPOINT_PASSWORD", "sandbox")
    return BenefitPointServer(book, arguments.login, password, link, arguments.fault_seed)


def _dispatch(first: Handler, others: Sequence[RestServer | BenefitPointServer]) -> Handler:
    """Whoever knows the path answers; AMS360 has the rest."""

    def handle(request: Request) -> Response | Awaitable[Response]:
        for server in others:
            if server.answers(request.target):
                return server.handle(request)
        return first(request)

    return handle


async def _serve(arguments: argparse.Namespace) -> None:
    today = arguments.today or date.today()  # noqa: DTZ011
    # A big agency is millions of objects that all stay: collecting among them would cost half of the start, and later
    # hold up the calls.
    gc.disable()
    agencies = {}
    others: list[RestServer | BenefitPointServer] = [*_rest_servers(arguments, today)]
    alone = not others or arguments.benefitpoint
    for given in arguments.agency or ([f"demo:5551234-1:{_SEED}:2000"] if alone else []):
        name, agency_no, seed, size = given.split(":")
        agencies[name] = Generator(int(seed), today).agency(agency_no, int(size), arguments.unlisted)
    if arguments.benefitpoint:
        others.append(_benefitpoint(arguments, agencies, today))
    password = os.environ.get("SANDBOX_AMS360_PASSWORD", "sandbox")
    application = Ams360Server(agencies, arguments.login, password, arguments.fault_seed)
    standing: list[Ams360Server | RestServer | BenefitPointServer] = [application, *others]
    for stand_in in standing:
        stand_in.switch({"latency_ms": arguments.latency, **arguments.faults})
    if arguments.notify and agencies:
        sender = next(iter(application.senders.values()))
        sender.configure(url=arguments.notify, code=arguments.code, version=arguments.notify_version)
    if agencies:
        next(iter(application.drifts.values())).configure(per_minute=arguments.drift)
    gc.freeze()
    gc.enable()

    def count_connection() -> None:
        for stand_in in standing:
            stand_in.stats.connections += 1

    loop = asyncio.get_running_loop()
    connections: set[Connection] = set()
    server = await loop.create_server(
        lambda: Connection(_dispatch(application.handle, others), count_connection, connections),
        arguments.host,
        arguments.port,
        backlog=512,
    )
    beside = [asyncio.create_task(cut_off_the_slow(connections))]
    beside += [asyncio.create_task(drift.run()) for drift in application.drifts.values()]
    port = server.sockets[0].getsockname()[1]
    base = f"http://{arguments.host}:{port}"
    addresses = {"pid": os.getpid(), "port": port, "url": base, "wsdl": f"{base}{PATH}?wsdl"}
    if arguments.benefitpoint:
        addresses["benefitpoint"] = {"wsdl": f"{base}{WSDL_PATH}", "login_wsdl": f"{base}{LOGIN_WSDL_PATH}"}
    ready = json.dumps(addresses)
    if arguments.ready_file:
        partial = arguments.ready_file.with_suffix(".partial")
        partial.write_text(ready)
        partial.replace(arguments.ready_file)
    sys.stdout.write(ready + "\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    await stopped.wait()
    for task in beside:
        task.cancel()
    server.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_arguments()))
