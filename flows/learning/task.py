"""What a kind of learning must know: how to predict, how to learn, how to be measured."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from flows.learning.drift import Alarm, ErrorDrift


class Metrics(Protocol):
    """Test-then-train metrics of one task, updated with predictions made before their label."""

    def update(self, label: Any, prediction: Any, time: float = 0.0) -> None:
        """Count one labelled prediction; `time` is its event's, in seconds since 1970."""

    def values(self) -> dict[str, float]:
        """Every metric by name; those that are not defined yet are left out."""

    def report(self) -> dict[str, Any]:
        """What is more than a number: matrices, curves, counts. Plain JSON types."""


class Detector(Protocol):
    """Watches errors for drift."""

    def update(self, error: float) -> Alarm | None:
        """Watch one error; returns the alarm that it raises, if any."""


class Task(Protocol):
    """A kind of learning. Stateless: all state is in the model and in the metrics."""

    @property
    def name(self) -> str:
        """One word by which pages and clients tell what they show."""

    @property
    def label(self) -> type[float] | type[str]:
        """What labels are in the lake."""

    @property
    def prediction(self) -> type[msgspec.Struct]:
        """The struct that `predict` returns; its fields are columns of the lake."""

    def predict(self, model: Any, features: dict[str, Any]) -> Any | None:
        """Predict without changing the model; None while it has learnt too little to answer."""

    @property
    def answers(self) -> type[msgspec.Struct]:
        """The struct that `answer` returns."""
        return self.prediction

    def answer(self, model: Any, features: dict[str, Any]) -> Any | None:
        """Predict for somebody who asks: a prediction, perhaps with more than can be scored."""
        return self.predict(model, features)

    def told(self, prediction: Any) -> Any:
        """A prediction that was made elsewhere, as `answer` would give it."""
        return prediction

    def learn(self, model: Any, features: dict[str, Any], label: Any) -> None:
        """Let the model learn one labelled example."""

    def error(self, label: Any, prediction: Any) -> float:
        """How wrong a prediction was; drift detectors watch it."""

    def detector(self) -> Detector:
        """Make a fresh detector of drift in errors."""
        return ErrorDrift()

    def metrics(self) -> Metrics:
        """Make fresh metrics."""

    def maximize(self, metric: str) -> bool:
        """Tell whether more of a metric is better."""

    def check_label(self, label: Any) -> Any:
        """Return the label in the task's type. Raises EventError when it is none."""
