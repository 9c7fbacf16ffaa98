"""What a kind of task must know to be trained at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flows.batch.order import Progress
from flows.batch.table import Column, Floats, Parts, Row, Table, frame_of, row_of
from flows.projects.spec import Project

Json = dict[str, Any]


class Head(Protocol):
    """What predicts, once trained. Picklable; it predicts and is never trained again.

    `histories` is what it keeps of labels, the only part that `learn` changes; None for nothing.
    """

    histories: Any

    def row(self, inputs: Mapping[str, Any]) -> Row:
        """What has to be known of an event, at the moment of its prediction."""

    def predict_many(self, rows: Sequence[Row]) -> list[Any]:
        """The task's own prediction for each row."""

    def learn(self, inputs: Mapping[str, Any], label: Any) -> None:
        """Keep what `row` needs of labels, if anything."""


class TabularHead:
    """A head whose rows are the values of its columns."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.histories: Any = None

    def row(self, inputs: Mapping[str, Any]) -> Row:
        """The values of an event's inputs, in order of columns."""
        return row_of(self.columns, inputs)

    def predict_many(self, rows: Sequence[Row]) -> list[Any]:
        """The task's own prediction for each row."""
        return self.predict_frame(frame_of(self.columns, rows)) if rows else []

    def predict_frame(self, frame: Any) -> list[Any]:
        """The task's own prediction for each row of a frame that has the columns."""
        raise NotImplementedError

    def learn(self, inputs: Mapping[str, Any], label: Any) -> None:
        """Labels change nothing."""


@dataclass(frozen=True, slots=True)
class Examined:
    """Rows of what a model sees, and how well it does on them; higher is better if `maximize`."""

    columns: Sequence[Column]
    frame: Any
    score: Callable[[Any], float]
    measure: str
    maximize: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """A trained model with the data that it is judged on; `predictions` are of the test part."""

    project: Project
    head: Any
    parts: Parts
    predictions: Sequence[Any]

    @property
    def test(self) -> Table:
        """What it is tested on."""
        return self.parts.test


Diagnostic = Callable[[Subject], Json]


class BatchTask(Protocol):
    """One kind of task. Stateless; what a project's task tells is asked of it.

    `diagnostics` are those that take no time; `parameters` are, by candidate, the one whose
    validation curve is drawn, and its values.
    """

    diagnostics: Mapping[str, Diagnostic]
    parameters: Mapping[str, tuple[str, Sequence[Any]]]

    def check(self, project: Project, parts: Parts) -> None:
        """Refuse data that nothing can be learnt from. Raises ProjectError."""

    def fit(
        self,
        project: Project,
        name: str,
        parts: Parts,
        progress: Progress,
        changed: Mapping[str, Any] | None = None,
    ) -> Head:
        """Train a candidate on the training part; validation may set its thresholds.

        What the head keeps of labels is that of the training part. `changed`: parameters of the
        model that are to be other than usual.
        """

    def more(self, subject: Subject) -> dict[str, float]:
        """Metrics of the test part beyond those of the project's task."""

    def notes(self, head: Any) -> Json:
        """What is worth knowing of a trained model: its threshold, its number of clusters."""

    def response(self, head: Any, frame: Any) -> dict[str, Floats]:
        """What is predicted for each row as numbers, by what they are numbers of."""

    def examined(self, project: Project, head: Any, table: Table) -> Examined:
        """Rows of a table as the model sees them, scored by the project's own metric."""

        def score(frame: Any) -> float:
            metrics = project.task.metrics()
            said = head.predict_frame(frame)
            for label, one, time in zip(table.labels, said, table.times, strict=True):
                metrics.update(label, one, time)
            return metrics.values().get(project.score, float("nan"))

        frame = table.keep(head.columns).frame
        maximize = project.task.maximize(project.score)
        return Examined(head.columns, frame, score, project.score, maximize)
