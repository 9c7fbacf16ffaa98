"""What is said of a metric, whatever its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["score", "quantity", "percent", "share", "count"]

OWN = "the flow's own sums, of every label so far"
NEWEST = "the flow's own sums, of the newest labels only"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric's explanation; `sentence` is what a tile says, the rest is in its tooltip.

    `kind` tells how its values read: a quantity has the label's unit, a share is in [0, 1], a
    percentage is out of 100. One with a `target` is the better the nearer it is to that. `scale`
    tells good from bad values, `source` says what computes them from what.
    """

    label: str
    sentence: str
    formula: str
    scale: str
    kind: Kind = "score"
    target: float | None = None
    source: str = OWN

    @property
    def explanation(self) -> str:
        """Formula, meaning, good and bad ranges and source, one below the other."""
        return f"{self.formula}\n{self.sentence}\n{self.scale}\nSource: {self.source}"


def of_river(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Name River's metrics of the same names as the source."""
    return {
        name: replace(metric, source=f"River's metrics.{name}") for name, metric in metrics.items()
    }
