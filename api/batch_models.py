"""Batch models in memory, one a project; read from the registry by its one thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool

from api.registered import RegistryReader
from api.serving import Loaded
from flows.errors import CodecError, ModelUnavailable, StoreError
from flows.learning.predictor import Predictor
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts

if TYPE_CHECKING:  # they bring pandas and scikit-learn, which few ask for
    from flows.batch.frozen import FrozenModel
    from flows.batch.registered import BatchFacts, BatchRegistry

FRESH_SECONDS = 3.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BatchLoaded:
    """A model with what is known of it. `seen`: when MLflow last said that it is the one."""

    facts: BatchFacts
    frozen: FrozenModel
    loaded: Loaded
    seen: float

    def with_histories(self, predictor: Predictor) -> FrozenModel:
        """The model, remembering of labels what the flow does, if that tests this version."""
        # What was published by an earlier release says nothing of it.
        if getattr(predictor, "batch", 0) != self.facts.version or predictor.histories is None:
            return self.frozen
        model = copy(self.frozen)
        model.head = copy(self.frozen.head)
        model.histories = predictor.histories
        return model


class BatchReader:
    """Reads what MLflow knows of batch models, and keeps each project's newest one in memory."""

    def __init__(
        self, projects: Mapping[str, Project], settings: Settings, registry: RegistryReader
    ) -> None:
        self._projects = projects
        self._settings = settings
        self._registry = registry
        self._key = settings.signing_key.get_secret_value().encode()
        self._registries: dict[str, BatchRegistry] = {}
        self._held: dict[str, BatchLoaded] = {}
        self._reading: dict[str, asyncio.Task[BatchLoaded]] = {}

    def facts(self, slug: str) -> BatchFacts:
        """What is registered as the batch model. Raises ModelUnavailable, StoreError."""
        found: BatchFacts | None = self._ask(slug, lambda registry: registry.facts())
        if found is None:
            raise ModelUnavailable(
                f"{slug} has no batch model yet; train one: POST /projects/{slug}/batch/jobs"
            )
        return found

    def diagnostics(self, slug: str, version: int) -> list[str]:
        """Names of the diagnostics that are there. Raises StoreError."""
        found: list[str] = self._ask(slug, lambda registry: registry.diagnostics(str(version)))
        return found

    def diagnostic(self, slug: str, version: int, name: str) -> Any:
        """One diagnostic. Raises VersionError when it is not there, StoreError."""
        return self._ask(slug, lambda registry: registry.diagnostic(str(version), name))

    async def model(self, slug: str) -> BatchLoaded:
        """The newest batch model, as it was at most FRESH_SECONDS ago.

        While MLflow does not answer, the last one known. Raises as `facts` does.
        """
        held = self._held.get(slug)
        if held is not None and time.monotonic() - held.seen <= FRESH_SECONDS:
            return held
        task = self._reading.get(slug)
        if task is None:
            task = asyncio.create_task(self._renew(slug))
            self._reading[slug] = task
            task.add_done_callback(lambda _: self._reading.pop(slug, None))
        return await asyncio.shield(task)

    async def _renew(self, slug: str) -> BatchLoaded:
        held = self._held.get(slug)
        try:
            found = await run_in_threadpool(self._read, slug, held)
        except StoreError as error:
            if held is None or isinstance(error, ModelUnavailable):
                raise
            found = BatchLoaded(held.facts, held.frozen, held.loaded, time.monotonic())
        self._held[slug] = found
        return found

    def _read(self, slug: str, held: BatchLoaded | None) -> BatchLoaded:
        facts = self.facts(slug)
        if held is not None and held.facts.version == facts.version:
            return BatchLoaded(held.facts, held.frozen, held.loaded, time.monotonic())
        frame: bytes = self._ask(slug, lambda registry: registry.frame(str(facts.version)))
        return self._load(slug, facts, frame)

    def _load(self, slug: str, facts: BatchFacts, frame: bytes) -> BatchLoaded:
        from flows.batch import frozen

        try:
            model = frozen.decode(frame, self._key)
        except CodecError as error:
            raise ModelUnavailable(
                f"batch model {facts.version} cannot be used: {error}"
            ) from error
        loaded = Loaded(
            _facts(slug, facts), Predictor(model), "registry", len(frame), facts.version
        )
        return BatchLoaded(facts, model, loaded, time.monotonic())

    def _ask(self, slug: str, question: Any) -> Any:
        return self._registry.ask(slug, lambda _: question(self._registry_of(slug)))

    def _registry_of(self, slug: str) -> BatchRegistry:
        from flows.batch.registered import BatchRegistry

        if slug not in self._registries:
            self._registries[slug] = BatchRegistry(self._settings.mlflow_uri, self._projects[slug])
        return self._registries[slug]


def _facts(slug: str, facts: BatchFacts) -> Facts:
    """What an answer tells of its model, for one that learns no more."""
    return Facts(
        project=slug,
        shard=0,
        lineage=int(facts.created * 1000),
        generation=0,
        events_learned=facts.rows,
        version=f"batch.{facts.version}",
        published_at=facts.created,
        event_time=facts.last_time,
        metrics=facts.metrics,
        report={},
        counts={},
        alarms=[],
    )
