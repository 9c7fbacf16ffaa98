"""A learner on a stream, without Kafka: every event is tested before it is learnt."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from flows.errors import EventError
from flows.learning import codec
from flows.learning.learner import Learner, Outcome
from flows.learning.task import Metrics
from flows.projects.spec import Project
from scripts.agreement import Agreement
from scripts.records import EventReader
from scripts.stability import Stability

CHUNK = 1_000

Drawn = tuple[bytes, dict[str, Any]]


class Trial:
    """Feeds events to a fresh learner; labels come `delay` events after their event, if given."""

    def __init__(self, project: Project, delay: int | None = None) -> None:
        self.learner = Learner.fresh(project)
        self.events = 0
        self.rejected = 0
        self.seconds = 0.0
        self._project = project
        self._reader = EventReader(project)
        self._delay = delay if project.unknown else None
        self._owed: deque[tuple[str, Any]] = deque()
        self._scored: list[tuple[Any, Any, float]] = []
        self._agreement = Agreement(project)
        self._stability = Stability(project) if project.label is None else None

    def run(self, drawn: Iterator[Drawn]) -> None:
        """Take the whole stream; only the learner's time is measured."""
        while chunk := list(islice(drawn, CHUNK)):
            events = [(event, truth) for value, truth in chunk for event in self._decode(value)]
            for event, truth in events:
                self._agreement.add(event, truth, self._take(event))
        while self._owed:
            self._answer()

    def report(self) -> dict[str, Any]:
        """What the stream showed of the learner."""
        state = self.learner.state
        return {
            "project": self._project.slug,
            "events": self.events,
            "rejected": self.rejected,
            "events_per_second": round(self.events / self.seconds) if self.seconds else None,
            "counts": {**state.counts, "pending": len(state.waiting)},
            "state_bytes": len(codec.dumps(state, b"size only")),
            "metrics": {
                **state.metrics.values(),
                **self._agreement.values(),
                **(self._stability.values() if self._stability else {}),
            },
            "metrics_last_half": {**self._last_half().values(), **self._agreement.values(0.5)},
            "challengers": {
                name: rival.metrics.values() for name, rival in state.challengers.items()
            },
            "alarms": list(state.alarms),
            "report": state.report,
        }

    def score_between(self, first: int, last: int) -> float | None:
        """The project's own metric over the scored events from `first` to before `last`."""
        return self._metrics(self._scored[first:last]).values().get(self._project.score)

    def _decode(self, value: bytes) -> Iterable[Any]:
        """The event, or nothing when it is none."""
        try:
            return [self._reader.read(value).event]
        except EventError:
            self.rejected += 1
            return []

    def _take(self, event: Any) -> Any | None:
        now = getattr(event, self._project.time).timestamp()
        self.events += 1
        if self._stability:
            self._stability.add(self.learner, event, now)
        started = time.perf_counter()
        prediction = self._learn(event, now)
        self.seconds += time.perf_counter() - started
        return prediction

    def _learn(self, event: Any, now: float) -> Any | None:
        project = self._project
        if self._delay is not None and project.label is not None:
            if len(self._owed) >= self._delay:
                self._answer(now)
            self._owed.append((getattr(event, project.event_id), getattr(event, project.label)))
            event = msgspec.structs.replace(event, **{project.label: None})
        prediction, outcomes = self.learner.observe(event, now)
        self._score(outcomes, now)
        if project.label is None and prediction is not None:
            self._scored.append((None, prediction, now))
        return prediction

    def _answer(self, now: float | None = None) -> None:
        event_id, label = self._owed.popleft()
        if label is not None:
            time = self.learner.state.clock if now is None else now
            self._score(self.learner.answer(event_id, label, time), time)

    def _score(self, outcomes: list[Outcome], now: float) -> None:
        self._scored += [
            (outcome.label, outcome.prediction, now)
            for outcome in outcomes
            if outcome.status == "matched" and outcome.prediction is not None
        ]

    def _last_half(self) -> Metrics:
        return self._metrics(self._scored[len(self._scored) // 2 :])

    def _metrics(self, scored: list[tuple[Any, Any, float]]) -> Metrics:
        metrics = self._project.task.metrics()
        for label, prediction, when in scored:
            metrics.update(label, prediction, when)
        return metrics
