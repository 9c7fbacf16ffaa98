"""What travels between the steps of a flow: always lists, one per poll of one Kafka partition."""

from __future__ import annotations

from typing import Any

import msgspec

from flows.learning.learner import Outcome
from flows.learning.state import Change, Status
from flows.stores.live import Facts


class Source(msgspec.Struct, frozen=True):
    """One partition of one topic, as it is named in offsets and transactions."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Message(msgspec.Struct, frozen=True, gc=False):
    """A Kafka message. `time`: its timestamp in seconds since 1970."""

    offset: int
    time: float
    key: bytes | None
    value: bytes | None


class Order(msgspec.Struct, frozen=True):
    """What a flow is told to do to a shard, with all that it needs for it.

    `frame`: the learner to go back to, and by log the `sources` it knew and its `offsets` there;
    empty for a promotion. Without a `change`, `frame` is the batch model of the version `batch`,
    to be tested from now on.
    """

    number: int
    change: Change | None
    frame: bytes | None
    sources: dict[str, str]
    offsets: dict[str, int]
    batch: int = 0

    @property
    def moves(self) -> bool:
        """Is the log to be read again?"""
        return self.change is not None and self.frame is not None and not self.change.skip


class Polled(msgspec.Struct, frozen=True):
    """What one poll brought; without messages it only tells that the source is alive.

    `identity` names the cluster and topic the offsets belong to; `lag` is how many messages of
    the partition were still unread, None where the broker does not say; `position` is the next
    message to read. `order`: what the source has just done its part of.
    """

    source: Source
    identity: str
    messages: list[Message]
    lag: int | None = None
    position: int = 0
    order: Order | None = None


class Rejected(msgspec.Struct, frozen=True):
    """A message that is no event or label of the project, and why."""

    message: Message
    reason: str
    detail: str


class Decoded(msgspec.Struct, frozen=True):
    """A poll after decoding: `accepted` holds (message, event or label)."""

    source: Source
    identity: str
    accepted: list[tuple[Message, Any]]
    rejected: list[Rejected]
    lag: int | None
    position: int = 0
    order: Order | None = None


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """An event with the prediction made for it. `offset` and `time` are its message's.

    `error`: how wrong the prediction was, where the label was known at once.
    """

    offset: int
    time: float
    event: Any
    prediction: Any
    error: float | None
    events_learned: int


class OutcomeRow(msgspec.Struct, frozen=True, gc=False):
    """An outcome with the message that settled it; the prediction is in the event's row."""

    offset: int
    time: float
    event_id: str
    status: Status
    label: Any
    error: float | None
    delay_seconds: float | None
    events_learned: int | None

    @classmethod
    def of(cls, message: Message, outcome: Outcome) -> OutcomeRow:
        """The row of what a message settled."""
        return cls(
            message.offset,
            message.time,
            outcome.event_id,
            outcome.status,
            outcome.label,
            outcome.error,
            outcome.delay_seconds,
            outcome.events_learned,
        )


class Curve(msgspec.Struct, frozen=True):
    """Metrics for the curve in MLflow. `time`: of the event, in seconds since 1970."""

    events_learned: int
    time: float
    metrics: dict[str, float]


class Publication(msgspec.Struct, frozen=True):
    """A model to go live; `learner` holds the whole learner when a version is due."""

    facts: Facts
    model: bytes
    learner: bytes | None


class Learned(msgspec.Struct, frozen=True):
    """What one poll taught: rows for the lake, points for the curve, perhaps a publication."""

    source: Source
    identity: str
    lineage: int
    events: list[EventRow]
    outcomes: list[OutcomeRow]
    curve: list[Curve]
    publication: Publication | None
    lag: int | None
