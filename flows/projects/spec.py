"""What a project is: its events, its task, its model, and what people may ask of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from river.base import Estimator

from flows.errors import ProjectError
from flows.learning.task import Task

Features = dict[str, Any]


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
    fields of it: the entity keys messages, a label that is None comes later on the labels topic.
    """

    slug: str
    title: str
    topic: str
    task: Task
    event: type[msgspec.Struct]
    event_id: str
    entity: str
    label: str
    features: Callable[[Any], Features]
    model: Callable[[], Estimator]
    score: str
    summary: str = ""
    time: str = "timestamp"
    horizon: timedelta = timedelta(days=7)
    max_pending: int = 10_000
    forbidden_inputs: frozenset[str] = frozenset()
    queries: tuple[Query, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a description whose named fields do not exist."""
        fields = set(self.event.__struct_fields__)
        for role in ("event_id", "entity", "time", "label"):
            if getattr(self, role) not in fields:
                raise ProjectError(
                    f"{self.slug}: {role}={getattr(self, role)!r} is no field of"
                    f" {self.event.__name__}; name one of {', '.join(sorted(fields))}"
                )

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
    label: float
    timestamp: datetime
