"""A model that was trained elsewhere, tested on the same events as the one that learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from flows.learning.contest import Contest

if TYPE_CHECKING:
    from flows.learning.task import Metrics, Task

BATCH = "batch"
ONLINE = "online"
RECENT_ERROR = "RecentError"
# So many rows are predicted at once: one takes nearly as long as all of them. A number, not what
# happens to have been polled: predictions may differ in their last digits by what they are
# made with.
AT_ONCE = 500


class FrozenModel(Protocol):
    """What was trained, and learns no more. `histories`: what it keeps of labels, if anything."""

    histories: Any

    @property
    def last_time(self) -> float:
        """The time of the newest event that it was trained on, in seconds since 1970."""

    def row(self, inputs: dict[str, Any]) -> Any:
        """What it has to know of an event, at the moment of its prediction."""

    def predict_many(self, rows: Sequence[Any]) -> list[Any]:
        """The task's own prediction for each row."""

    def learn(self, inputs: dict[str, Any], label: Any) -> None:
        """Keep what `row` needs of labels."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A row as it was at the moment of prediction, for the version that is to see it."""

    version: int
    row: Any


class Settled(msgspec.Struct, frozen=True, gc=False):
    """A row whose label has come, with what the champion had said of it. `time`: its event's."""

    row: Any
    said: Any
    label: Any
    time: float


class Duel(msgspec.Struct, frozen=True):
    """How the model that learns fares against the one that does not, on the same `labels`.

    `online`: metrics of what led, whichever it was, on exactly those labels on which `batch` was
    tested; its RecentError and theirs are means over the newest of them. `since`: how much had been
    learnt when the batch model came.
    """

    version: int
    since: int
    labels: int
    batch: dict[str, float]
    online: dict[str, float]


@dataclass(slots=True)
class BatchChallenger:
    """What is known of a batch model in a learner, all but the model itself: that is kept beside.

    `frame`: the model's signed bytes. A challenger whose model is not at hand takes no rows.
    """

    version: int
    since: int
    metrics: Metrics
    online: Metrics
    contest: Contest = field(default_factory=Contest)
    labels: int = 0
    settled: list[Settled] = field(default_factory=list)
    histories: Any = None
    frame: bytes = b""
    model: FrozenModel | None = None

    @classmethod
    def fresh(
        cls, task: Task, version: int, since: int, frame: bytes, model: FrozenModel
    ) -> BatchChallenger:
        """One that has not been tested yet."""
        made = cls(version, since, task.metrics(), task.metrics())
        made.frame, made.model = frame, model
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Neither model nor bytes, which would be made anew each time that a learner is saved."""
        names = ("version", "since", "metrics", "online", "contest", "labels", "settled")
        histories = self.histories if self.model is None else self.model.histories
        return {**{name: getattr(self, name) for name in names}, "histories": histories}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.frame, self.model = b"", None
        for name, value in saved.items():
            setattr(self, name, value)

    def meet(self, frame: bytes, model: FrozenModel) -> None:
        """Go on with the model, from what was remembered for it."""
        self.frame, self.model = frame, model
        if self.histories is not None:
            model.histories = self.histories

    def forget_contest(self) -> None:
        """Another model leads now."""
        self.contest = Contest()

    def take(self, inputs: dict[str, Any], time: float) -> Taken | None:
        """The row of an event; None of one that may have been trained on."""
        if self.model is None or time <= self.model.last_time:
            return None
        return Taken(self.version, self.model.row(inputs))

    def settle(
        self, task: Task, taken: Taken | None, said: Any, inputs: dict[str, Any],
        label: Any, time: float,
    ) -> None:  # fmt: skip
        """Take in a label, with what the champion had said of it."""
        if self.model is None:
            return
        if taken is not None and taken.version == self.version and said is not None:
            self.settled.append(Settled(taken.row, said, label, time))
            if len(self.settled) >= AT_ONCE:
                self.catch_up(task)
        self.model.learn(inputs, label)

    def catch_up(self, task: Task) -> None:
        """Predict and score all rows whose label has come."""
        if self.model is None or not self.settled:
            return
        settled, self.settled = self.settled, []
        predictions = self.model.predict_many([one.row for one in settled])
        for one, prediction in zip(settled, predictions, strict=True):
            if prediction is not None:
                self._score(task, one, prediction)

    def _score(self, task: Task, one: Settled, prediction: Any) -> None:
        self.labels += 1
        self.metrics.update(one.label, prediction, one.time)
        self.online.update(one.label, one.said, one.time)
        self.contest.update(task.error(one.label, one.said), task.error(one.label, prediction))

    @property
    def duel(self) -> Duel:
        """How it stands."""
        standing = self.contest.standing
        return Duel(
            self.version,
            self.since,
            self.labels,
            _with_recent(self.metrics, standing.challenger_error),
            _with_recent(self.online, standing.champion_error),
        )


def _with_recent(metrics: Metrics, error: float | None) -> dict[str, float]:
    return metrics.values() | ({} if error is None else {RECENT_ERROR: error})
