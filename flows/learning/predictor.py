"""All that takes part in a prediction: what travels to whoever serves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.learning.past import Past

if TYPE_CHECKING:
    from flows.projects.spec import Project


@dataclass(slots=True)
class Predictor:
    """The champion's model, what it remembers of earlier events, and its challengers by name.

    `histories` are what the batch model of that version remembers of labels; itself it is
    registered, and not sent along.
    """

    model: Any
    past: Past | None = None
    challengers: dict[str, Any] = field(default_factory=dict)
    batch: int = 0
    histories: Any = None

    def predict(self, project: Project, event: Any) -> Any | None:
        """The project's prediction of an event; None while the model knows too little."""
        return project.task.predict(self.model, project.inputs(event, self.past))
