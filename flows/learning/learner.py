"""A model that is tested on every event before it learns from it, however late the label comes.

All that a learner knows is in one `State`, so one snapshot is always consistent. It is
deterministic: the same messages in the same order make the same state, predictions and outcomes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from numpy import base_repr

from flows.learning.drift import ErrorDrift
from flows.learning.task import Metrics

if TYPE_CHECKING:
    from flows.projects.spec import Project

REMEMBERED_IDS = 10_000
COUNTED = (
    "events",
    "labels",
    "learned",
    "matched",
    "expired",
    "orphan",
    "duplicate",
    "dead_letters",
)

Status = Literal["matched", "expired", "orphan", "duplicate"]


class Waiting(msgspec.Struct, gc=False):
    """A prediction that waits for its label, with its features as they were. Time: seconds."""

    features: dict[str, Any]
    prediction: Any
    events_learned: int
    time: float


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a prediction or of a label.

    `matched`: the label came, was scored and learnt. `expired`: no label within the project's
    horizon. `orphan`: a label whose event never came. `duplicate`: an event or a label that had
    been dealt with before; it changed nothing.
    """

    event_id: str
    status: Status
    label: Any = None
    prediction: Any = None
    error: float | None = None
    delay_seconds: float | None = None
    events_learned: int | None = None


@dataclass(slots=True)
class State:
    """All of a learner. `offsets`: the last message taken in, by "topic/partition"."""

    model: Any
    metrics: Metrics
    lineage: int
    generation: int
    drift: ErrorDrift = field(default_factory=ErrorDrift)
    waiting: OrderedDict[str, Waiting] = field(default_factory=OrderedDict)
    early: OrderedDict[str, tuple[Any, float]] = field(default_factory=OrderedDict)
    remembered: OrderedDict[str, None] = field(default_factory=OrderedDict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    offsets: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    clock: float = 0.0

    @property
    def version(self) -> str:
        """Names the model as it is now: its lineage, in base 36, and how much it has learnt."""
        return f"{base_repr(self.lineage, 36).lower()}.{self.counts['learned']}"


class Learner:
    """Predicts events, scores and learns their labels.

    Times are seconds since 1970 as the messages carry them; the newest one seen is the learner's
    clock, so that waiting ends at the same message on every replay.
    """

    def __init__(self, project: Project, state: State) -> None:
        self.project = project
        self.state = state
        self._task = project.task
        self._features = project.features
        self._id = project.event_id
        self._label = project.label
        self._horizon = project.horizon.total_seconds()

    @classmethod
    def fresh(cls, project: Project, lineage: int = 0) -> Learner:
        """Make a learner that has seen nothing."""
        return cls(project, State(project.model(), project.task.metrics(), lineage, lineage))

    def observe(self, event: Any, time: float) -> tuple[Any | None, list[Outcome]]:
        """Predict an event, and learn at once if its label is there.

        Returns the prediction, None for a repeated event or a model that knows too little, and
        what the event settled.
        """
        state = self.state
        state.counts["events"] += 1
        outcomes = self._pass_time(time)
        event_id = getattr(event, self._id)
        if event_id in state.remembered or event_id in state.waiting:
            outcomes.append(self._count(Outcome(event_id, "duplicate")))
            return None, outcomes
        features = self._features(event)
        prediction = self._task.predict(state.model, features)
        waiting = Waiting(features, prediction, state.counts["learned"], time)
        label = getattr(event, self._label)
        if state.early and event_id in state.early:
            early, early_time = state.early.pop(event_id)
            if label is None:
                label, time = early, early_time
            else:
                outcomes.append(self._count(Outcome(event_id, "duplicate", early)))
        if label is None:
            state.waiting[event_id] = waiting
        else:
            outcomes.append(self._settle(event_id, waiting, label, time))
        return prediction, outcomes

    def answer(self, event_id: str, label: Any, time: float) -> list[Outcome]:
        """Take a label that came by itself. Raises EventError when it is none of the task's."""
        label = self._task.check_label(label)
        state = self.state
        state.counts["labels"] += 1
        outcomes = self._pass_time(time)
        waiting = state.waiting.pop(event_id, None)
        if waiting is not None:
            outcomes.append(self._settle(event_id, waiting, label, time))
        elif event_id in state.remembered or event_id in state.early:
            outcomes.append(self._count(Outcome(event_id, "duplicate", label)))
        else:
            state.early[event_id] = (label, time)
        return outcomes

    def _settle(self, event_id: str, waiting: Waiting, label: Any, time: float) -> Outcome:
        """Score the prediction made back then, then learn."""
        state, prediction, error = self.state, waiting.prediction, None
        if prediction is not None:
            state.metrics.update(label, prediction)
            error = self._task.error(label, prediction)
            state.drift.update(error, state.counts["learned"])
        self._task.learn(state.model, waiting.features, label)
        state.counts["learned"] += 1
        self._remember(event_id)
        delay = max(0.0, time - waiting.time)
        return self._count(
            Outcome(event_id, "matched", label, prediction, error, delay, waiting.events_learned)
        )

    def _remember(self, event_id: str) -> None:
        remembered = self.state.remembered
        remembered[event_id] = None
        if len(remembered) > REMEMBERED_IDS:
            remembered.popitem(last=False)

    def _count(self, outcome: Outcome) -> Outcome:
        self.state.counts[outcome.status] += 1
        return outcome

    def _pass_time(self, time: float) -> list[Outcome]:
        """Move the clock on and let go of what has waited longer than the horizon or the cap."""
        state = self.state
        if time > state.clock:
            state.clock = time
        if not state.waiting and not state.early:
            return []
        return [self._count(outcome) for outcome in (*self._expired(), *self._orphans())]

    def _expired(self) -> Iterator[Outcome]:
        waiting, oldest_kept = self.state.waiting, self.state.clock - self._horizon
        while waiting:
            event_id = next(iter(waiting))
            first = waiting[event_id]
            if first.time >= oldest_kept and len(waiting) < self.project.max_pending:
                return
            del waiting[event_id]
            self._remember(event_id)
            waited = max(0.0, self.state.clock - first.time)
            yield Outcome(
                event_id, "expired", None, first.prediction, None, waited, first.events_learned
            )

    def _orphans(self) -> Iterator[Outcome]:
        early, oldest_kept = self.state.early, self.state.clock - self._horizon
        while early:
            event_id = next(iter(early))
            label, time = early[event_id]
            if time >= oldest_kept and len(early) < self.project.max_pending:
                return
            del early[event_id]
            yield Outcome(event_id, "orphan", label)
