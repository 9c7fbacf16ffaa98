"""The metrics of binary classification."""

from __future__ import annotations

from typing import Any


class BinaryMetrics:
    """Metrics of labelled predictions."""

    def __init__(self, beta: float) -> None:
        self.beta = beta

    def update(self, label: int, prediction: Any) -> None:
        """Count one labelled prediction."""

    def values(self) -> dict[str, float]:
        """Every metric by name."""
        return {}

    def report(self) -> dict[str, Any]:
        """Matrices and curves."""
        return {}
