"""What Prometheus may know of a follower."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from ams_etl.store.signs_of_life.followers import FollowerBatch

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 300.0)


class FollowerMetrics:
    """The counters of one follower process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._lag = Histogram(
            "ams_etl_follower_lag_seconds", "From the arrival of the oldest notification or event to the end of its batch",
            ["kind"], buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._size = Histogram(
            "ams_etl_follower_batch_customers", "Customers in a batch", ["kind"], buckets=(1, 2, 5, 10, 50, 100, 300),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "ams_etl_follower_stage_seconds", "Seconds of each stage of a batch", ["stage"], buckets=_BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._errors = Counter("ams_etl_follower_errors", "Failed batches", ["agency"], registry=self._registry)
        self._working = Gauge("ams_etl_follower_working", "Agencies that are worked on now", registry=self._registry)

    def note(self, batch: FollowerBatch) -> None:
        """Count a batch."""
        self._lag.labels(batch.kind).observe(batch.lag_seconds)
        self._size.labels(batch.kind).observe(batch.customers)
        for stage, seconds in batch.seconds.items():
            self._seconds.labels(stage).observe(seconds)
        if batch.error:
            self._errors.labels(batch.agency).inc()

    def serve(self, host: str, port: int, working: Callable[[], int]) -> None:
        """Answer GET /metrics in a thread of its own."""
        self._working.set_function(working)
        start_http_server(port, addr=host, registry=self._registry)
