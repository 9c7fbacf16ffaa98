"""How long models take: measured on a few events of a poll, once a second."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from flows.learning.task import Task
from flows.streaming import instruments

SECONDS = 1.0
CALLS = 20
"""So many predictions and so many lessons are timed, of one poll a second."""


class TimedTask:
    """A task that tells Prometheus how long its first calls took, and is the same otherwise."""

    def __init__(self, project: str, task: Task) -> None:
        self._project = project
        self._task = task
        self._calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def predict(self, model: Any, features: dict[str, Any]) -> Any | None:
        """Predict, and note the time."""
        started = time.perf_counter()
        prediction = self._task.predict(model, features)
        self._note("predict", started)
        return prediction

    def learn(self, model: Any, features: dict[str, Any], label: Any) -> None:
        """Learn, and note the time."""
        started = time.perf_counter()
        self._task.learn(model, features, label)
        self._note("learn", started)

    def _note(self, work: str, started: float) -> None:
        if self._calls[work] < CALLS:
            self._calls[work] += 1
            instruments.MODEL_WORK.labels(self._project, work).observe(
                time.perf_counter() - started
            )


class Stopwatch:
    """Says which task does the work of a poll: the plain one, or once a second a timed one."""

    def __init__(self, project: str, task: Task) -> None:
        self._project = project
        self._task = task
        self._next = 0.0

    def task(self) -> Task:
        """The task for the next poll."""
        now = time.monotonic()
        if now < self._next:
            return self._task
        self._next = now + SECONDS
        timed: Any = TimedTask(self._project, self._task)
        return timed  # type: ignore[no-any-return]
