"""Registered versions in memory, for those who ask for one; fetched by one thread."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from api.life import LARGEST_NUMBER
from api.serving import Loaded, load
from flows.errors import ModelUnavailable, RealtimeError, StoreError, VersionError
from flows.stores.live import Facts
from flows.stores.registry import Registry, Version

if TYPE_CHECKING:  # it loads pandas, which an API that finds its models in Redis can do without
    from flows.learning.learner import State

KEPT = 8
MOST_WAITING = 64
PATIENCE_SECONDS = 10.0
CHAMPION_SECONDS = 3.0

Place = tuple[str, int]

_log = logging.getLogger("api")


class VersionReader:
    """Keeps the versions that were asked for last; those who ask wait for one thread."""

    def __init__(self, registries: Mapping[str, Registry], key: bytes) -> None:
        self._registries = registries
        self._key = key
        self._held: OrderedDict[tuple[str, int, int], Loaded] = OrderedDict()
        self._champions: dict[Place, tuple[int, float]] = {}
        self._fetching: dict[tuple[str, int, int | None], Future[Loaded]] = {}
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def start(self) -> None:
        """Begin to wait for questions."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end; one that waits for MLflow does so when it has its answer."""
        self._work.put(None)

    async def version(self, slug: str, shard: int, number: int) -> Loaded:
        """Return a version with the model in it.

        Raises VersionError when there is none of that number, ModelUnavailable when it cannot be
        loaded, StoreError when MLflow fails or takes longer than PATIENCE_SECONDS.
        """
        if not 0 < number <= LARGEST_NUMBER:
            raise _unknown(slug, number)
        found = self._recall(slug, shard, number)
        if found is None:
            found = await self._ask(slug, shard, number)
        return found

    async def champion(self, slug: str, shard: int) -> Loaded:
        """Return the version that is champion, or was CHAMPION_SECONDS ago.

        While MLflow does not answer, the last one known. Raises as `version` does.
        """
        number, seen = self._champions.get((slug, shard), (0, 0.0))
        found = self._recall(slug, shard, number)
        if found is not None and time.monotonic() - seen <= CHAMPION_SECONDS:
            return found
        try:
            return await self._ask(slug, shard, None)
        except StoreError:
            if found is None:
                raise
            self._champions[slug, shard] = (number, time.monotonic())
            return found

    def _recall(self, slug: str, shard: int, number: int) -> Loaded | None:
        name = (slug, shard, number)
        found = self._held.get(name)
        if found is not None:
            self._held.move_to_end(name)
        return found

    async def _ask(self, slug: str, shard: int, number: int | None) -> Loaded:
        """Wait for the thread; who asks for the same shares the answer."""
        name = (slug, shard, number)
        future = self._fetching.get(name) or self._begin(name)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                loaded: Loaded = await asyncio.shield(asyncio.wrap_future(future))
        except TimeoutError:
            raise StoreError(
                f"MLflow has not answered within {PATIENCE_SECONDS:g} s; try later"
            ) from None
        if number is None:
            self._champions[slug, shard] = (loaded.number or 0, time.monotonic())
        self._keep(slug, shard, loaded)
        return loaded

    def _begin(self, name: tuple[str, int, int | None]) -> Future[Loaded]:
        if len(self._fetching) >= MOST_WAITING:
            raise StoreError("too many versions are being fetched from MLflow; try later")
        future: Future[Loaded] = Future()
        self._fetching[name] = future

        def fetch() -> None:
            try:
                found = self._fetch(*name)
            except BaseException as error:
                future.set_exception(_told(error))
            else:
                future.set_result(found)
            finally:
                self._fetching.pop(name, None)

        self._work.put(fetch)
        return future

    def _keep(self, slug: str, shard: int, loaded: Loaded) -> None:
        name = (slug, shard, loaded.number or 0)
        self._held[name] = loaded
        self._held.move_to_end(name)
        while len(self._held) > KEPT:
            self._held.popitem(last=False)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _fetch(self, slug: str, shard: int, number: int | None) -> Loaded:
        registry = self._registries[slug]
        version = _find(registry, slug, shard, number)
        held = self._held.get((slug, shard, version.number))
        return held or self._load(registry, slug, shard, version)

    def _load(self, registry: Registry, slug: str, shard: int, version: Version) -> Loaded:
        frame = registry.frame(version)
        try:
            state: State = load(frame, self._key)
            facts = Facts.of(slug, shard, state, version.created)
        except Exception as error:  # unpickling runs code of other versions: anything may come
            raise ModelUnavailable(f"version {version.number} cannot be used: {error}") from error
        return Loaded(facts, state.predictor, "registry", len(frame), version.number)


def _find(registry: Registry, slug: str, shard: int, number: int | None) -> Version:
    if number is None:
        champion = registry.champion(shard)
        if champion is None:
            raise ModelUnavailable(f"{slug} has no champion yet; try again when one is registered")
        return champion
    try:
        return registry.version(number, shard)
    except VersionError:
        raise _unknown(slug, number) from None


def _unknown(slug: str, number: int) -> VersionError:
    return VersionError(f"{slug} has no version {number}; see /projects/{slug}/models")


def _told(error: BaseException) -> BaseException:
    """What went wrong, in our own words where they are known."""
    if isinstance(error, RealtimeError):
        return error
    _log.error("reading the registry failed", exc_info=error)
    return StoreError("MLflow gave an answer that this version does not understand; see the log")
