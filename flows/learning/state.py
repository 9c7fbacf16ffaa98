"""All that a learner knows, in one value: one snapshot of it is always consistent."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

import msgspec
from numpy import base_repr

from flows.learning.batch_challenger import BatchChallenger, Taken
from flows.learning.contest import Contest
from flows.learning.drift import ALARMS_KEPT, Alarm, ErrorDrift
from flows.learning.input_drift import InputDrift
from flows.learning.past import Past
from flows.learning.predictor import Predictor
from flows.learning.task import Detector, Metrics

# What the project's own model is called where it competes with challengers.
ORIGINAL = "original"
CHANGES_KEPT = 100
DELAYS_KEPT = 1_000
COUNTED = (
    "events",
    "labels",
    "learned",
    "matched",
    "expired",
    "orphan",
    "duplicate",
    "dead_letters",
    "alarms",
)

Status = Literal["matched", "expired", "orphan", "duplicate"]


class Waiting(msgspec.Struct, gc=False):
    """A prediction that waits for its label, with its features as they were. Time: seconds.

    `rivals`: what the challengers said, by name; `by`: which model led, and said `prediction`;
    `taken`: what the batch model has to know of it.
    """

    features: dict[str, Any]
    prediction: Any
    events_learned: int
    time: float
    rivals: dict[str, Any] = {}
    by: str = ORIGINAL
    taken: Taken | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What each model said, by name."""
        return {self.by: self.prediction, **self.rivals}


@dataclass(slots=True)
class Challenger:
    """A model that is tested and trained beside the champion, with metrics of its own."""

    model: Any
    metrics: Metrics


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


class Change(msgspec.Struct, frozen=True):
    """A promotion or a rollback: who asked for it, and why.

    `skip`: the log was not read again from where the version had come to. `number` is that of the
    command, or the event time in milliseconds of one made by rule. `time`:
    seconds since 1970. `events_learned`: by the learner as it goes on.
    """

    number: int
    kind: Literal["promotion", "rollback"]
    who: str
    why: str
    time: float
    version: int | None = None
    challenger: str | None = None
    events_learned: int | None = None
    skip: bool = False


@dataclass(slots=True)
class State:
    """All of a learner. `offsets`: the last message taken in, by "topic/partition".

    `leads`: which model is champion; `previous`: which one was before it. `changes`: the newest of
    the `changed` that there were in all. `command`: the last one obeyed; `awaiting`: the logs of
    which nothing is taken in before they are read from where that command says. `batch`: what is
    tested beside all of them, and never learns.
    """

    model: Any
    metrics: Metrics
    lineage: int
    generation: int
    past: Past | None = None
    challengers: dict[str, Challenger] = field(default_factory=dict)
    drift: Detector = field(default_factory=ErrorDrift)
    inputs: InputDrift = field(default_factory=InputDrift)
    alarms: deque[Alarm] = field(default_factory=lambda: deque(maxlen=ALARMS_KEPT))
    waiting: OrderedDict[str, Waiting] = field(default_factory=OrderedDict)
    early: OrderedDict[str, tuple[Any, float]] = field(default_factory=OrderedDict)
    remembered: OrderedDict[str, None] = field(default_factory=OrderedDict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    offsets: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    clock: float = 0.0
    leads: str = ORIGINAL
    previous: str = ""
    contests: dict[str, Contest] = field(default_factory=dict)
    delays: deque[float] = field(default_factory=lambda: deque(maxlen=DELAYS_KEPT))
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=CHANGES_KEPT))
    changed: int = 0
    command: int = 0
    awaiting: list[str] = field(default_factory=list)
    batch: BatchChallenger | None = None

    def __setstate__(self, saved: tuple[None, dict[str, Any]]) -> None:
        """Versions registered earlier lack what was added since."""
        for one in fields(self):
            if one.name in saved[1]:
                setattr(self, one.name, saved[1][one.name])
            elif one.default_factory is not MISSING:
                setattr(self, one.name, one.default_factory())
            else:
                setattr(self, one.name, one.default)

    def record(self, change: Change) -> None:
        """Note a change that has been made."""
        learned = self.counts["learned"]
        self.changes.append(msgspec.structs.replace(change, events_learned=learned))
        self.changed += 1

    @property
    def version(self) -> str:
        """Names the model as it is now: its lineage, in base 36, and how much it has learnt."""
        return f"{base_repr(self.lineage, 36).lower()}.{self.counts['learned']}"

    @property
    def predictor(self) -> Predictor:
        """What makes predictions."""
        rivals = {name: one.model for name, one in self.challengers.items()}
        batch = self.batch
        if batch is None or batch.model is None:
            return Predictor(self.model, self.past, rivals)
        return Predictor(self.model, self.past, rivals, batch.version, batch.model.histories)

    @property
    def report(self) -> dict[str, Any]:
        """What the metrics and the model have to say beyond numbers. Plain JSON types."""
        describe = getattr(self.model, "describe", None)
        return {**self.metrics.report(), **(describe() if describe else {})}
