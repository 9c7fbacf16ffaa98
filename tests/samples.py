"""Events of a project, and learners that have seen some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from flows.learning.learner import Learner
from flows.projects.spec import Project

WARM_UP = 300

Value = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A project with JSON-ready events of it, at least 600 and labelled if it has labels."""

    project: Project
    values: Sequence[Value]

    def events(self, first: int = 0, last: int | None = None) -> list[Any]:
        """Some of them, decoded."""
        return [self.event(value) for value in self.values[first:last]]

    def event(self, value: Value) -> Any:
        """One of them, decoded as a flow does."""
        return msgspec.json.decode(msgspec.json.encode(value), type=self.project.event)

    def learner(self, count: int = WARM_UP) -> Learner:
        """A learner that has seen the first events."""
        learner = Learner.fresh(self.project, lineage=1)
        observe(learner, self.events(0, count))
        return learner

    def unlabelled(self, event: Any) -> Any:
        """The event as it is before its label is known."""
        return msgspec.structs.replace(event, **dict.fromkeys(self.project.unknown))


def observe(learner: Learner, events: Sequence[Any]) -> list[Any]:
    """Let a learner observe events by their own time; returns what it says of each."""
    project = learner.project
    return [learner.observe(event, getattr(event, project.time).timestamp())[0] for event in events]
