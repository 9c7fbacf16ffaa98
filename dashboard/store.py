"""Cached readers over the API, shared by all sessions of the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard.client import Answer, Client, Failure

HISTORY_POINTS = 500


@dataclass(slots=True)
class _Read:
    second: int
    answer: asyncio.Task[Answer]


class Store:
    """Reads each resource at most once a second, however many sessions ask for it."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self.down_since: datetime | None = None
        self._clock = clock
        self._reads: dict[str, _Read] = {}

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
        """Metrics over events learned."""
        return await self._read(f"/projects/{slug}/metrics/history?points={HISTORY_POINTS}")

    async def health(self) -> Answer:
        """The readiness checks; a Failure's `body` lists them too."""
        return await self._read("/readyz")

    async def predict(self, slug: str, event: dict[str, Any]) -> Answer:
        """Ask the live model about one event; never cached."""
        return self._note(await self.client.post(f"/projects/{slug}/predict", event))

    async def _read(self, path: str) -> Answer:
        second = int(self._clock())
        read = self._reads.get(path)
        if read is None or (read.answer.done() and read.second != second):
            read = _Read(second, asyncio.ensure_future(self._get(path)))
            self._reads[path] = read
        return await asyncio.shield(read.answer)

    async def _get(self, path: str) -> Answer:
        return self._note(await self.client.get(path))

    def _note(self, answer: Answer) -> Answer:
        """Remember since when nobody answers."""
        if not isinstance(answer, Failure) or not answer.is_outage:
            self.down_since = None
        elif self.down_since is None:
            self.down_since = datetime.now(UTC)
        return answer
