"""Cached readers over the API, shared by all sessions of the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from dashboard.client import TIMEOUT, Answer, Client, Failure
from dashboard.history import ALL, NEWEST, joined

REGISTRY_SECONDS = 10
MOST_ROWS = 1_000
SELDOM = 5
"""Seconds between two reads of what changes rarely, or is slow to tell."""

PATIENCE = 60.0
"""Seconds that a comparison or a query may take."""


def profiled(slug: str, chosen: Mapping[str, str]) -> str:
    """The path of a profile."""
    return f"/projects/{slug}/profile?{urlencode(chosen)}"


def charted(slug: str, chosen: Mapping[str, str]) -> str:
    """The path of a chart."""
    return f"/projects/{slug}/chart?{urlencode(chosen)}"


@dataclass(slots=True)
class _Read:
    when: int
    answer: asyncio.Task[Answer]


class Store:
    """Reads each resource at most once a second, the registry more seldom, for all sessions."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self.down_since: datetime | None = None
        self._clock = clock
        self._reads: dict[str, _Read] = {}
        self._points: dict[str, list[dict[str, Any]]] = {}

    async def projects(self) -> Answer:
        """Which projects there are."""
        return await self._read("/projects")

    async def project(self, slug: str) -> Answer:
        """What is known of a project now."""
        return await self._read(f"/projects/{slug}")

    async def metrics(self, slug: str) -> Answer:
        """Metrics, report and counts of the live model."""
        return await self._read(f"/projects/{slug}/metrics")

    async def history(self, slug: str) -> Answer:
        """Metrics over events learned, as far back as the API knows."""
        return await self._read(f"/projects/{slug}/metrics/history", fetch=self._curve)

    async def models(self, slug: str) -> Answer:
        """Registered versions, newest first; as of some seconds ago."""
        return await self._read(f"/projects/{slug}/models", REGISTRY_SECONDS)

    async def rows(self, query: str) -> Answer:
        """What SQL finds, as of some seconds ago."""
        return await self._read(query, REGISTRY_SECONDS, self._run)

    async def health(self) -> Answer:
        """The readiness checks; a Failure's `body` lists them too."""
        return await self._read("/readyz")

    async def predict(self, slug: str, event: dict[str, Any], models: Sequence[str] = ()) -> Answer:
        """Ask the model that serves, or those that are named, about one event; never cached."""
        query = f"?{urlencode({'model': ','.join(models)})}" if models else ""
        return self._note(await self.client.post(f"/projects/{slug}/predict{query}", event))

    async def label(self, slug: str, prediction_id: str, label: float | str) -> Answer:
        """Tell the true label of what was predicted."""
        body = {"prediction_id": prediction_id, "label": label}
        return self._note(await self.client.post(f"/projects/{slug}/labels", body))

    async def train(self, slug: str, wanted: str) -> Answer:
        """Let the flow learn ("running") or pause ("paused")."""
        return self._note(await self.client.put(f"/projects/{slug}/training", {"wanted": wanted}))

    async def changes(self, slug: str) -> Answer:
        """Who let what lead, when and why; as of at most SELDOM seconds ago."""
        return await self._read(f"/projects/{slug}/models/history", SELDOM)

    async def report(self, slug: str) -> Answer:
        """What leads, and how its contests stand; as of at most SELDOM seconds ago."""
        return await self._read(f"/projects/{slug}/report", SELDOM)

    async def compare(self, slug: str, a: int, b: int) -> Answer:
        """Let two versions answer for the same events; takes a while."""
        path = f"/projects/{slug}/compare?a={a}&b={b}"
        return self._note(await self.client.get(path, PATIENCE))

    async def change(self, slug: str, how: str, body: dict[str, Any]) -> Answer:
        """`promote` or `rollback`; what is read afterwards is newer."""
        answer = await self.client.post(f"/projects/{slug}/{how}", body, PATIENCE)
        for path in ("models", "models/history", "report"):
            self._reads.pop(f"/projects/{slug}/{path}", None)
        return self._note(answer)

    async def tables(self) -> Answer:
        """What SQL can read, as of at most SELDOM seconds ago."""
        return await self._read("/sql/tables", SELDOM, self._patiently)

    async def query(self, body: dict[str, Any]) -> Answer:
        """Run a SQL text; never cached."""
        return self._note(await self.client.post("/sql", body, PATIENCE))

    async def batch_jobs(self, slug: str) -> Answer:
        """Jobs of batch learning, newest first, and what can be ordered."""
        return await self._read(f"/projects/{slug}/batch/jobs")

    async def batch_model(self, slug: str) -> Answer:
        """The newest model that was trained in a batch; as of at most SELDOM seconds ago."""
        return await self._read(f"/projects/{slug}/batch/model", SELDOM, self._patiently)

    async def diagnostics(self, slug: str) -> Answer:
        """What can be shown of that model; as of at most SELDOM seconds ago."""
        return await self._read(f"/projects/{slug}/batch/diagnostics", SELDOM, self._patiently)

    async def diagnostic(self, slug: str, name: str) -> bytes | Failure:
        """One of those as SVG; never cached."""
        path = f"/projects/{slug}/batch/diagnostics/{name}"
        return await self.client.fetch(path, "image/svg+xml", PATIENCE)

    async def order(self, slug: str, path: str, body: dict[str, Any]) -> Answer:
        """Order a job of batch learning, or say what is to become of one: `/<id>/cancel`."""
        answer = await self.client.post(f"/projects/{slug}/batch/jobs{path}", body)
        self._reads.pop(f"/projects/{slug}/batch/jobs", None)
        return self._note(answer)

    async def profile(self, slug: str, chosen: Mapping[str, str]) -> Answer:
        """What a project's rows are like; never cached, and takes a while."""
        return self._note(await self.client.get(profiled(slug, chosen), PATIENCE))

    async def chart(self, slug: str, chosen: Mapping[str, str]) -> Answer:
        """The figures of a chart; never cached."""
        return self._note(await self.client.get(charted(slug, chosen), PATIENCE))

    async def file(self, path: str, accept: str) -> bytes | Failure:
        """Another form of what was just told: a file to keep, or a picture."""
        return await self.client.fetch(path, accept, PATIENCE)

    async def producer(self, slug: str) -> Answer:
        """What the generator of a project's events does now."""
        return await self._read(f"/projects/{slug}/producer")

    async def stream_changes(self, slug: str) -> Answer:
        """The drifts, scenarios and anomalies that the generator made, oldest first."""
        return await self._read(f"/projects/{slug}/producer/changes")

    async def steer(self, slug: str, command: dict[str, Any]) -> Answer:
        """Tell the generator what to do."""
        return self._note(await self.client.post(f"/projects/{slug}/producer", command))

    async def _patiently(self, path: str) -> Answer:
        return await self._get(path, PATIENCE)

    async def _run(self, query: str) -> Answer:
        return self._note(await self.client.post("/sql", {"query": query, "limit": MOST_ROWS}))

    async def _curve(self, path: str) -> Answer:
        """Read the newest points, or all of them where those do not go on from the known ones."""
        known = self._points.get(path, [])
        newest = await self._get(f"{path}?points={NEWEST}") if known else {"points": []}
        if isinstance(newest, Failure):
            return newest
        points = joined(known, newest["points"])
        if points is None:
            answer = await self._get(f"{path}?points={ALL}")
            if isinstance(answer, Failure):
                return answer
            points = answer.get("points", [])
        self._points[path] = points
        return {"points": points}

    async def _read(
        self,
        path: str,
        seconds: int = 1,
        fetch: Callable[[str], Coroutine[Any, Any, Answer]] | None = None,
    ) -> Answer:
        when = int(self._clock()) // seconds
        read = self._reads.get(path)
        if read is None or (read.answer.done() and read.when != when):
            read = _Read(when, _of_nobody((fetch or self._get)(path)))
            self._reads[path] = read
        return await asyncio.shield(read.answer)

    async def _get(self, path: str, timeout: float = TIMEOUT) -> Answer:
        return self._note(await self.client.get(path, timeout))

    def _note(self, answer: Answer) -> Answer:
        """Remember since when nobody answers."""
        if not isinstance(answer, Failure) or not answer.is_outage:
            self.down_since = None
        elif self.down_since is None:
            self.down_since = datetime.now(UTC)
        return answer


def _of_nobody(read: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
    """Begin what is not the session's that asked first: it would be kept with the answer."""
    return asyncio.get_running_loop().create_task(read, context=Context())
