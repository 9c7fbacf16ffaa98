"""What a project is: its events, its task, its model, and what people may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from river.base import Estimator

from flows.errors import ProjectError
from flows.learning.past import Past
from flows.learning.task import Task

Features = dict[str, Any]

# What commands mean by them: the project's own model, and the former champion.
TAKEN_NAMES = frozenset({"original", "previous", "batch", "online"})


@dataclass(frozen=True, slots=True)
class Query:
    """A SQL text that a page offers as a start; it reads the view named like the project."""

    title: str
    sql: str


@dataclass(frozen=True, kw_only=True)
class Project:
    """One stream that is learnt from; everything that differs between projects is here.

    `event` is a msgspec struct whose field names and types are those on Kafka; its `Meta`
    annotations give ranges, units and help texts. `event_id`, `entity`, `time` and `label` name
    fields of it: the entity, perhaps of several fields, keys messages; a label that is None comes
    later on the labels topic. A project without a label field learns every event at once.

    The model sees `features`, and what `past` remembers of earlier events. `challengers` are
    learnt and scored beside the model on the same events; with `promote_automatically` one that is
    better beyond chance takes its place. `seasonal_inputs` move with the clock and are not watched
    for drift.
    """

    slug: str
    title: str
    topic: str
    task: Task
    event: type[msgspec.Struct]
    event_id: str
    entity: str | tuple[str, ...]
    label: str | None
    features: Callable[[Any], Features]
    model: Callable[[], Estimator]
    score: str
    past: Callable[[], Past] | None = None
    challengers: Mapping[str, Callable[[], Estimator]] = field(default_factory=dict)
    promote_automatically: bool = False
    summary: str = ""
    time: str = "timestamp"
    horizon: timedelta = timedelta(days=7)
    max_pending: int = 10_000
    forbidden_inputs: frozenset[str] = frozenset()
    seasonal_inputs: frozenset[str] = frozenset()
    queries: tuple[Query, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a description whose named fields do not exist."""
        if taken := TAKEN_NAMES & self.challengers.keys():
            raise ProjectError(
                f"{self.slug}: no challenger can be called {', '.join(sorted(taken))}; rename it"
            )
        fields = set(self.event.__struct_fields__)
        roles = [("event_id", self.event_id), ("time", self.time)]
        roles += [("entity", name) for name in self.entities]
        roles += [("label", self.label)] if self.label is not None else []
        for role, name in roles:
            if name not in fields:
                raise ProjectError(
                    f"{self.slug}: {role}={name!r} is no field of"
                    f" {self.event.__name__}; name one of {', '.join(sorted(fields))}"
                )

    @property
    def entities(self) -> tuple[str, ...]:
        """The fields that together name an event's entity."""
        return (self.entity,) if isinstance(self.entity, str) else self.entity

    @property
    def unknown(self) -> tuple[str, ...]:
        """Fields of the event that nobody knows when it is predicted."""
        return () if self.label is None else (self.label,)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Fields that a form does not ask for: nobody knows them, or no model may."""
        return (*self.unknown, *sorted(self.forbidden_inputs))

    @property
    def topics(self) -> tuple[str, ...]:
        """What its flow reads."""
        return (self.topic,) if self.label is None else (self.topic, self.labels_topic)

    def key(self, event: Any) -> str:
        """The entity of an event, which keys its message and decides its shard."""
        return "/".join(str(getattr(event, name)) for name in self.entities)

    def inputs(self, event: Any, past: Past | None) -> Features:
        """What a model sees of an event."""
        features = self.features(event)
        return features if past is None else features | past.recall(event)

    @property
    def labels_topic(self) -> str:
        """Where labels come that the event did not carry."""
        return f"{self.topic}_labels"

    @property
    def dead_letters_topic(self) -> str:
        """Where messages go that are no events of this project."""
        return f"{self.topic}_dead_letters"


class Label(msgspec.Struct, frozen=True, gc=False):
    """A label that came after its event. `label` is checked by the project's task."""

    event_id: str
    label: float | str
    timestamp: datetime
