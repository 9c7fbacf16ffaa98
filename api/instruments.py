"""What the API measures of itself, in a registry per app."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import PredictionMade
from api.serving import Follower, Source
from api.sql.errors import SqlBusy, SqlError, SqlNotAllowed, SqlTimeout, SqlTooLarge
from api.sql.messages import Engine
from flows import logs, measures

UNMEASURED = {"/metrics", "/livez", "/readyz"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# The most telling first: some of them are kinds of others.
_SQL_ENDS: dict[type[SqlError], str] = {
    SqlNotAllowed: "not allowed",
    SqlTimeout: "timeout",
    SqlTooLarge: "too large",
    SqlBusy: "busy",
    SqlError: "wrong",
}


class Instruments:
    """The counters of one app; names of requests are those of the usual Grafana boards."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = measures.REQUESTS.counter(self.registry)
        self.durations = measures.REQUEST.histogram(self.registry)
        self.predictions = measures.PREDICTIONS.counter(self.registry)
        self.queries = measures.SQL_QUERIES.counter(self.registry)
        self.query_durations = measures.SQL_QUERY.histogram(self.registry)
        ProcessCollector(registry=self.registry)
        self.registry.register(logs.LINES)
        for engine in get_args(Engine):
            for end in ("done", *_SQL_ENDS.values()):
                self.queries.labels(engine, end)

        self._found: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def of(self, method: str, handler: str, hundreds: int) -> tuple[Counter, Histogram]:
        """What counts and times such requests; looking labels up anew would take longer."""
        name = (method, handler, hundreds)
        found = self._found.get(name)
        if found is None:
            counter = self.requests.labels(method, handler, f"{hundreds}xx")
            found = self._found[name] = counter, self.durations.labels(method, handler)
        return found

    def begin(self, projects: Iterable[str]) -> None:
        """Show from the start what may happen: what comes with its first count has no rise."""
        for project in projects:
            for source in get_args(Source):
                self.predictions.labels(project, source)

    def count_predictions(self, project: str, made: Iterable[PredictionMade]) -> None:
        """Count predictions by where their models came from."""
        for source, count in Tally(one.model.source for one in made).items():
            self.predictions.labels(project, source).inc(count)

    @contextmanager
    def query(self, engine: Engine) -> Iterator[None]:
        """Count and time the query that a block runs."""
        end, began = "failed", time.perf_counter()
        try:
            yield
            end = "done"
        except SqlError as error:
            end = next(name for kind, name in _SQL_ENDS.items() if isinstance(error, kind))
            raise
        finally:
            self.queries.labels(engine, end).inc()
            self.query_durations.labels(engine).observe(time.perf_counter() - began)


class ModelCollector(Collector):
    """Tells of the models in memory at the moment of asking."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self._followers = followers

    def collect(self) -> Iterable[Metric]:
        info, age = measures.MODEL_INFO.gauged(), measures.MODEL_AGE.gauged()
        refused = measures.MODEL_REFUSED.counted()
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
        counter, histogram = self._instruments.of(method, handler, status // 100)
        counter.inc()
        histogram.observe(seconds)
