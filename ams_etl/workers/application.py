"""The Celery application that the launcher and the workers share: its broker, its queue, its one task."""

import os
from typing import Any

from celery import Celery
from dagster_celery.make_app import make_app

from ams_etl.errors import ConfigError, TransientError

BROKER_VARIABLE = "AMS_ETL_CELERY_BROKER"
QUEUE = "dagster"
CONFIGURATION: dict[str, Any] = {
    # What a run came to is in Postgres: nobody asks Celery.
    "task_ignore_result": True,
    # Taken off the queue before it begins. Redis delivers a late acknowledgement's task again after an hour, however well it runs.
    "task_acks_late": False,
    # A run waits in Redis, where every host sees it, and not at a host that is busy.
    "worker_disable_prefetch": True,
    "worker_prefetch_multiplier": 1,
    # A thread watches each run, which is a process of its own and new for each run.
    "worker_pool": "threads",
    "worker_hijack_root_logger": False,
    "worker_send_task_events": False,
    # Redis may be away for as long as it likes: runs go on, and the worker connects again.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5,
        # Without it a worker waits for hours for a Redis whose host is gone.
        "socket_keepalive": True, "socket_connect_timeout": 5, "health_check_interval": 25,
    },
}  # fmt: skip


def broker_url() -> str:
    """Return the address of Redis.

    Raises:
        ConfigError: the variable is not set, or is not an address of Redis.
    """
    url = os.environ.get(BROKER_VARIABLE, "")
    if not url.startswith(("redis://", "rediss://")):
        raise ConfigError(f"{BROKER_VARIABLE}: expected redis://:password@host:6379/0, the Redis that all hosts share")
    return url


def application(broker: str) -> Celery:
    """Return the application, without its task: only workers carry it out."""
    arguments = {"broker": broker, "config_source": CONFIGURATION, "task_default_queue": QUEUE}
    return make_app(arguments)  # type: ignore[no-untyped-call]


def living_workers(broker: str) -> dict[str, int]:
    """Return the slots of each worker that answers within a second, by its name.

    Raises:
        TransientError: Redis does not answer.
    """
    from celery.exceptions import OperationalError

    app = application(broker)
    try:
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
            found = app.control.inspect(timeout=1, connection=connection).stats() or {}
    except OperationalError:
        raise TransientError(
            f"{BROKER_VARIABLE}: Redis does not answer, or refuses its password; is it running there?"
        ) from None
    return {name: int(stats["pool"]["max-concurrency"]) for name, stats in sorted(found.items())}
