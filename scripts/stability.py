"""Do clusters keep their identity while they move?"""

from __future__ import annotations

from typing import Any

from flows.learning.learner import Learner
from flows.projects.spec import Project

HOUR = 3600.0


class Stability:
    """Asks the model, an hour of event time later, again about all that it saw in an hour.

    Give it each event before the learner gets it.
    """

    def __init__(self, project: Project, period: float = HOUR) -> None:
        self.shares: list[float] = []
        self._project = project
        self._period = period
        self._ends: float | None = None
        self._seen: dict[str, dict[str, Any]] = {}
        self._said: list[tuple[dict[str, Any], int]] = []

    def add(self, learner: Learner, event: Any, time: float) -> None:
        """Take an event in; `time` is its own, in seconds."""
        if self._ends is None:
            self._ends = time + self._period
        if time >= self._ends:
            self._compare(learner)
            self._ends = time + self._period
        state = learner.state
        self._seen[self._project.key(event)] = self._project.inputs(event, state.past)

    def values(self) -> dict[str, float]:
        """`Stability`: the mean share of entities whose cluster was the same an hour later."""
        return {"Stability": sum(self.shares) / len(self.shares)} if self.shares else {}

    def _compare(self, learner: Learner) -> None:
        if self._said:
            same = sum(self._ask(learner, one) == cluster for one, cluster in self._said)
            self.shares.append(same / len(self._said))
        answers = ((one, self._ask(learner, one)) for one in self._seen.values())
        self._said = [(one, cluster) for one, cluster in answers if cluster is not None]
        self._seen = {}

    def _ask(self, learner: Learner, features: dict[str, Any]) -> int | None:
        prediction = self._project.task.predict(learner.state.model, features)
        return None if prediction is None else int(prediction.cluster)
