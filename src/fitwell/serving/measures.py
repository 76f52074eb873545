"""What a server tells Prometheus: requests by status, and how long they took."""

import os
from typing import Any

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Upper ends of the bins of times."""

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which the worker processes of one server add up their figures."""


class Measures:
    """Counters of one process."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self._registry = CollectorRegistry()
        self._requests: Any = Counter(
            "fitwell_requests", "Answered invocations by status", ["status"],
            registry=self._registry,
        )  # fmt: skip
        self._seconds: Any = Histogram(
            "fitwell_request_seconds", "From the first byte of an invocation to its answer",
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip

    def done(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """Give all figures in the format of Prometheus, with its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
