"""The service as a process: uvicorn, its limits, and what it is made of."""

import logging
import os
import resource
from collections.abc import Callable
from pathlib import Path

import uvicorn

from ams_etl.errors import ConfigError
from ams_etl.inbound.notifications.interpret import Reader
from ams_etl.inbound.notifications.mapping import load_mapping
from ams_etl.inbound.notifications.redaction import Gate, check_code
from ams_etl.inbound.notifications.sealing import BodySeal
from ams_etl.inbound.retention import Retention
from ams_etl.inbound.service import Door, Service
from ams_etl.serving.bounded_protocol import bounded_protocol
from ams_etl.serving.until_stopped import serve_until_stopped
from ams_etl.settings import Agencies, Agency, EventSettings, NotificationSettings
from ams_etl.settings.environment_file import load_environment_file
from ams_etl.settings.file import shown_variable
from ams_etl.store.database import locator
from ams_etl.store.loading.beside import take_short_turns

_log = logging.getLogger(__name__)


def serve(agencies: Agencies, home: Path, host: str, port: int, ready: Callable[[str, int], None]) -> None:
    """Serve until SIGINT or SIGTERM; what was begun is answered first.

    Args:
        agencies: whose notifications and events are taken.
        home: where the embedded server lives, which is started again should it die.
        host: the address to listen on.
        port: 0 takes a free one.
        ready: called with host and port once requests are answered.

    Raises:
        ConfigError: no agency is left whose code or token and mapping are right, or the port is taken. One agency's
            mistake is logged and keeps only that agency out.
    """
    doors: dict[str, Door] = {}
    tokens: dict[str, str] = {}
    mistakes: list[str] = []
    for name, mistake in agencies.unusable.items():
        _log.warning("%s does not take part until it is mended and this is started again: %s", name, mistake)
    for agency in agencies.all:
        try:
            if agency.notifications is not None:
                doors[agency.id] = open_door(agencies, agency, agency.notifications)
            if agency.events is not None:
                tokens[agency.id] = event_token(agencies, agency, agency.events)
        except ConfigError as error:
            mistakes.append(str(error))
            _log.warning("%s does not take part until it is mended and this is started again: %s", agency.id, error)
    if not doors and not tokens:
        if mistakes:
            raise ConfigError("; ".join(mistakes))
        raise ConfigError(f"{agencies.path}: no agency has `notifications` or `events`; docs/settings.md shows how")
    inbound = agencies.inbound
    application = Service(
        doors, tokens, locator(home), inbound.max_body_bytes, inbound.max_event_bytes, agencies.pages.address
    ).application
    protocol = bounded_protocol(
        request_seconds=inbound.request_seconds,
        header_seconds=inbound.header_seconds,
        max_connections=inbound.max_connections,
    )
    config = uvicorn.Config(
        application, host=host, port=port, http=protocol, loop="auto", ws="none", lifespan="on",
        access_log=False, log_level="warning", server_header=False, proxy_headers=False,
        timeout_keep_alive=agencies.inbound.keep_alive_seconds, limit_concurrency=agencies.inbound.max_connections + 1,
        timeout_graceful_shutdown=10, backlog=2048,
    )  # fmt: skip
    # Each connection needs a file descriptor, and many systems allow 1,024 unless asked.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, max(soft, agencies.inbound.max_connections + 200))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    # Understanding runs in a thread beside the requests.
    take_short_turns()
    serve_until_stopped(config, ready)


def mistakes_of(agencies: Agencies, agency: Agency, *, unset: bool = True) -> list[str]:
    """Return what keeps this agency's notifications and events out: codes and tokens that are missing, too short or unfit.

    Args:
        agencies: the agencies file.
        agency: the agency.
        unset: whether a variable that is not set counts; it may be set only where the inbound service runs.
    """
    found = []
    checks: list[tuple[str, Callable[[], object]]] = []
    if (notifications := agency.notifications) is not None:
        checks.append((notifications.authentication_code_env, lambda: open_door(agencies, agency, notifications)))
    if (events := agency.events) is not None:
        checks.append((events.token_env, lambda: event_token(agencies, agency, events)))
    load_environment_file()
    for variable, check in checks:
        if not unset and not os.environ.get(variable):
            continue
        try:
            check()
        except ConfigError as error:
            found.append(str(error))
    return found


def open_door(agencies: Agencies, agency: Agency, settings: NotificationSettings) -> Door:
    """One agency's door: its code from the environment, its mapping from the file.

    Raises:
        ConfigError: the code is missing or unfit, or the mapping is wrong.
    """
    return Door(
        Gate(*_code_and_names(agencies, agency, settings)),
        reader_for(agencies, agency, settings),
        settings.capture,
        Retention(settings.retention_days, settings.parked_retention_days),
    )


def event_token(agencies: Agencies, agency: Agency, settings: EventSettings) -> str:
    """Return the token that the platform must send with this agency's events.

    Raises:
        ConfigError: it is missing or unfit.
    """
    where = f"{agencies.path}: agencies.{agency.id}.events.token_env: {shown_variable(settings.token_env)}"
    return check_code(agencies.secret(agency, "events.token_env", settings.token_env), where)


def reader_for(agencies: Agencies, agency: Agency, settings: NotificationSettings) -> Reader:
    """How an agency's notifications are read.

    Raises:
        ConfigError: the mapping is wrong, or the key of `inbound.body_key_env` is not valid.
    """
    seal = BodySeal(agencies.body_key(), f"{agencies.path}: inbound.body_key_env")
    return Reader(agency.ams360.agency_no, load_mapping(settings.version), seal)


def _code_and_names(agencies: Agencies, agency: Agency, settings: NotificationSettings) -> tuple[str, tuple[str, ...]]:
    path = "notifications.authentication_code_env"
    code = agencies.secret(agency, path, settings.authentication_code_env)
    names = load_mapping(settings.version).authentication_code
    return check_code(
        code, f"{agencies.path}: agencies.{agency.id}.{path}: {shown_variable(settings.authentication_code_env)}"
    ), names
