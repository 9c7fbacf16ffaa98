"""What a session knows of a project: the newest answers, and why there is nothing newer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dashboard.client import Answer, Failure
from dashboard.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One look at a project; `failure` says why the rest is older than a second.

    `project`, `metrics`, `history` and `versions` are the API's answers; `read_at` is
    `time.monotonic()` of the project's. What MLflow fails to tell leaves `versions` as they were.
    """

    project: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    failure: Failure | None = None
    down_since: datetime | None = None
    read_at: float = 0.0

    @property
    def model(self) -> dict[str, Any] | None:
        """The live model's facts; None before the first was published."""
        return self.project and self.project["model"]

    @property
    def age_seconds(self) -> float | None:
        """Age of the live model now, which goes on growing while the API is silent."""
        if self.model is None:
            return None
        return float(self.model["age_seconds"]) + time.monotonic() - self.read_at


class Feed:
    """Reads a project again and again, and curves only when there is something new to draw."""

    def __init__(self, store: Store, slug: str, *, versions: bool = True) -> None:
        """Read the registry's `versions`, too, or leave them out."""
        self.slug = slug
        self._store = store
        self._last = Snapshot()
        self._wants_versions = versions
        self._asking: asyncio.Future[Answer] | None = None

    async def read(self) -> Snapshot:
        """Look again. What failed leaves the last good answers in place, beside the failure."""
        answer = await self._store.project(self.slug)
        if isinstance(answer, Failure):
            down_since = self._store.down_since
            self._last = replace(self._last, failure=answer, down_since=down_since)
        elif answer["model"] is None:
            self._last = Snapshot(project=answer, read_at=time.monotonic())
        else:
            self._last = await self._with_model(answer)
        return self._last

    async def _with_model(self, project: dict[str, Any]) -> Snapshot:
        fresh = replace(
            self._last,
            project=project,
            versions=self._versions(),
            failure=None,
            down_since=None,
            read_at=time.monotonic(),
        )
        if _mark(project) == _mark(self._last.project) and not self._last.failure:
            return fresh
        metrics, history = await asyncio.gather(
            self._store.metrics(self.slug), self._store.history(self.slug)
        )
        return _merge(fresh, metrics, history)

    def _versions(self) -> list[dict[str, Any]]:
        """The newest answer of the registry, which nobody waits for."""
        if not self._wants_versions:
            return []
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._store.models(self.slug))
        if not self._asking.done():
            return self._last.versions
        answer, self._asking = self._asking.result(), None
        return self._last.versions if isinstance(answer, Failure) else answer["models"]


def _merge(fresh: Snapshot, metrics: Answer, history: Answer) -> Snapshot:
    for answer in (metrics, history):
        if isinstance(answer, Failure) and not answer.is_no_model:
            return replace(fresh, failure=answer)
    return replace(
        fresh,
        metrics=None if isinstance(metrics, Failure) else metrics,
        history=[] if isinstance(history, Failure) else history["points"],
    )


def _mark(project: dict[str, Any] | None) -> tuple[Any, ...] | None:
    """Changes whenever a newer model was published."""
    if not project or not project["model"]:
        return None
    model = project["model"]
    names = ("lineage", "generation", "version", "events_learned", "published_at")
    return (*(model[name] for name in names),)
