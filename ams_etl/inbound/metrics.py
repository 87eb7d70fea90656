"""Metrics for Prometheus: totals without agencies, because the address is as public as the service itself."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class DoorMetrics:
    """The counters of one service process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.stored = Counter("ams_etl_notifications_stored", "Requests stored durably", registry=self._registry)
        self.refused = Counter(
            "ams_etl_notifications_refused", "Requests with an unknown agency or a wrong code", registry=self._registry
        )
        self.unavailable = Counter(
            "ams_etl_notifications_unavailable", "Requests answered 503, to be sent again", registry=self._registry
        )
        self.oversized = Counter(
            "ams_etl_notifications_oversized", "Requests beyond the size limit", registry=self._registry
        )
        self.events = Counter("ams_etl_events_stored", "Platform events stored durably", registry=self._registry)
        self.commits = Counter("ams_etl_notification_commits", "Commits; each stores many", registry=self._registry)
        self.understood = Counter(
            "ams_etl_notifications_understood", "Notifications by the state they came to", ["state"],
            registry=self._registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "ams_etl_notification_seconds", "From the whole request to its answer", buckets=_BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._waiting = Gauge(
            "ams_etl_notifications_waiting", "Rows that are received, pending or parked", ["state"],
            registry=self._registry,
        )  # fmt: skip

    def text(self, waiting: Mapping[str, int]) -> bytes:
        """The Prometheus text; `waiting` is how many rows there are in each state that is not the end."""
        for state in ("received", "pending", "parked"):
            self._waiting.labels(state).set(waiting.get(state, 0))
        return generate_latest(self._registry)
