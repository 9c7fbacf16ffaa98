"""Two registered versions, asked the same labelled events."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

from api.answers import Score, moment
from api.life import Comparison, Side
from api.serving import Loaded
from flows.errors import StoreError
from flows.learning.contest import BLOCK, Contest
from flows.projects.spec import Project
from flows.settings import Settings

if TYPE_CHECKING:  # delta-rs is loaded by an API that compares, and by no other
    from flows.stores.labelled import Labelled

LONGEST_SECONDS = 10.0
# Fewer unseen events than these say nothing: then seen ones count too, and it is told.
ENOUGH_UNSEEN = 2 * BLOCK


@dataclass(slots=True)
class _Asked:
    """What one version said so far."""

    version: Loaded
    metrics: Any
    errors: list[float] = field(default_factory=list)
    learnt: int = 0

    def has_learnt(self, one: Labelled) -> bool:
        return one.offset <= self.version.facts.offsets.get(one.log, -1)

    def ask(self, project: Project, one: Labelled) -> float | None:
        """Predict and score an event; the error, None where it says nothing."""
        said = self.version.predictor.predict(project, one.event)
        self.learnt += self.has_learnt(one)
        if said is None:
            return None
        self.metrics.update(one.label, said, one.time)
        error = project.task.error(one.label, said)
        self.errors.append(error)
        return error

    def side(self, project: Project) -> Side:
        values = self.metrics.values()
        score = values.get(project.score)
        return Side(
            version=self.version.number or 0,
            events_learned=self.version.facts.events_learned,
            learnt=self.learnt,
            score=None if score is None else Score(project.score, score),
            mean_error=fmean(self.errors) if self.errors else None,
            metrics=values,
        )


class Comparer:
    """Compares one pair at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._busy = threading.Lock()

    def compare(self, project: Project, shard: int, a: Loaded, b: Loaded, count: int) -> Comparison:
        """Ask two versions for the newest labelled events that the lake has.

        Each remembers what it did when it was registered, no later events of an entity. Raises
        StoreError when the lake fails, or another comparison runs.
        """
        if not self._busy.acquire(blocking=False):
            raise StoreError("another comparison runs; try again in some seconds")
        try:
            from flows.stores.labelled import newest_labelled

            found = newest_labelled(project, self._settings, shard, count)
            sides = [_Asked(one, project.task.metrics()) for one in (a, b)]
            return _compare(project, sides[0], sides[1], found)
        finally:
            self._busy.release()


def _compare(project: Project, a: _Asked, b: _Asked, found: list[Labelled]) -> Comparison:
    unseen = [one for one in found if not a.has_learnt(one) and not b.has_learnt(one)]
    asked = unseen if len(unseen) >= ENOUGH_UNSEEN else found
    contest, deadline, events = Contest(), time.monotonic() + LONGEST_SECONDS, 0
    for one in asked:
        if time.monotonic() > deadline:
            break
        errors = a.ask(project, one), b.ask(project, one)
        if errors[0] is not None and errors[1] is not None:
            contest.update(errors[0], errors[1])
        events += 1
        # Predictions of others come first.
        time.sleep(0)
    return Comparison(
        a=a.side(project),
        b=b.side(project),
        events=events,
        unseen=len(unseen),
        first=moment(asked[0].time) if asked else None,
        last=moment(asked[events - 1].time) if events else None,
        t=contest.standing.t,
        truncated=events < len(asked),
    )
