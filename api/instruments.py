"""What the API measures of itself, in a registry per app."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.serving import Follower

UNMEASURED = {"/metrics", "/livez", "/readyz"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Instruments:
    """The counters of one app; names of requests are those of the usual Grafana boards."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests_total",
            "Requests answered",
            ["method", "handler", "status"],
            registry=self.registry,
        )
        self.durations = Histogram(
            "http_request_duration_seconds",
            "Time until the answer's end",
            ["method", "handler"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.predictions = Counter(
            "realtime_predictions_total", "Predictions given", ["project"], registry=self.registry
        )
        ProcessCollector(registry=self.registry)


class ModelCollector(Collector):
    """Tells of the models in memory at the moment of asking."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self._followers = followers

    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily(
            "realtime_model_info",
            "The model that serves",
            labels=["project", "shard", "version", "alias", "source"],
        )
        age = GaugeMetricFamily(
            "realtime_model_age_seconds",
            "Time since it was published",
            labels=["project", "shard"],
        )
        refused = CounterMetricFamily(
            "realtime_model_refused_total",
            "Published models that were not loaded",
            labels=["project", "reason"],
        )
        for follower in self._followers:
            slug = follower.project.slug
            for shard in range(follower.shards):
                if loaded := follower.loaded(shard):
                    version, alias = loaded.facts.version, loaded.alias
                    info.add_metric([slug, str(shard), version, alias, loaded.source], 1)
                    age.add_metric([slug, str(shard)], loaded.age)
            for reason in ("signature", "format", "content"):
                refused.add_metric([slug, reason], follower.refusals[reason])
        return [info, age, refused]


class RequestMetrics:
    """ASGI middleware: counts and times requests by method and route template."""

    def __init__(self, app: ASGIApp, instruments: Instruments) -> None:
        self._app = app
        self._instruments = instruments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNMEASURED:
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        handler = getattr(scope.get("route"), "path", "none")
        self._instruments.requests.labels(method, handler, f"{status // 100}xx").inc()
        self._instruments.durations.labels(method, handler).observe(seconds)
