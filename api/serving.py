"""The models in memory: a thread per project follows Redis and swaps newer ones in."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from flows.errors import CodecError, ModelUnavailable, SignatureError, StoreError
from flows.learning.codec import loads
from flows.learning.predictor import Predictor
from flows.projects.spec import Project
from flows.stores.live import Facts, LiveStore, Status, Wanted

Source = Literal["live", "registry"]

RETRY_SECONDS = 1.0

_log = logging.getLogger("api")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model with the facts that belong to it: replaced as a whole, so they never mix.

    `size` is the length of its frame in bytes, `number` that of its version in the registry.
    """

    facts: Facts
    predictor: Predictor
    source: Source
    size: int
    number: int | None = None

    @property
    def alias(self) -> str:
        """What the model is called where it came from."""
        return "live" if self.source == "live" else "champion"

    @property
    def age(self) -> float:
        """Seconds since it was published."""
        return max(0.0, time.time() - self.facts.published_at)


class Follower:
    """Keeps one project's newest models in memory, one a shard, and what Redis says of its flow.

    A frame that does not load is refused, logged and counted once, and the previous model goes on
    serving. While Redis is silent everything stays as it was, and `trouble` says so.
    """

    def __init__(self, project: Project, store: LiveStore, key: bytes, shards: int) -> None:
        self.project = project
        self.shards = shards
        self.refusals: Counter[str] = Counter()
        self.wanted: Wanted = "running"
        self.trouble: str | None = f"{project.slug}: Redis has not been asked yet"
        self._store = store
        self._key = key
        self._loaded: dict[int, Loaded] = {}
        self._statuses: dict[int, Status] = {}
        self._refused: dict[tuple[int, Source], tuple[str, str]] = {}
        self._swapping = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"{project.slug}-models", daemon=True
        )

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end; it does so within about a second."""
        self._stopped.set()

    def join(self) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout=10)

    def loaded(self, shard: int = 0) -> Loaded | None:
        """Return what serves a shard now; None before there is a model."""
        return self._loaded.get(shard)

    def require(self, shard: int = 0) -> Loaded:
        """Return what serves a shard. Raises ModelUnavailable before there is a model."""
        loaded = self._loaded.get(shard)
        if loaded is not None:
            return loaded
        slug = self.project.slug
        reasons = "; ".join(self.problems(shard)) or "its flow has published none"
        raise ModelUnavailable(f"{slug} has no model yet: {reasons}; try again when {slug} learns")

    def status(self, shard: int = 0) -> Status | None:
        """Return the last heartbeat of a shard's flow, however old it is."""
        return self._statuses.get(shard)

    def problems(self, shard: int = 0) -> list[str]:
        """Say what keeps newer models from being served."""
        return [text for text in (self.trouble, *self.refused(shard)) if text]

    def refused(self, shard: int = 0) -> list[str]:
        """Say which newest models were refused, and why."""
        refused = list(self._refused.items())
        return [text for (number, _), (_, text) in refused if number == shard]

    def was_refused(self, shard: int, source: Source, name: str) -> bool:
        """Tell whether that very model was refused before."""
        return self._refused.get((shard, source), ("",))[0] == name

    def refuse(self, shard: int, source: Source, name: str, error: Exception) -> None:
        """Keep a model from being tried again; it is logged and counted. `name` identifies it."""
        text = f"{source} model {name} was refused: {error}"
        self.refusals[_reason(error)] += 1
        self._refused[shard, source] = (name, text)
        _log.error("%s: %s", self.project.slug, text)

    def adopt(self, loaded: Loaded) -> None:
        """Serve a model from elsewhere, unless there is one from Redis already."""
        with self._swapping:
            self._loaded.setdefault(loaded.facts.shard, loaded)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except Exception as error:  # whatever Redis holds, what is loaded goes on serving
                self._note(error)
            self._stopped.wait(RETRY_SECONDS)

    def _note(self, error: Exception) -> None:
        """Keep and log what went wrong, once for as long as it stays the same."""
        text = str(error)
        if not isinstance(error, StoreError):
            text = f"what Redis holds cannot be read: {text}"
        if self.trouble != text:
            _log.warning("%s: %s", self.project.slug, text)
        self.trouble = text

    def _follow(self) -> None:
        """Read at once, then whenever a change is announced, and each second in between."""
        self._refresh()
        for _ in self._store.changes():
            if self._stopped.is_set():
                return
            self._refresh()

    def _refresh(self) -> None:
        self.wanted = self._store.wanted()
        for shard in range(self.shards):
            self._refresh_shard(shard)
        if self.trouble is not None:
            _log.info("%s: Redis answers", self.project.slug)
        self.trouble = None

    def _refresh_shard(self, shard: int) -> None:
        status = self._store.status(shard)
        if status is not None:
            self._statuses[shard] = status
        facts = self._store.facts(shard)
        if facts is not None and self._is_news(shard, facts):
            newest = self._store.model(shard)
            if newest is not None:
                self._load(shard, *newest)

    def _is_news(self, shard: int, facts: Facts) -> bool:
        if self.was_refused(shard, "live", facts.order):
            return False
        held = self._loaded.get(shard)
        return held is None or held.source != "live" or facts.order > held.facts.order

    def _load(self, shard: int, facts: Facts, frame: bytes) -> None:
        try:
            predictor = load(frame, self._key)
        except Exception as error:  # unpickling runs code of other versions: anything may come
            self.refuse(shard, "live", facts.order, error)
            return
        with self._swapping:
            self._loaded[shard] = Loaded(facts, predictor, "live", len(frame))
        self._refused.pop((shard, "live"), None)
        self._refused.pop((shard, "registry"), None)


_loading = threading.Lock()


def load(frame: bytes, key: bytes) -> Any:
    """Load a frame; one at a time, since loading pauses the garbage collector of all threads."""
    with _loading:
        return loads(frame, key)


def _reason(error: Exception) -> str:
    """One word for counting."""
    if isinstance(error, SignatureError):
        return "signature"
    if isinstance(error, CodecError | msgspec.DecodeError):
        return "format"
    return "content"
