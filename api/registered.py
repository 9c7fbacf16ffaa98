"""What MLflow holds, read by one thread: it may take seconds or minutes to answer or to fail.

The thread lists versions when they are asked for, and fetches the champion of every shard for
which Redis has no model. MLflow is imported only then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from api.serving import Follower, Loaded, load
from flows.errors import RealtimeError, StoreError
from flows.stores.live import Facts
from flows.stores.registry import Registry, Version

if TYPE_CHECKING:  # it loads pandas, which an API that finds its models in Redis can do without
    from flows.learning.learner import State

FIRST_LOOK_SECONDS = 1.0
LOOK_SECONDS = 5.0
FRESH_SECONDS = 3.0
PATIENCE_SECONDS = 10.0
MOST_QUESTIONS = 16

T = TypeVar("T")

_SILENT = f"MLflow has not answered within {PATIENCE_SECONDS:g} s; try later"

_log = logging.getLogger("api")


@dataclass(frozen=True, slots=True)
class _Answer:
    """Times are those of the monotonic clock."""

    time: float
    versions: list[Version] | None
    trouble: str = ""


class RegistryReader:
    """Reads the registry for all requests; each waits a bounded time for the one thread."""

    def __init__(self, registries: Sequence[tuple[Follower, Registry]], key: bytes) -> None:
        self._registries = {item[0].project.slug: item for item in registries}
        self._key = key
        self._asked: set[tuple[str, int]] = set()
        self._questions: list[Callable[[], None]] = []
        self._answers: dict[tuple[str, int], _Answer] = {}
        self._changed = threading.Condition()
        self._busy_since: float | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="registry", daemon=True)

    def start(self) -> None:
        """Begin to look for champions that are missing."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end; one that waits for MLflow does so when it has its answer."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def versions(self, slug: str, shard: int) -> list[Version]:
        """List a model's versions as they were at most FRESH_SECONDS ago.

        Raises StoreError when MLflow fails or takes longer than PATIENCE_SECONDS.
        """
        name = (slug, shard)
        with self._changed:
            if self._fresh(name) is None:
                self._asked.add(name)
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._fresh(name) is not None, self._patience())
            answer = self._fresh(name)
        if answer is None:
            raise StoreError(_SILENT)
        if answer.versions is None:
            raise StoreError(answer.trouble)
        return answer.versions

    def ask(self, slug: str, question: Callable[[Registry], T]) -> T:
        """Let the one thread ask a project's registry something.

        Raises what the question raises, StoreError when MLflow takes longer than PATIENCE_SECONDS
        or too many questions wait already.
        """
        answer: Future[T] = Future()
        with self._changed:
            if len(self._questions) >= MOST_QUESTIONS:
                raise StoreError("too many questions wait for MLflow already; try later")
            self._questions.append(partial(_answer, answer, question, self._registries[slug][1]))
            self._changed.notify_all()
        try:
            return answer.result(self._patience())
        except TimeoutError:
            answer.cancel()
            raise StoreError(_SILENT) from None

    def forget(self, slug: str, shard: int) -> None:
        """Have versions listed anew: something was changed."""
        with self._changed:
            self._answers.pop((slug, shard), None)

    def _patience(self) -> float:
        """A thread that is stuck already is waited for no longer than it was by the first."""
        busy = 0.0 if self._busy_since is None else time.monotonic() - self._busy_since
        return max(0.0, PATIENCE_SECONDS - busy)

    def _fresh(self, name: tuple[str, int]) -> _Answer | None:
        answer = self._answers.get(name)
        recent = answer is not None and time.monotonic() - answer.time <= FRESH_SECONDS
        return answer if recent else None

    def _run(self) -> None:
        look_at = time.monotonic() + FIRST_LOOK_SECONDS
        while not self._stopping:
            with self._changed:
                pause = max(0.0, look_at - time.monotonic())
                self._changed.wait_for(
                    lambda: self._stopping or self._asked or self._questions, pause
                )
                asked, self._asked = self._asked, set()
                questions, self._questions = self._questions, []
                self._busy_since = time.monotonic()
            for name in asked:
                self._list(name)
            for question in questions:
                question()
            if not self._stopping and time.monotonic() >= look_at:
                self._look_for_champions()
                look_at = time.monotonic() + LOOK_SECONDS
            self._busy_since = None

    def _list(self, name: tuple[str, int]) -> None:
        slug, shard = name
        try:
            found = self._registries[slug][1].versions(shard)
        except Exception as error:
            answer = _Answer(time.monotonic(), None, _told(error))
        else:
            answer = _Answer(time.monotonic(), found)
        with self._changed:
            self._answers[name] = answer
            self._changed.notify_all()

    def _look_for_champions(self) -> None:
        for follower, registry in self._registries.values():
            for shard in range(follower.shards):
                if follower.loaded(shard) is None and not self._stopping:
                    self._look_for_champion(follower, registry, shard)

    def _look_for_champion(self, follower: Follower, registry: Registry, shard: int) -> None:
        try:
            version = registry.champion(shard)
            if version and not follower.was_refused(shard, "registry", str(version.number)):
                frame = registry.frame(version)
                self._adopt(follower, shard, version, frame)
        except Exception as error:
            _log.warning("%s: no champion: %s", follower.project.slug, _told(error))

    def _adopt(self, follower: Follower, shard: int, version: Version, frame: bytes) -> None:
        try:
            state: State = load(frame, self._key)
            facts = Facts.of(follower.project.slug, shard, state, version.created)
        except Exception as error:  # unpickling runs code of other versions: anything may come
            follower.refuse(shard, "registry", str(version.number), error)
            return
        follower.adopt(Loaded(facts, state.predictor, "registry", len(frame), version.number))


def _answer(answer: Future[T], question: Callable[[Registry], T], registry: Registry) -> None:
    """Ask, unless nobody waits for the answer any more."""
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(question(registry))
    except RealtimeError as error:
        answer.set_exception(error)
    except Exception as error:
        answer.set_exception(StoreError(_told(error)))


def _told(error: Exception) -> str:
    """What went wrong, in our own words where they are known."""
    if isinstance(error, StoreError):
        return str(error)
    _log.error("reading the registry failed", exc_info=error)
    return "MLflow gave an answer that this version does not understand; the API's log has it"
