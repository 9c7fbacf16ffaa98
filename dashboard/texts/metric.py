"""What is said of a metric, whatever its task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["score", "quantity", "percent", "share", "count"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric's explanation; `sentence` is what a tile says, the rest is in its tooltip.

    `kind` tells how its values read: a quantity has the label's unit, a share is in [0, 1], a
    percentage is out of 100. One with a `target` is the better the nearer it is to that.
    """

    label: str
    sentence: str
    formula: str
    scale: str
    kind: Kind = "score"
    target: float | None = None

    @property
    def explanation(self) -> str:
        """Formula, meaning and good range, one below the other."""
        return f"{self.formula}\n{self.sentence}\n{self.scale}"
