"""What the dashboard measures of itself, and the page that tells Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from tornado.web import RequestHandler

from flows import logs, measures

End = Literal["answered", "refused", "failed", "unreachable"]
ENDS: tuple[End, ...] = ("answered", "refused", "failed", "unreachable")
"""The API answered, or with 4xx, or with 5xx, or not at all."""


class Instruments:
    """The counters of one dashboard."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = measures.SESSIONS.gauge(self.registry)
        self._reads = measures.READS.counter(self.registry)
        self._durations = measures.READ.histogram(self.registry)
        self.registry.register(logs.LINES)
        ProcessCollector(registry=self.registry)
        for end in ENDS:
            self._reads.labels(end)

    @contextmanager
    def read(self) -> Iterator[list[int]]:
        """Time a request to the API; the block puts the answer's status into the list."""
        statuses: list[int] = []
        began = time.perf_counter()
        try:
            yield statuses
        finally:
            self._durations.observe(time.perf_counter() - began)
            self._reads.labels(_end(statuses)).inc()


class Measurements(RequestHandler):
    """`/metrics`."""

    def initialize(self, instruments: Instruments) -> None:
        """Take what is to be told."""
        self._instruments = instruments

    def get(self) -> None:
        """Tell Prometheus."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(generate_latest(self._instruments.registry))


def _end(statuses: list[int]) -> End:
    if not statuses:
        return "unreachable"
    if statuses[0] >= 500:
        return "failed"
    return "refused" if statuses[0] >= 400 else "answered"
